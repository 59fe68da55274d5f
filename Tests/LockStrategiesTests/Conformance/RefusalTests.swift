import Foundation
import LabProcesses
import LabTesting
import LockStrategies
import RedisClient
import Testing

/// Clause 28, the three ways in which a Redis that is there says that it will not write.
@Suite("28 · Redis refuses writes")
struct RefusalTests {
    enum Refusal: String, Sendable, CaseIterable {
        case outOfMemory = "OOM"
        case readOnly = "READONLY"
        case failingDisk = "MISCONF"

        /// Brings the server into the state.
        func begin(_ lab: StrategyLab) async throws {
            let redis = lab.stock
            switch self {
            case .outOfMemory:
                _ = try await redis.send(RedisCommand("CONFIG", "SET", "maxmemory", "1"))
            case .readOnly:
                // A replica of nobody: it has lost its master and goes on answering reads.
                let master = try DeadPort()
                _ = try await redis.send(RedisCommand("REPLICAOF", "127.0.0.1", String(master.number)))
            case .failingDisk:
                // A save that fails although everything is allowed, also to root: its folder is gone.
                try FileManager.default.removeItem(atPath: lab.server.directory)
                _ = try await redis.send(
                    RedisCommand("CONFIG", "SET", "stop-writes-on-bgsave-error", "yes"))
                _ = try await redis.send(RedisCommand("CONFIG", "SET", "save", "86400 1000000"))
                _ = try? await redis.send(RedisCommand("BGSAVE"))
                try await waitUntil {
                    let info = try await redis.send(RedisCommand("INFO", "persistence")).string ?? ""
                    return info.contains("rdb_last_bgsave_status:err")
                }
            }
        }

        func end(_ redis: RedisClient) async throws {
            switch self {
            case .outOfMemory: _ = try await redis.send(RedisCommand("CONFIG", "SET", "maxmemory", "0"))
            case .readOnly: _ = try await redis.send(RedisCommand("REPLICAOF", "NO", "ONE"))
            case .failingDisk: _ = try await redis.send(RedisCommand("CONFIG", "SET", "save", ""))
            }
        }
    }

    @Test(
        "28 · out of memory, read-only or unable to save: refused, nothing taken, and it goes on afterwards",
        arguments: StrategyLab.real, Refusal.allCases)
    func refused(id: StrategyEntry, refusal: Refusal) async throws {
        try await StrategyLab.run(for: id) { lab in
            let product = ProductID(1)
            try await lab.setStock(10, of: product)
            let strategy = try lab.builder().strategy(id)
            _ = try await strategy.reserve(lab.reservation(of: product))

            try await refusal.begin(lab)
            let error = await #expect(throws: StrategyError.self) {
                try await strategy.reserve(lab.reservation(of: product))
            }
            #expect(error?.code == .refused)
            #expect(error?.underlying?.reply?.message.contains(refusal.rawValue) == true)
            try await refusal.end(lab.stock)

            #expect(try await lab.readStock(product) == 9)
            #expect(try await lab.openReservations(product) == (1, 1))
            let next = try await strategy.reserve(lab.reservation(of: product))
            #expect(next.isReserved, "it does not go on")
            #expect(try await lab.readStock(product) == 8)
        }
    }
}
