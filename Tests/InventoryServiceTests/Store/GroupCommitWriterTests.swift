import Dispatch
import GRDB
import LabProcesses
import Testing

@testable import InventoryService

@Suite struct GroupCommitWriterTests {
    /// A writer on a file of its own with a table `t (n UNIQUE)`.
    private func withWriter(
        _ limits: GroupCommitWriter.Limits = .init(),
        _ body: (GroupCommitWriter, DatabasePool) async throws -> Void
    ) async throws {
        let directory = try TemporaryDirectory(prefix: "lab-writer")
        let pool = try DatabasePool(path: directory.file("t.sqlite"))
        try await pool.write { database in
            try database.execute(sql: "CREATE TABLE t (n INTEGER NOT NULL UNIQUE)")
            try database.execute(
                sql: "CREATE TABLE child (t INTEGER REFERENCES t (n) DEFERRABLE INITIALLY DEFERRED)")
        }
        let writer = GroupCommitWriter(pool, limits: limits)
        try await body(writer, pool)
        await writer.close()
        try pool.close()
        directory.remove()
    }

    private func rows(_ pool: DatabasePool) async throws -> [Int] {
        try await pool.read { try Int.fetchAll($0, sql: "SELECT n FROM t ORDER BY n") }
    }

    /// Runs `jobs` so that all of them wait while another write holds the writer: they form one batch.
    private func inOneBatch(
        _ writer: GroupCommitWriter, _ jobs: [@Sendable (Database) throws -> Int]
    ) async -> [Result<Int, InventoryError>] {
        let gate = DispatchSemaphore(value: 0)
        let commits = writer.commits
        return await withTaskGroup(of: (Int, Result<Int, InventoryError>).self) { group in
            group.addTask {
                // Blocks the writer's own thread, never one of the cooperative pool.
                _ = try? await writer.submit { _ in gate.wait() }
                return (-1, .success(0))
            }
            while writer.commits == commits { await Task.yield() }
            for (index, job) in jobs.enumerated() {
                group.addTask {
                    do throws(InventoryError) {
                        return (index, .success(try await writer.submit(job)))
                    } catch {
                        return (index, .failure(error))
                    }
                }
                // One after the other, so the order in the batch is the order of the list.
                while writer.waiting <= index { await Task.yield() }
            }
            gate.signal()
            var results: [Int: Result<Int, InventoryError>] = [:]
            for await (index, result) in group { results[index] = result }
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
            #expect(writer.commits == 2)
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
        var limits = GroupCommitWriter.Limits()
        limits.batch = 8
        try await withWriter(limits) { writer, pool async throws in
            let results = await inOneBatch(writer, (0..<20).map(Self.insert))
            #expect(results.allSatisfy { $0.failure == nil })
            #expect(writer.commits == 4)
            #expect(try await rows(pool).count == 20)
        }
    }

    @Test("A full queue refuses, and what was taken is still done")
    func fullQueue() async throws {
        var limits = GroupCommitWriter.Limits()
        limits.queue = 2
        try await withWriter(limits) { writer, pool async throws in
            let gate = DispatchSemaphore(value: 0)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try await writer.submit { _ in gate.wait() } }
                while writer.commits == 0 { await Task.yield() }
                for number in 0..<2 {
                    group.addTask { _ = try await writer.submit(Self.insert(number)) }
                    while writer.waiting <= number { await Task.yield() }
                }
                let refused = try await code { _ = try await writer.submit(Self.insert(9)) }
                #expect(refused == .ledgerOverloaded)
                gate.signal()
                try await group.waitForAll()
            }
            #expect(try await rows(pool) == [0, 1])
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
            while writer.commits == 0 { await Task.yield() }
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
                while writer.commits == 0 { await Task.yield() }
                for number in 0..<64 { group.addTask { _ = try? await writer.submit(Self.insert(number)) } }
                while writer.waiting < 64 { await Task.yield() }
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
