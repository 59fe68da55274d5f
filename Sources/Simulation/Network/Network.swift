import Synchronization

/// How messages travel in a simulated world, between all processes and all nodes.
package final class Network: Sendable {
    package struct Conditions: Sendable, Equatable {
        /// A message takes at least so long, in nanoseconds.
        package var shortest: World.Moment = 50_000
        /// And no longer.
        package var longest: World.Moment = 1_200_000
        /// Replies take so much longer.
        package var replyDelay: World.Moment = 0
        /// Replies take up to so much longer, each another time.
        package var replyJitter: World.Moment = 0
        /// One request in so many is lost with its connection; 0: none.
        package var losesRequests = 0
        /// One reply in so many is lost with its connection; 0: none.
        package var losesReplies = 0
        /// One published message in so many is lost; 0: none.
        package var losesMessages = 0
        /// Connections stay open, and nothing that is sent arrives.
        package var swallows = false

        package init() {}
    }

    package let world: World
    private let current = Mutex(Conditions())

    package init(_ world: World) { self.world = world }

    package var conditions: Conditions { current.withLock { $0 } }

    package func change(_ body: (inout Conditions) -> Void) { current.withLock { body(&$0) } }

    func requestDelay() -> World.Moment {
        let now = conditions
        return world.delay(from: now.shortest, to: now.longest)
    }

    func replyDelay() -> World.Moment {
        let now = conditions
        let jitter = now.replyJitter > 0 ? now.replyJitter * World.Moment(world.choose(among: 64)) / 64 : 0
        return world.delay(from: now.shortest, to: now.longest) + now.replyDelay + jitter
    }

    /// True in one of `count` cases; never for 0.
    func oneIn(_ count: Int) -> Bool { count > 0 && world.choose(among: count) == count - 1 }
}
