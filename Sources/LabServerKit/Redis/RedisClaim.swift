import InventoryService
import LockStrategies
import RedisClient

/// Makes sure at the start that the Redis of the stock is this ledger's: a server that was pointed at the
/// Redis of another one, staging at production, say, must not touch its stock.
struct RedisClaim: Sendable {
    let stock: StockStore<RedisClient>
    let endpoint: RedisEndpoint
    /// Takes it, whoever's it was.
    let isAdopting: Bool

    /// Products of an older version's Redis that are looked at: as many as a person would look at.
    private static let looks = 64

    func make(for ledger: some Ledger) async throws(StartFailure) {
        do throws(InventoryError) {
            if isAdopting { return try await stock.adopt(for: ledger.origin) }
            let known = try await ledger.stockAccounts(after: nil, limit: Self.looks).map(\.product)
            // A ledger without products may be the newer one.
            let products = known.isEmpty ? (1...8).map { ProductID($0) } : known
            guard let other = try await stock.claim(for: ledger.origin, lookingAt: products) else { return }
            throw InventoryError(
                .stockUnknown,
                "it holds the stock of the ledger \(Self.shown(other)), and this ledger is \(ledger.origin)")
        } catch {
            let advice =
                error.code == .stockUnknown
                ? "give this server a Redis, or a database number, of its own, or take that one over with "
                    + "--adopt-redis: its stock is then replaced by what this ledger says"
                : "start it, or give another --redis"
            throw StartFailure(
                .redisUnreachable, "cannot use Redis at \(endpoint): \(error.context); \(advice)")
        }
    }

    /// Anybody may have written it.
    private static func shown(_ origin: String) -> String {
        String(origin.prefix(32).filter { $0.isASCII && ($0.isLetter || $0.isNumber) })
    }
}
