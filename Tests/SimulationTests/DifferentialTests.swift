import Foundation
import LabProcesses
import RedisClient
import Testing

@testable import Simulation

/// The same random sequences to the model and to a real server, which must not be told apart: all replies,
/// all messages to subscribers, and all keys after each sequence.
///
/// Error replies are compared in full, with the line and the digest of a script. Not compared: the order of
/// the fields of a hash with more than 128 fields or with long values, which Redis leaves open, and the
/// moment at which a key ends, which needs a clock that both share (`RedisModelTests` has that).
@Suite("The model and redis-server 7.0", .serialized)
struct DifferentialTests {
    /// Another seed or another number of sequences comes from the environment.
    private static let seed = UInt64(ProcessInfo.processInfo.environment["SIMULATION_SEED"] ?? "") ?? 1
    private static let sequences =
        Int(ProcessInfo.processInfo.environment["SIMULATION_SEQUENCES"] ?? "") ?? 20_000

    private func firstDifference(_ suspect: Suspect, sequences: Int) async throws -> String? {
        let options = RedisServerOptions(
            listener: .unixSocket, arguments: ["--enable-debug-command", "yes"])
        return try await withRedisServer(options) { server in
            let comparison = Differential(
                socketPath: "\(server.directory)/redis.sock", seed: Self.seed, suspect: suspect)
            return try await onThread { try comparison.firstDifference(sequences: sequences) }
        }
    }

    @Test("are not told apart by random sequences with the project's scripts")
    func isFaithful() async throws {
        print("differential test: seed \(Self.seed), \(Self.sequences) sequences")
        let difference = try await firstDifference(.faithful, sequences: Self.sequences)
        #expect(difference == nil, "\(difference ?? "")")
    }

    @Test(
        "are told apart when the model has a fault",
        arguments: Suspect.allCases.filter { $0 != .faithful })
    func findsFaults(of suspect: Suspect) async throws {
        #expect(try await firstDifference(suspect, sequences: Self.sequences) != nil)
    }

    @Test("know the same numbers of arguments and the same flags of every command")
    func sameRules() async throws {
        try await withRedisServer(RedisServerOptions(listener: .unixSocket)) { server in
            let path = "\(server.directory)/redis.sock"
            let replies = try await onThread {
                try RedisSocket(path: path).exchange(
                    RedisCall.rules.map { RedisCommand("COMMAND", "INFO", $0.name) })
            }
            for (rule, reply) in zip(RedisCall.rules, replies) {
                let facts = reply.array?.first?.array ?? []
                try #require(facts.count > 2, "\(rule.name)")
                #expect(facts[1].integer == Int64(rule.arity), "\(rule.name)")
                let real = Set((facts[2].array ?? []).compactMap(\.string))
                let named: [(RedisCall.Flags, String)] = [
                    (.write, "write"), (.denyOutOfMemory, "denyoom"), (.noScript, "noscript"),
                    (.loading, "loading"), (.allowBusy, "allow_busy"),
                ]
                for (flag, name) in named {
                    #expect(rule.flags.contains(flag) == real.contains(name), "\(rule.name) \(name)")
                }
            }
        }
    }
}

/// Runs work that blocks, on a thread of its own.
func onThread<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result { try work() }) }
    }
}
