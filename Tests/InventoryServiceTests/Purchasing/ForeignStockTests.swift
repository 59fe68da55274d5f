import LabProcesses
import LabTesting
import LedgerSQLite
import LockStrategies
import RedisClient
import Testing

@testable import InventoryService

/// Anybody who reaches Redis can write there. What stands there costs itself, and neither the server nor
/// other sales.
@Suite("What somebody else has written into Redis")
struct ForeignStockTests {
    /// A command of another client: `stock`, `reservations`, `epoch`, `moves` and `moved` are the product's
    /// keys, `id` is 32 hexadecimal digits, `long` a field of 65.
    private static let writes = [
        "SET stock -9223372036854775808", "SET stock 9223372036854775807", "SET stock 1000000000000000",
        "SET stock -1000000000000000", "SET stock 12x", "SET stock 1e3", "SET stock 0x10", "DEL stock",
        "SET stock 99999999999999999999999", "SET epoch nothing", "SET epoch :", "DEL epoch",
        "SET epoch origin:9223372036854775807", "SET epoch origin:99999999999999999999",
        "HSET reservations id 9223372036854775807:0", "HSET reservations id -5:0",
        "HSET reservations id 1:9223372036854775807", "HSET reservations id 99999999999999999999:1",
        "HSET reservations id x", "HSET reservations id 1:", "HSET reservations long 1:1",
        "HSET reservations long ended:", "HSET reservations ä 1:1",
        "HSET moves n 9223372036854775807 returned 9223372036854775807 units -9223372036854775808",
        "HSET moves n x returned x units x", "HSET moved 1 9223372036854775807", "LPUSH stock 1",
        "LPUSH epoch 1", "SET reservations x", "SET moves x", "SET moved x",
    ]

    private func words(_ write: String, _ product: ProductID, _ shop: ReconciledShop) -> [[String]] {
        let bucket = shop.stock.layout.bucketCount > 1 ? 1 : 0
        let names = ["stock", "reservations", "epoch", "moves", "moved"]
        let tag = bucket == 0 ? "{\(product)}" : "{\(product):\(bucket)}"
        let words = write.split(separator: " ").map(String.init).map { word -> String in
            names.contains(word)
                ? "\(word):\(word == "moved" ? "{\(product)}" : tag)"
                : word.replacing("origin", with: shop.ledger.origin)
                    .replacing("long", with: String(repeating: "f", count: 65))
                    .replacing("id", with: String(repeating: "0", count: 32))
        }
        return ["SET", "LPUSH"].contains(words[0]) ? [["DEL", words[1]], words] : [words]
    }

    @Test("does not make units invisible that are on their way: after a restore moves have sixteen digits")
    func longNumbersOfMoves() async throws {
        try await ReconciledShop.run(.sharded) { shop async throws in
            let product = try await shop.product(units: 80)
            let (moves, moved) = ("moves:{\(product):1}", "moved:{\(product)}")
            let command = RedisCommand("HSET", moves, "n", "1914000000000001", "units", "5", "returned", "2")
            _ = try await shop.redis.send(command)
            _ = try await shop.redis.send(RedisCommand("HSET", moved, "1", "1914000000000000"))
            #expect(try await shop.stock.read(product) == 87)
            _ = try await shop.redis.send(RedisCommand("HSET", moved, "1", "1914000000000001"))
            #expect(try await shop.stock.read(product) == 82)
        }
    }

    @Test(
        "costs itself: the stock is put right, and every unit is sold once", .timeLimit(.minutes(5)),
        arguments: ReconciledShop.strategies)
    func foreignWrites(strategy: StrategyEntry) async throws {
        try await ReconciledShop.run(strategy) { shop async throws in
            for write in Self.writes {
                let product = try await shop.product(units: 20)
                let other = try await shop.product(units: 3)
                #expect(try await shop.buy(product) == .purchased)
                for command in words(write, product, shop) {
                    _ = try await shop.redis.send(RedisCommand(command[0], Array(command.dropFirst())))
                }
                // Whatever a buyer is told meanwhile, it is an answer.
                _ = try? await shop.buy(product)
                _ = try? await shop.stock.read(product)
                _ = try await shop.reconcile(isDryRun: true)
                // What was taken for units on their way between buckets looks certain at the second look
                // only.
                for _ in 0..<3 where !(try await shop.reconcile().isClean) {}
                #expect(try await shop.reconcile().isClean, "\(write)")
                #expect(try await shop.isConserved(product), "\(write)")
                #expect(try await shop.buy(product) == .purchased, "\(write)")
                #expect(try await shop.buy(other) == .purchased, "\(write)")
                #expect(try await shop.isConserved(product), "\(write)")
            }
        }
    }
}
