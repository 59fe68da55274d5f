import Foundation
import InventoryService
import LedgerSQLite
import LockStrategies

/// Sales through the ledger alone.
///
///     ledger-bench make FILE ROWS USERS
///     ledger-bench sell FILE SECONDS WRITERS BATCH KEYS
///
/// `make` makes a ledger with one product and ROWS purchases. `sell` records sales in it: each of WRITERS
/// records its next sale when the last one is durable, and at most BATCH of them share a commit. KEYS is 1
/// for sales with an idempotency key, else 0. It prints rows per second, rows per commit, and microseconds of
/// processor time per row, with the writers' own. `raw-ledger` sells in such a file by SQLite alone.
@main
enum LedgerBench {
    static func main() async throws {
        let words = Array(CommandLine.arguments.dropFirst())
        let numbers = words.dropFirst(2).compactMap { Int($0) }
        switch (words.first, numbers.count) {
        case ("make", 2): try await make(words[1], rows: numbers[0], users: numbers[1])
        case ("sell", 4): try await sell(words[1], numbers)
        default:
            FileHandle.standardError.write(
                Data("usage: ledger-bench make FILE ROWS USERS | sell FILE SECONDS WRITERS BATCH KEYS\n".utf8)
            )
            exit(64)
        }
    }

    private static func make(_ file: String, rows: Int, users: Int) async throws {
        let ledger = try await SQLiteLedger.open(path: file)
        let now = WallClock.system.now
        for number in 1...users {
            _ = try await ledger.createUser(
                NewUser(
                    username: "buyer\(number)", email: nil, passwordHash: PasswordHash(stored: "none"),
                    role: .user, createdAt: now))
        }
        let offer = try NewProduct(name: "thing", price: 300, initialStock: 1_000_000_000)
        _ = try await ledger.createProduct(offer, actor: UserID(1), at: now)
        let written = ledger.load.rows
        try await Market(ledger: ledger, users: users, hasKeys: false).sell(writers: 1000) {
            ledger.load.rows - written >= rows
        }
        await ledger.close()
    }

    private static func sell(_ file: String, _ numbers: [Int]) async throws {
        let ledger = try await SQLiteLedger.open(path: file, settings: LedgerSettings(batch: numbers[2]))
        let users = try await ledger.users(Page(skip: 0, limit: 1)).total
        let market = Market(ledger: ledger, users: users, hasKeys: numbers[3] == 1)
        let before = ledger.load
        let processor = processorSeconds()
        let start = ContinuousClock.now
        let end = start + .seconds(numbers[0])
        try await market.sell(writers: numbers[1]) { ContinuousClock.now >= end }
        let seconds = start.duration(to: .now) / .seconds(1)
        let spent = processorSeconds() - processor
        let rows = Double(ledger.load.rows - before.rows)
        let commits = Double(ledger.load.commits - before.commits)
        print(Int(rows / seconds), Int((rows / commits).rounded()), Int((spent / rows * 1e6).rounded()))
        await ledger.close()
    }

    private static func processorSeconds() -> Double {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

/// Buyers of one product that never sells out.
struct Market: Sendable {
    let ledger: SQLiteLedger
    let users: Int
    let hasKeys: Bool
    let ids = ReservationIDs()

    /// Each writer records sale after sale until `isEnough`.
    func sell(writers: Int, until isEnough: @escaping @Sendable () -> Bool) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<writers {
                group.addTask {
                    while !isEnough() {
                        guard case .recorded = try await ledger.record(sale()) else {
                            throw InventoryError(.ledgerUnavailable, "a sale was refused")
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private func sale() throws -> Sale {
        let key = UInt64.random(in: 0...UInt64.max)
        return Sale(
            reservation: ids.next(), user: UserID(Int64.random(in: 1...Int64(users))),
            product: ProductID(1), quantity: 1,
            idempotencyKey: hasKeys ? try IdempotencyKey(String(key, radix: 16) + "-of-a-client") : nil,
            strategy: "lua-atomic", fence: Fence(1), purchasedAt: WallClock.system.now)
    }
}
