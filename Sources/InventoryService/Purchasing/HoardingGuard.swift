import LockStrategies
import Synchronization

/// How many units of a product a user is buying at this moment, so that all of one user's calls together
/// reserve no more than the user may have. What was bought before, only the ledger knows.
final class HoardingGuard: Sendable {
    struct Key: Sendable, Hashable {
        let user: UserID
        let product: ProductID
    }

    private let units = Mutex<[Key: Int]>([:])

    /// - Returns: False when these units and those under way are more than `limit`; nothing was counted then,
    ///   else the caller must call ``leave(_:units:)``.
    func enter(_ key: Key, units wanted: Int, limit: Int) -> Bool {
        units.withLock { units in
            let after = units[key, default: 0] + wanted
            guard after <= limit else { return false }
            units[key] = after
            return true
        }
    }

    func leave(_ key: Key, units left: Int) {
        units.withLock { units in
            let after = units[key, default: left] - left
            units[key] = after > 0 ? after : nil
        }
    }

    /// Users and products for which something is under way.
    var count: Int { units.withLock { $0.count } }
}
