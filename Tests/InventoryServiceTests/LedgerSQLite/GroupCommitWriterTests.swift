import Dispatch
import GRDB
import LabProcesses
import LabTesting
import Testing

@testable import InventoryService
@testable import LedgerSQLite

@Suite struct GroupCommitWriterTests {
    typealias Writer = GroupCommitWriter<ManualClock>

    private let clock = ManualClock()

    /// A writer on a file of its own with a table `t (n UNIQUE)`; its clock stands still.
    private func withWriter(
        _ settings: LedgerSettings = LedgerSettings(), _ body: (Writer, DatabasePool) async throws -> Void
    ) async throws {
        let directory = try TemporaryDirectory(prefix: "lab-writer")
        let path = directory.file("t.sqlite")
        let connections = try LedgerConnections(path: path) { try DatabasePool(path: path) }
        let pool = connections.pool
        try await pool.write { database in
            try database.execute(sql: "CREATE TABLE t (n INTEGER NOT NULL UNIQUE)")
            try database.execute(
                sql: "CREATE TABLE child (t INTEGER REFERENCES t (n) DEFERRABLE INITIALLY DEFERRED)")
        }
        let writer = GroupCommitWriter(connections, settings: settings, clock: clock)
        try await body(writer, pool)
        await writer.close()
        try pool.close()
        directory.remove()
    }

    private func rows(_ pool: DatabasePool) async throws -> [Int] {
        try await pool.read { try Int.fetchAll($0, sql: "SELECT n FROM t ORDER BY n") }
    }

    // No tuple through a task group: docs/decisions/0005.
    private struct Answered: Sendable {
        let index: Int
        let result: Result<Int, InventoryError>
    }

    /// Runs `jobs` so that all of them wait while another write holds the writer: they form one batch.
    private func inOneBatch(
        _ writer: Writer, _ jobs: [@Sendable (Database) throws -> Int]
    ) async -> [Result<Int, InventoryError>] {
        let gate = DispatchSemaphore(value: 0)
        let begun = writer.load.transactions
        return await withTaskGroup(of: Answered.self) { group in
            group.addTask {
                // Blocks the writer's own thread, never one of the cooperative pool.
                _ = try? await writer.submit { _ in gate.wait() }
                return Answered(index: -1, result: .success(0))
            }
            while writer.load.transactions == begun { await Task.yield() }
            for (index, job) in jobs.enumerated() {
                group.addTask {
                    do throws(InventoryError) {
                        return Answered(index: index, result: .success(try await writer.submit(job)))
                    } catch {
                        return Answered(index: index, result: .failure(error))
                    }
                }
                // One after the other, so the order in the batch is the order of the list.
                while writer.load.waiting <= index { await Task.yield() }
            }
            gate.signal()
            var results: [Int: Result<Int, InventoryError>] = [:]
            for await answered in group { results[answered.index] = answered.result }
            return jobs.indices.compactMap { results[$0] }
        }
    }

    private static func insert(_ number: Int) -> @Sendable (Database) throws -> Int {
        { database in
            try database.execute(sql: "INSERT INTO t VALUES (?)", arguments: [number])
            return number
        }
    }

    @Test("Writes that wait together share one commit, and each gets its own answer")
    func sharing() async throws {
        try await withWriter { writer, pool async throws in
            let results = await inOneBatch(writer, (0..<100).map(Self.insert))
            #expect(results.compactMap { try? $0.get() } == Array(0..<100))
            #expect(writer.load.commits == 2)
            #expect(try await rows(pool) == Array(0..<100))
        }
    }

    @Test("A write that fails leaves its neighbours alone and nothing of itself")
    func failingNeighbour() async throws {
        try await withWriter { writer, pool async throws in
            let results = await inOneBatch(
                writer,
                [
                    Self.insert(1),
                    { database in
                        try database.execute(sql: "INSERT INTO t VALUES (2)")
                        throw InventoryError(.unknownUser, "planted")
                    },
                    Self.insert(1),
                    Self.insert(3),
                ])
            #expect(try results[0].get() == 1)
            #expect(results[1].failure?.code == .unknownUser)
            #expect(results[2].failure?.code == .ledgerUnavailable)
            #expect(try results[3].get() == 3)
            #expect(try await rows(pool) == [1, 3])
        }
    }

