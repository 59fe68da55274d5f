package import NIOCore

/// When a server of known delay answers: a pure machine. What the field can say about a generator is what it
/// shows of such a server.
package struct DelayPlan: Sendable, Equatable {
    /// A time in which the server does nothing, as if its process had been stopped.
    package struct Stall: Sendable, Equatable {
        /// Since the first request.
        package let from: TimeAmount
        package let length: TimeAmount
    }

    package enum Workers: Sendable, Equatable {
        /// Every request is served at once.
        case unlimited
        /// One request after the other, in the order in which they came.
        case one
    }

    package let delay: TimeAmount
    package let stall: Stall?
    let workers: Workers
    private var origin: NIODeadline?
    private var freeAt = NIODeadline.uptimeNanoseconds(0)

    package init(delay: TimeAmount, stall: Stall? = nil, workers: Workers = .unlimited) {
        self.delay = delay
        self.stall = stall
        self.workers = workers
    }

    /// When a request that came at `arrival` is answered. Requests are told in the order in which they come.
    mutating func answer(to arrival: NIODeadline) -> NIODeadline {
        let origin = self.origin ?? arrival
        self.origin = origin
        let begin = workers == .one ? max(arrival, freeAt) : arrival
        let end = finish(of: begin, since: origin)
        freeAt = end
        return end
    }

    /// The work pauses while the server stands still.
    private func finish(of begin: NIODeadline, since origin: NIODeadline) -> NIODeadline {
        guard let stall else { return begin + delay }
        let from = origin + stall.from
        let until = from + stall.length
        if begin >= until || begin + delay <= from { return begin + delay }
        return begin <= from ? begin + delay + stall.length : until + delay
    }
}
