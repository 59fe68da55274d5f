import Foundation
import LabProcesses
import RedisClient
import Testing

@testable import Simulation

/// A real server is brought into each state in which it refuses commands, and says what the model says.
@Suite("A server that refuses commands")
struct ModelRefusalTests {
    /// Every command, alone, in a transaction and from a script.
    private static let commands: [RedisCommand] = [
        RedisCommand("PING"), RedisCommand("GET", "a"), RedisCommand("SET", "a", "1"),
        RedisCommand("MGET", "a"),
        RedisCommand("INCR", "n"), RedisCommand("INCRBY", "n", "1"), RedisCommand("DECR", "n"),
        RedisCommand("DECRBY", "n", "1"), RedisCommand("HSET", "h", "f", "1"), RedisCommand("HGET", "h", "f"),
        RedisCommand("HINCRBY", "h", "f", "1"), RedisCommand("HGETALL", "h"), RedisCommand("HLEN", "h"),
        RedisCommand("HSCAN", "h", "0"), RedisCommand("HDEL", "h", "f"), RedisCommand("EXISTS", "a"),
        RedisCommand("TTL", "none"), RedisCommand("PTTL", "none"), RedisCommand("PEXPIRE", "none", "1000"),
        RedisCommand("PERSIST", "none"), RedisCommand("DEL", "none"), RedisCommand("PUBLISH", "news", "x"),
        RedisCommand("EVAL", "return redis.call('GET', 'a')", "0"),
        RedisCommand("EVAL", "return redis.call('SET', 'a', '2')", "0"),
        RedisCommand("EVAL", "return redis.pcall('HDEL', 'h', 'f')", "0"),
        RedisCommand("EVAL", "redis.call('DEL', 'none') return redis.call('SET', 'a', '3')", "0"),
        RedisCommand("EVALSHA", String(repeating: "0", count: 40), "0"),
        RedisCommand("SCRIPT", "LOAD", "return 1"), RedisCommand("SCRIPT", "EXISTS", "abc"),
        RedisCommand("WATCH", "a"), RedisCommand("UNWATCH"),
        RedisCommand("MULTI"), RedisCommand("GET", "a"), RedisCommand("EXEC"),
        RedisCommand("MULTI"), RedisCommand("SET", "a", "4"), RedisCommand("EXEC"),
        RedisCommand("MULTI"), RedisCommand("EXEC"), RedisCommand("MULTI"), RedisCommand("DISCARD"),
        RedisCommand("MULTI"), RedisCommand("PUBLISH", "news", "x"), RedisCommand("MULTI"),
        RedisCommand("EXEC"),
        RedisCommand("EXEC"), RedisCommand("SCRIPT", "FLUSH"), RedisCommand("SUBSCRIBE", "news"),
        RedisCommand("PING"), RedisCommand("GET", "a"), RedisCommand("UNSUBSCRIBE", "news"),
    ]

    @Test("says what the model says", arguments: RedisModel.Refusal.allCases)
    func sameWords(refusal: RedisModel.Refusal) async throws {
        let options = RedisServerOptions(
            listener: .unixSocket,
            arguments: [
                "--enable-debug-command", "yes", "--dbfilename", "snapshot", "--rdbcompression", "no",
            ])
        try await withRedisServer(options) { server in
            let directory = server.directory
            let replies = try await onThread {
                let stage = try RefusalStage(directory: directory)
                try stage.begin(refusal)
                let replies = try stage.socket.exchange(Self.commands)
                try stage.end(refusal)
                return replies
            }
            var model = RedisModel()
            model.refusal = refusal
            let lua = LuaInterpreter()
            for (command, real) in zip(Self.commands, replies) {
                let modelled = try model.execute(command, from: 1, at: 0, lua: lua)
                #expect(real == modelled, "\(command.arguments)")
            }
        }
    }
}

/// Brings a server into a state in which it refuses commands.
private struct RefusalStage {
    let directory: String
    let socket: RedisSocket
    private let other: RedisSocket

    init(directory: String) throws {
        self.directory = directory
        socket = try RedisSocket(path: "\(directory)/redis.sock")
        other = try RedisSocket(path: "\(directory)/redis.sock")
    }

    func begin(_ refusal: RedisModel.Refusal) throws {
        switch refusal {
        case .outOfMemory: try ask("CONFIG", "SET", "maxmemory", "1")
        case .readOnly: try ask("REPLICAOF", "127.0.0.1", "1")
        case .misconfigured:
            // A folder stands where the snapshot is to be written.
            try FileManager.default.createDirectory(
                atPath: "\(directory)/snapshot/full", withIntermediateDirectories: true)
            try ask("CONFIG", "SET", "save", "3600 1000000")
            try ask("BGSAVE")
            try wait("rdb_last_bgsave_status:err")
        case .busy:
            try ask("CONFIG", "SET", "busy-reply-threshold", "1")
            try other.send([RedisCommand("EVAL", "while true do end", "0")])
            while try socket.exchange([RedisCommand("PING")])[0].error?.prefix != "BUSY" {}
        case .loading:
            try ask("CONFIG", "SET", "key-load-delay", "20000")
            try ask("CONFIG", "SET", "loading-process-events-interval-bytes", "1024")
            let text = String(repeating: "x", count: 3_000)
            _ = try socket.exchange((0..<150).map { RedisCommand("SET", "filler-\($0)", text) })
            try other.send([RedisCommand("DEBUG", "RELOAD")])
            while try socket.exchange([RedisCommand("PING")])[0].error?.prefix != "LOADING" {}
        }
    }

    /// Lets a server that is occupied go on, so that it can be stopped.
    func end(_ refusal: RedisModel.Refusal) throws {
        if refusal == .busy { try ask("SCRIPT", "KILL") }
        if refusal == .loading { _ = try socket.exchange([RedisCommand("PING")]) }
    }

    private func ask(_ words: String...) throws {
        let reply = try socket.exchange([RedisCommand(words[0], Array(words.dropFirst()))])[0]
        if let error = reply.error { throw error }
    }

    private func wait(_ line: String) throws {
        while try socket.exchange([RedisCommand("INFO", "persistence")])[0].string?.contains(line) != true {}
    }
}