    @Test("When the commit fails, nobody of the batch is told that it was written")
    func failingCommit() async throws {
        try await withWriter { writer, pool async throws in
            let results = await inOneBatch(
                writer,
                [
                    Self.insert(1),
                    { database in
                        // Checked at the commit only.
                        try database.execute(sql: "INSERT INTO child VALUES (99)")
                        return 0
                    },
                    Self.insert(2),
                ])
            #expect(
                results.map { $0.failure?.code } == [
                    .ledgerUnavailable, .ledgerUnavailable, .ledgerUnavailable,
                ])
            #expect(try await rows(pool) == [])
            #expect(try await writer.submit(Self.insert(7)) == 7)
        }
    }

    @Test(
        "When SQLite gives the transaction up in the middle, the writes after it are not done outside of one")
    func abandonedTransaction() async throws {
        try await withWriter { writer, pool async throws in
            _ = try await writer.submit(Self.insert(1))
            let results = await inOneBatch(
                writer,
                [
                    Self.insert(2),
                    { database in
                        try database.execute(sql: "INSERT OR ROLLBACK INTO t VALUES (1)")
                        return 0
                    },
                    Self.insert(3),
                ])
            #expect(results.allSatisfy { $0.failure != nil })
            #expect(try await rows(pool) == [1])
            #expect(try await writer.submit(Self.insert(4)) == 4)
        }
    }

    @Test("More writes than a batch holds take more commits and are all done")
    func manyBatches() async throws {
        try await withWriter(LedgerSettings(batch: 8)) { writer, pool async throws in
            let results = await inOneBatch(writer, (0..<20).map(Self.insert))
            #expect(results.allSatisfy { $0.failure == nil })
            #expect(writer.load.commits == 4)
            #expect(try await rows(pool).count == 20)
        }
    }

    @Test("A full queue refuses at once, and what was taken is still done")
    func fullQueue() async throws {
        try await withWriter(LedgerSettings(queue: 2)) { writer, pool async throws in
            let gate = DispatchSemaphore(value: 0)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try await writer.submit { _ in gate.wait() } }
                while writer.load.transactions == 0 { await Task.yield() }
                for number in 0..<2 {
                    group.addTask { _ = try await writer.submit(Self.insert(number)) }
                    while writer.load.waiting <= number { await Task.yield() }
                }
                let refused = try await code { _ = try await writer.submit(Self.insert(9)) }
                #expect(refused == .ledgerOverloaded)
                #expect(writer.load.refused == 1)
                gate.signal()
                try await group.waitForAll()
            }
            #expect(try await rows(pool) == [0, 1])
        }
    }

    @Test("A write whose turn does not come within the patience is refused, and is never done")
    func patience() async throws {
        try await withWriter(LedgerSettings(patience: .seconds(2))) { writer, pool async throws in
            let gate = DispatchSemaphore(value: 0)
            let first = Task {
                try await writer.submit { database in
                    gate.wait()
                    return try Self.insert(1)(database)
                }
            }
            while writer.load.transactions == 0 { await Task.yield() }
            let second = Task { try await writer.submit(Self.insert(2)) }
            while writer.load.waiting == 0 { await Task.yield() }
            clock.advance(by: .seconds(1))
            let third = Task { try await writer.submit(Self.insert(3)) }
            while writer.load.waiting == 1 { await Task.yield() }
            // Whoever sleeps until the second's deadline must sleep before the clock gets there.
            while clock.wakeUps.isEmpty { await Task.yield() }
            clock.advance(by: .seconds(1))
            // Answered while the writer's own thread is stuck.
            #expect(try await code { _ = try await second.value } == .ledgerOverloaded)
            #expect(writer.load.expired == 1)
            #expect(writer.load.waiting == 1)
            gate.signal()
            // The first had begun: it is answered with what became of it, however long that took.
            #expect(try await first.value == 1)
            #expect(try await third.value == 3)
            #expect(try await rows(pool) == [1, 3])
        }
    }

    @Test(
        "A database that another program holds makes writes wait, then refuses them; afterwards all goes on")
    func foreignLock() async throws {
        try await withWriter(LedgerSettings(patience: .seconds(2))) { writer, pool async throws in
            var configuration = Configuration()
            configuration.allowsUnsafeTransactions = true
            let foreign = try DatabaseQueue(path: pool.path, configuration: configuration)
            try await foreign.writeWithoutTransaction { try $0.beginTransaction(.immediate) }
            let early = Task { try await writer.submit(Self.insert(1)) }
            while !writer.load.isBlocked { await Task.yield() }
            clock.advance(by: .seconds(1))
            let late = Task { try await writer.submit(Self.insert(2)) }
            while writer.load.waiting < 2 { await Task.yield() }
            clock.advance(by: .seconds(1))
            #expect(try await code { _ = try await early.value } == .ledgerUnavailable)
            try await foreign.writeWithoutTransaction { try $0.rollback() }
            #expect(try await late.value == 2)
            #expect(try await rows(pool) == [2])
            #expect(!writer.load.isBlocked)
            try foreign.close()
        }
    }

    @Test("The load tells what was written, what failed and what was begun")
    func load() async throws {
        try await withWriter { writer, _ async throws in
            _ = await inOneBatch(writer, (0..<3).map(Self.insert))
            _ = await inOneBatch(
                writer,
                [
                    { database in
                        try database.execute(sql: "INSERT INTO child VALUES (99)")
                        return 0
                    }
                ])
            let load = writer.load
            #expect(load.transactions == 4)
            #expect(load.commits == 3)
            #expect(load.rows == 5)
            #expect(load.failedCommits == 1)
            #expect(load.lastBatch == 1)
            #expect(load.waiting == 0)
        }
    }

    @Test("Closing answers all that wait, and refuses what comes later")
    func closing() async throws {
        try await withWriter { writer, pool async throws in
            await withTaskGroup(of: Void.self) { group in
                for number in 0..<50 { group.addTask { _ = try? await writer.submit(Self.insert(number)) } }
                await group.waitForAll()
            }
            await writer.close()
            #expect(try await rows(pool).count == 50)
            #expect(try await code { _ = try await writer.submit(Self.insert(99)) } == .ledgerUnavailable)
        }
    }

    @Test("A write is finished although its caller was cancelled")
    func cancelledCaller() async throws {
        try await withWriter { writer, pool async throws in
            let gate = DispatchSemaphore(value: 0)
            let caller = Task {
                try await writer.submit { database in
                    gate.wait()
                    return try Self.insert(5)(database)
                }
            }
            while writer.load.transactions == 0 { await Task.yield() }
            caller.cancel()
            gate.signal()
            #expect(try await caller.value == 5)
            #expect(try await rows(pool) == [5])
        }
    }

    @Test("While the writer is busy, more waiting writes than there are cores do not stop other work")
    func otherWorkGoesOn() async throws {
        try await withWriter { writer, _ async throws in
            let gate = DispatchSemaphore(value: 0)
            await withTaskGroup(of: Void.self) { group in
                group.addTask { _ = try? await writer.submit { _ in gate.wait() } }
                while writer.load.transactions == 0 { await Task.yield() }
                for number in 0..<64 { group.addTask { _ = try? await writer.submit(Self.insert(number)) } }
                while writer.load.waiting < 64 { await Task.yield() }
                // This line is reached only when a thread is left to run it.
                gate.signal()
                await group.waitForAll()
            }
        }
    }
}

extension Result {
    var failure: Failure? {
        if case .failure(let error) = self { error } else { nil }
    }
}
