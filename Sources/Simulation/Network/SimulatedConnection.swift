import RedisClient
import Synchronization

/// A connection of a simulated process to a node. What is sent first arrives first, in both directions.
final class SimulatedConnection: Sendable {
    typealias Done = @Sendable (Result<[RESPValue], RedisError>) -> Void

    private struct State {
        var isCut = false
        /// The server has closed it, or something on its way was lost: nothing arrives any more.
        var isBroken = false
        /// The server has accepted it.
        var isEstablished = false
        var lastArrival: World.Moment = 0
        var lastReply: World.Moment = 0
        /// Calls without a reply, oldest first.
        var pending: [(call: Int, done: Done)] = []
        var onMessage: (@Sendable (String) -> Void)?
        var onCut: (@Sendable () -> Void)?
    }

    let number: Int
    let process: Int
    private let node: SimulatedNode
    private let network: Network
    /// Is told the run of the server that has accepted it, before a command is carried out.
    private let onEstablished: @Sendable (String) -> Void
    /// Names of its two directions, for ``World/plan(at:line:touches:_:)``.
    private let requests: Int
    private let replies: Int
    private let state = Mutex(State())

    init(
        process: Int, node: SimulatedNode, network: Network,
        onEstablished: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        let world = network.world
        number = world.number()
        requests = world.number()
        replies = world.number()
        self.process = process
        self.node = node
        self.network = network
        self.onEstablished = onEstablished
    }

    private var world: World { network.world }

    var isCut: Bool { state.withLock(\.isCut) }

    /// Whether what was sent may have reached the server.
    var isEstablished: Bool { state.withLock(\.isEstablished) }

    /// Is told each published message, and when the connection ends.
    func listen(
        onMessage: @escaping @Sendable (String) -> Void, onCut: @escaping @Sendable () -> Void
    ) {
        state.withLock { state in
            state.onMessage = onMessage
            state.onCut = onCut
        }
    }

    /// Sends commands in one piece. `done` is called once: with the replies, or when the connection ends.
    func send(_ commands: [RedisCommand], done: @escaping Done) {
        let call = world.number()
        let delay = network.requestDelay()
        let arrival: World.Moment? = state.withLock { state in
            guard !state.isCut else { return nil }
            state.pending.append((call, done))
            state.lastArrival = max(state.lastArrival, world.now + delay)
            return state.lastArrival
        }
        guard let arrival else {
            return done(.failure(RedisError(.unavailable, "the connection had ended")))
        }
        guard !network.conditions.swallows else { return }
        world.plan(at: arrival, line: requests, reach: .shared) { [self] in arrive(commands, call) }
    }

    private func arrive(_ commands: [RedisCommand], _ call: Int) {
        guard !state.withLock(\.isBroken) else { return }
        if isCut {
            // What was on its way when the client lost the connection may arrive all the same, up to a place.
            guard isEstablished, world.choose(among: 2) == 1 else {
                return state.withLock { $0.isBroken = true }
            }
            return node.arrive(.init(connection: self, commands: commands, replied: { _ in }))
        }
        if !isEstablished {
            guard node.accept(self) else { return cut("connection refused") }
            state.withLock { $0.isEstablished = true }
            onEstablished(node.run)
        }
        if network.oneIn(network.conditions.losesRequests) {
            state.withLock { $0.isBroken = true }
            return cut("a request was lost")
        }
        node.arrive(.init(connection: self, commands: commands, replied: { [self] in reply($0, call) }))
    }

    private func reply(_ values: [RESPValue], _ call: Int) {
        guard !network.conditions.swallows else { return }
        if network.oneIn(network.conditions.losesReplies) { return cut("a reply was lost") }
        world.plan(at: nextReply(), line: replies) { [self] in
            let done: Done? = state.withLock { state in
                guard let place = state.pending.firstIndex(where: { $0.call == call }) else { return nil }
                return state.pending.remove(at: place).done
            }
            done?(.success(values))
        }
    }

    /// Something was published on a channel that it listens to.
    func deliver(_ delivery: RedisModel.Delivery) {
        let conditions = network.conditions
        guard !conditions.swallows, !network.oneIn(conditions.losesMessages) else { return }
        world.plan(at: nextReply(), line: replies) { [self] in
            state.withLock { $0.isCut ? nil : $0.onMessage }?(delivery.message)
        }
    }

    private func nextReply() -> World.Moment {
        let delay = network.replyDelay()
        return state.withLock { state in
            state.lastReply = max(state.lastReply, world.now + delay)
            return state.lastReply
        }
    }

    /// The server ends the connection: what arrives later is not carried out.
    func endAtServer(_ why: String) {
        state.withLock { $0.isBroken = true }
        cut(why)
    }

    /// The server notices the end behind all that is on its way.
    private func sayEnd() {
        let moment = state.withLock { max($0.lastArrival, world.now) }
        world.plan(at: moment, line: requests, reach: .shared) { [self] in node.left(self) }
    }

    /// The connection ends: what was sent and not answered has an unknown outcome; nothing was sent over one
    /// that the server had not accepted.
    func cut(_ why: String) {
        let ended:
            (pending: [(call: Int, done: Done)], isEstablished: Bool, onCut: (@Sendable () -> Void)?)? =
                state.withLock { state in
                    guard !state.isCut else { return nil }
                    state.isCut = true
                    defer { state.pending = [] }
                    defer { state.onCut = nil }
                    return (state.pending, state.isEstablished, state.onCut)
                }
        guard let ended else { return }
        world.tell(.process(process), node: node.placeInStory, "loses its connection (\(why))")
        sayEnd()
        let error = RedisError(ended.isEstablished ? .outcomeUnknown : .unavailable, why)
        for call in ended.pending { call.done(.failure(error)) }
        ended.onCut?()
    }

    /// The client ends it: nobody is told.
    func close() {
        state.withLock { state in
            state.isCut = true
            state.pending = []
            state.onMessage = nil
            state.onCut = nil
        }
        sayEnd()
    }
}
