package import RedisClient
import Synchronization

/// A Redis server of a simulated world: a ``RedisModel``, and what can happen to a server.
package final class SimulatedNode: Sendable {
    /// A piece of commands that reached the server, and who is told the replies.
    struct Request: Sendable {
        let connection: SimulatedConnection
        let commands: [RedisCommand]
        let replied: @Sendable ([RESPValue]) -> Void
    }

    private struct State {
        var model: RedisModel
        var phase = Phase.running
        /// What arrived while the server was stopped.
        var waiting: [Request] = []
        /// In the order in which they were made.
        var connections: [SimulatedConnection] = []
        /// How much its wall clock goes before the world's, in milliseconds.
        var clockOffset: Int64 = 0
        /// What a replica, or the disk, has; nil: all of it.
        var kept: RedisModel?
        /// How often it has started.
        var starts = 1
    }

    private enum Phase: Equatable {
        case running
        case stopped
        case down
    }

    package let world: World
    package let number: Int
    /// One thread runs a world, and with it the scripts of all its nodes.
    nonisolated(unsafe) private let lua: LuaInterpreter
    private let state: Mutex<State>

    /// When the world begins, in Unix milliseconds.
    private static let epoch: Int64 = 1_700_000_000_000

    /// - Parameter model: What it holds when the world begins.
    package init(_ world: World, number: Int, lua: LuaInterpreter, model: RedisModel = RedisModel()) {
        state = Mutex(State(model: model))
        self.world = world
        self.number = number
        unsafe self.lua = lua
        // The node and its connections hold each other.
        world.onEnd { [weak self] in
            self?.state.withLock {
                $0.connections = []
                $0.waiting = []
            }
        }
    }

    /// As ``RedisModel/timedOut``, since it started.
    package var timedOut: [String] { state.withLock(\.model.timedOut) }

    /// What it holds: names of keys, and when each ends.
    package var keys: [(name: String, end: Int64?)] {
        let moment = wallClock
        return state.withLock { $0.model.keys(at: moment) }
    }

    /// Subscriptions that nobody has ended.
    package var subscriptions: Int { state.withLock { $0.model.subscriptionCount } }

    /// Names the server from its start to its end, as the run id of Redis does.
    var run: String { "\(number)-\(state.withLock(\.starts))" }

    /// A copy of all it holds.
    package var model: RedisModel { state.withLock(\.model) }

    /// Carries out a command as an auditor would, whatever is broken.
    package func read(_ command: RedisCommand) throws(UnknownRedisCommand) -> RESPValue {
        let moment = wallClock
        return try state.withLock { state throws(UnknownRedisCommand) in
            let refusal = state.model.refusal
            state.model.refusal = nil
            defer { state.model.refusal = refusal }
            return try unsafe state.model.execute(command, from: 0, at: moment, lua: lua)
        }
    }

    // MARK: What happens to a server

    /// SIGSTOP: what arrives waits.
    package func stop() {
        tell("is stopped")
        state.withLock { if $0.phase == .running { $0.phase = .stopped } }
    }

    /// SIGCONT.
    package func proceed() {
        tell("goes on")
        let waiting: [Request] = state.withLock { state in
            guard state.phase == .stopped else { return [] }
            state.phase = .running
            defer { state.waiting = [] }
            return state.waiting
        }
        for request in waiting { arrive(request) }
    }

    /// Why a connection was lost whose server was killed.
    package static let ended = "the server ended"

    /// SIGKILL: connections end.
    package func kill() {
        tell("is killed")
        let connections = state.withLock { state in
            state.phase = .down
            state.waiting = []
            defer { state.connections = [] }
            return state.connections
        }
        for connection in connections { connection.endAtServer(Self.ended) }
    }

    /// What a restart of the server finds.
    package enum Disk: Sendable {
        case everything
        case nothing
        /// What was there at ``keep()``.
        case whatWasKept
    }

    /// Starts again after ``kill()``.
    package func restart(with disk: Disk) {
        state.withLock { state in
            switch disk {
            case .everything: state.model.restart(keeping: state.model)
            case .nothing: state.model.restart(keeping: nil)
            case .whatWasKept: state.model.restart(keeping: state.kept ?? state.model)
            }
            state.kept = nil
            state.starts += 1
            state.phase = .running
        }
        switch disk {
        case .everything: tell("starts again with all it had")
        case .nothing: tell("starts again, empty")
        case .whatWasKept: tell("another one takes its place, which lacks the last writes")
        }
    }

    /// Nothing reaches the replica, or the disk, from now on.
    package func keep() {
        tell("its writes are kept nowhere else from here on")
        state.withLock { $0.kept = $0.model }
    }

    package func jumpClock(by milliseconds: Int64) {
        tell("its wall clock jumps by \(milliseconds) ms")
        state.withLock { $0.clockOffset += milliseconds }
    }

    package func forgetScripts() {
        tell("forgets its scripts")
        state.withLock {
            _ = try? unsafe $0.model.execute(RedisCommand("SCRIPT", "FLUSH"), from: 0, at: 0, lua: lua)
        }
    }

    package func refuse(_ refusal: RedisModel.Refusal?) {
        tell(refusal.map { "refuses: \($0)" } ?? "takes commands again")
        state.withLock { $0.model.refusal = refusal }
    }

    /// Resets all connections. What arrived before is carried out.
    package func resetConnections() {
        let connections = state.withLock { state in
            defer { state.connections = [] }
            return state.connections
        }
        tell("its connections are reset")
        for connection in connections { left(connection) }
        for connection in connections { connection.endAtServer("reset by the server") }
    }

    // MARK: Connections

    /// False when there is no server.
    func accept(_ connection: SimulatedConnection) -> Bool {
        state.withLock { state in
            guard state.phase != .down else { return false }
            state.connections.removeAll { $0.isCut }
            state.connections.append(connection)
            return true
        }
    }

    /// The connection ended at the client's side.
    func left(_ connection: SimulatedConnection) {
        state.withLock { state in
            state.connections.removeAll { $0 === connection }
            state.model.disconnect(connection.number)
        }
    }

    /// Commands arrive: carried out together, as Redis does with what came in one piece.
    func arrive(_ request: Request) {
        let moment = wallClock
        var replies: [RESPValue] = []
        let deliveries: [(SimulatedConnection, RedisModel.Delivery)]? = state.withLock { state in
            switch state.phase {
            case .down: return nil
            case .stopped:
                state.waiting.append(request)
                return nil
            case .running: break
            }
            for command in request.commands {
                replies.append(carryOut(command, request.connection.number, moment, &state.model))
            }
            return state.model.takeDeliveries().compactMap { delivery in
                state.connections.first { $0.number == delivery.connection }.map { ($0, delivery) }
            }
        }
        guard let deliveries else { return }
        tell(request, replies)
        for (connection, delivery) in deliveries { connection.deliver(delivery) }
        request.replied(replies)
    }

    private func carryOut(
        _ command: RedisCommand, _ connection: Int, _ moment: Int64, _ model: inout RedisModel
    ) -> RESPValue {
        do throws(UnknownRedisCommand) {
            return try unsafe model.execute(command, from: connection, at: moment, lua: lua)
        } catch {
            // A guess would make every verdict worthless.
            preconditionFailure("\(error)")
        }
    }

    private var wallClock: Int64 {
        let offset = state.withLock(\.clockOffset)
        return Self.epoch + world.now / 1_000_000 + offset
    }

    private func tell(_ text: @autoclosure () -> String) { world.tell(.node(number), text()) }

    /// What came in one piece is one line.
    private func tell(_ request: Request, _ replies: [RESPValue]) {
        let process = StoryLine.Who.process(request.connection.process)
        if let command = request.commands.first, let reply = replies.first, replies.count == 1 {
            world.tell(
                process, node: placeInStory, answer: CommandText.text(reply), CommandText.text(command))
        } else {
            world.tell(process, node: placeInStory, CommandText.lines(request.commands, replies))
        }
    }

    /// Only one of several nodes is told by its number.
    var placeInStory: Int? { number == 0 ? nil : number }
}
