import Foundation
import RedisClient

@testable import Simulation

/// The model side of a comparison: as it is, or with a fault that the comparison has to find.
enum Suspect: String, Sendable, CaseIterable {
    case faithful
    /// HDEL of the last field leaves an empty hash.
    case keepsEmptyHash
    /// SET leaves the end of the key as it was.
    case setKeepsEnd
    /// EXEC is carried out although a watched key was changed.
    case ignoresWatches
    /// SCRIPT FLUSH forgets nothing.
    case keepsScripts

    func reply(
        of model: inout RedisModel, to command: RedisCommand, from connection: Int, at now: Int64,
        lua: LuaInterpreter
    ) throws -> RESPValue {
        let words = command.arguments
        let key = words.dropFirst().first ?? ""
        let before = model.entries[key]
        if self == .ignoresWatches, words[0] == "EXEC" { model.connections[connection]?.isOvertaken = false }
        let scripts = model.scripts
        let reply = try model.execute(command, from: connection, at: now, lua: lua)
        switch self {
        case .keepsEmptyHash:
            if words[0] == "HDEL", before?.hash != nil, model.entries[key] == nil {
                model.entries[key] = RedisModel.Entry(hash: RedisHash())
            }
        case .setKeepsEnd:
            if words[0] == "SET", reply == .ok, words.count == 3 { model.entries[key]?.end = before?.end }
        case .keepsScripts:
            if words[0] == "SCRIPT", key == "FLUSH" { model.scripts = scripts }
        case .faithful, .ignoresWatches: break
        }
        return reply
    }
}

/// The model beside a real server: both get the same random sequences.
struct Differential {
    let socketPath: String
    let seed: UInt64
    let suspect: Suspect

    /// What a sequence left behind, on either side.
    private static let look: [RedisCommand] = SequenceMaker.keys.flatMap { key in
        [RedisCommand("GET", key), RedisCommand("HGETALL", key), RedisCommand("PTTL", key)]
    }

    private static let visitor = SequenceMaker.connectionCount

    /// Runs sequences until both sides differ.
    ///
    /// - Returns: What was sent, and the two replies; nil when there is no difference.
    func firstDifference(sequences: Int) throws -> String? {
        let sockets = try (0...Self.visitor).map { _ in try RedisSocket(path: socketPath) }
        let admin = sockets[Self.visitor]
        _ = try admin.exchange([
            RedisCommand("CONFIG", "SET", "loglevel", "warning"),
            RedisCommand("DEBUG", "SET-ACTIVE-EXPIRE", "0"),
        ])
        let lua = LuaInterpreter()
        for number in 0..<sequences {
            // A sequence can be run alone: it has a seed of its own.
            var maker = SequenceMaker(seed: seed &* 1_000_003 &+ UInt64(number))
            let steps = maker.next()
            var run = DifferentialRun(sockets: sockets, lua: lua, suspect: suspect)
            if let difference = try run.firstDifference(in: steps) ?? run.differenceOfKeys(Self.look) {
                return "seed \(seed), sequence \(number)\n" + run.sent.joined(separator: "\n") + "\n"
                    + difference
            }
            try cleanUp(sockets)
        }
        return nil
    }

    private func cleanUp(_ sockets: [RedisSocket]) throws {
        for socket in sockets.dropLast() {
            let channels = SequenceMaker.channels.map { RedisCommand("UNSUBSCRIBE", $0) }
            let isListener = socket === sockets[Self.visitor - 1]
            _ = try socket.exchange(
                [RedisCommand("DISCARD"), RedisCommand("UNWATCH")] + (isListener ? channels : []))
            _ = socket.takeMessages()
        }
        _ = try sockets[Self.visitor].exchange([RedisCommand("FLUSHALL"), RedisCommand("SCRIPT", "FLUSH")])
    }
}

/// One sequence on both sides.
struct DifferentialRun {
    let sockets: [RedisSocket]
    let lua: LuaInterpreter
    let suspect: Suspect
    private(set) var sent: [String] = []
    private var model = RedisModel()

    init(sockets: [RedisSocket], lua: LuaInterpreter, suspect: Suspect) {
        self.sockets = sockets
        self.lua = lua
        self.suspect = suspect
    }

