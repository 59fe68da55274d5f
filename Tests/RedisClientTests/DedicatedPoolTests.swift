import Testing

@testable import RedisClient

/// The pool of connections as a pure machine; a number stands for a connection, and negative ones are lost.
@Suite("The pool of dedicated connections")
struct DedicatedPoolTests {
    private typealias Pool = DedicatedPool<Int>

    private func pool(_ capacity: Int) -> Pool {
        Pool(capacity: capacity) { $0 >= 0 }
    }

    /// Asks for a connection and says whether one has to be made.
    private func wait(_ pool: inout Pool, _ completion: Completion<Pool.Lease>) throws -> (id: Int, Bool) {
        guard case .wait(let id, let mustConnect) = pool.request(completion) else { throw Unexpected() }
        return (id, mustConnect)
    }

    private func value(_ completion: Completion<Pool.Lease>) async throws -> Pool.Lease {
        try await completion.value { RedisError(.cancelled, "") }
    }

    @Test("makes no more connections than it may, and serves in the order of arrival")
    func order() async throws {
        var pool = pool(2)
        let waiters = (0..<4).map { _ in Completion<Pool.Lease>() }
        var connects: [Bool] = []
        for waiter in waiters { connects.append(try wait(&pool, waiter).1) }
        #expect(connects == [true, true, false, false])
        let taken = [pool.didConnect(10), pool.didConnect(11)]
        #expect(taken == [true, true])
        let first = try await value(waiters[0])
        #expect(first.connection == 10 && !first.isReused)
        let answer = pool.giveBack(first, isClean: true)
        #expect(answer == (false, false))
        let third = try await value(waiters[2])
        #expect(third.connection == 10 && third.isReused)
        #expect(!waiters[3].isFinished)
        #expect(pool.waiting == 1)
    }

    @Test("replaces a connection that comes back broken when somebody waits, and only then")
    func broken() async throws {
        var pool = pool(1)
        let (first, second) = (Completion<Pool.Lease>(), Completion<Pool.Lease>())
        _ = try wait(&pool, first)
        _ = pool.didConnect(10)
        let waiting = try wait(&pool, second)
        #expect(!waiting.1)
        let replaced = pool.giveBack(try await value(first), isClean: false)
        #expect(replaced == (true, true))
        _ = pool.didConnect(11)
        let lease = try await value(second)
        #expect(lease.connection == 11)
        let closed = pool.giveBack(lease, isClean: false)
        #expect(closed == (true, false))
    }

    @Test("drops kept connections that were lost meanwhile, and hands out the one used last")
    func idle() async throws {
        var pool = pool(3)
        var leases: [Pool.Lease] = []
        for connection in [10, -1, 12] {
            let completion = Completion<Pool.Lease>()
            _ = try wait(&pool, completion)
            _ = pool.didConnect(connection)
            leases.append(try await value(completion))
        }
        // -1 is lost when it comes back, and is not kept.
        var closed: [Bool] = []
        for lease in leases { closed.append(pool.giveBack(lease, isClean: true).mustClose) }
        #expect(closed == [false, true, false])
        guard case .lease(let next) = pool.request(Completion()) else { throw Unexpected() }
        #expect(next.connection == 12 && next.isReused)
    }

    @Test("gives a connection to the next one when the one it was made for has left")
    func left() async throws {
        var pool = pool(1)
        let (first, second) = (Completion<Pool.Lease>(), Completion<Pool.Lease>())
        let id = try wait(&pool, first).id
        _ = try wait(&pool, second)
        first.finish(.failure(RedisError(.cancelled, "")))
        pool.leave(id)
        _ = pool.didConnect(10)
        #expect(try await value(second).connection == 10)
    }

    @Test("passes over one who was cancelled and has not left yet")
    func cancelledButPresent() async throws {
        var pool = pool(1)
        let first = Completion<Pool.Lease>()
        _ = try wait(&pool, first)
        first.finish(.failure(RedisError(.cancelled, "")))
        _ = pool.didConnect(10)
        guard case .lease(let lease) = pool.request(Completion()) else { throw Unexpected() }
        #expect(lease.connection == 10, "it was kept, not lost")
    }

    @Test("fails all who wait when there is no server, and makes a new attempt for the next one")
    func noServer() throws {
        var pool = pool(1)
        for _ in 0..<3 { _ = try wait(&pool, Completion()) }
        #expect(pool.didNotConnect().count == 3)
        #expect(try wait(&pool, Completion()).1)
    }

    @Test("after closing takes nothing and gives nothing")
    func closed() async throws {
        var pool = pool(2)
        let first = Completion<Pool.Lease>()
        _ = try wait(&pool, first)
        _ = pool.didConnect(10)
        let lease = try await value(first)
        _ = try wait(&pool, Completion())
        let (connections, waiters) = pool.close()
        #expect(connections == [10] && waiters.count == 1)
        let isTaken = pool.didConnect(11)
        #expect(!isTaken)
        let answer = pool.giveBack(lease, isClean: true)
        #expect(answer == (true, false))
        guard case .closed = pool.request(Completion()) else { throw Unexpected() }
    }

    private struct Unexpected: Error {}
}