    private var visitor: Int { sockets.count - 1 }

    mutating func firstDifference(in steps: [SequenceStep]) throws -> String? {
        var batch: [RedisCommand] = []
        var sender = 0
        for step in steps {
            switch step {
            case .command(let connection, let command):
                if connection != sender {
                    if let difference = try difference(batch, from: sender) { return difference }
                    batch = []
                    sender = connection
                }
                batch.append(command)
            case .refusal(let refusal):
                if let difference = try difference(batch, from: sender) { return difference }
                batch = []
                try begin(refusal)
            }
        }
        if let difference = try difference(batch, from: sender) { return difference }
        try begin(nil)
        return try differenceOfMessages()
    }

    /// Compares all keys, by name and by what they hold.
    mutating func differenceOfKeys(_ look: [RedisCommand]) throws -> String? {
        let names = try sockets[visitor].exchange([RedisCommand("KEYS", "*")])[0].array ?? []
        let real = names.compactMap(\.string).sorted()
        let modelled = model.keys(at: Self.clock()).map(\.name)
        guard real == modelled else { return "keys: the server has \(real), the model \(modelled)" }
        return try difference(look, from: visitor)
    }

    private mutating func begin(_ refusal: RedisModel.Refusal?) throws {
        guard refusal != model.refusal else { return }
        sent.append("-- \(refusal.map { "\($0)" } ?? "all is well")")
        _ = try sockets[visitor].exchange([
            RedisCommand("CONFIG", "SET", "maxmemory", refusal == .outOfMemory ? "1" : "0"),
            RedisCommand("REPLICAOF", refusal == .readOnly ? ["127.0.0.1", "1"] : ["NO", "ONE"]),
        ])
        model.refusal = refusal
    }

    private mutating func difference(_ commands: [RedisCommand], from connection: Int) throws -> String? {
        guard !commands.isEmpty else { return nil }
        let now = Self.clock()
        let replies = try sockets[connection].exchange(commands)
        for (command, real) in zip(commands, replies) {
            sent.append(
                "\(connection): \(command.arguments.map { $0.debugDescription }.joined(separator: " "))")
            let modelled = try suspect.reply(of: &model, to: command, from: connection, at: now, lua: lua)
            guard Self.agree(real, modelled) else {
                return "the server said \(Self.text(real))\nthe model said  \(Self.text(modelled))"
            }
        }
        return nil
    }

    private mutating func differenceOfMessages() throws -> String? {
        let modelled = model.takeDeliveries()
        for (connection, socket) in sockets.enumerated() {
            // What was published before this PING comes before its reply.
            _ = try socket.exchange([RedisCommand("PING")])
            let real = socket.takeMessages().map { ($0.array ?? []).dropFirst().map { $0.string ?? "" } }
            let expected = modelled.filter { $0.connection == connection }.map { [$0.channel, $0.message] }
            guard real == expected else {
                return "messages to \(connection): the server sent \(real), the model \(expected)"
            }
        }
        return nil
    }

    static func clock() -> Int64 { Int64(Date().timeIntervalSince1970 * 1000) }

    /// Equal, but for the remaining time of a key: the two clocks are read one after the other.
    private static func agree(_ real: RESPValue, _ modelled: RESPValue) -> Bool {
        switch (real, modelled) {
        case (.integer(let one), .integer(let other)):
            if one == other { return true }
            let (small, large) = (min(abs(one), abs(other)), max(abs(one), abs(other)))
            guard one.signum() == other.signum() else { return false }
            return (90_000_000...10_000_000_000_000).contains(large) && large - small < 60_000
                || (90_000...9_999_999_999).contains(large) && large - small < 60
        case (.array(let some), .array(let others)):
            return some.count == others.count && zip(some, others).allSatisfy { agree($0, $1) }
        default: return real == modelled
        }
    }

    private static func text(_ value: RESPValue) -> String {
        switch value {
        case .array(let values): "[" + values.map { text($0) }.joined(separator: ", ") + "]"
        case .bulkString: value.string?.debugDescription ?? "bytes"
        case .simpleString(let status): "+\(status)"
        case .error(let error): "-\(error.message)"
        case .integer(let number): "\(number)"
        case .null: "null"
        }
    }
}
