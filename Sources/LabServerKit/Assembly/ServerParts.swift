import InventoryService
import LockStrategies
import Logging
import RedisClient

/// What the routes need; nothing in here was made by the routes.
struct ServerParts<Store: Ledger>: Sendable {
    let store: Store
    let stock: StockStore<MeteredRedis>
    let hasher: PasswordHasher
    let tokens: AccessTokens
    let settings: ServiceSettings
    let logger: Logger
    var limiter = AuthLimiter(.off)
    var front = FrontSettings()
    var draining = DrainFlag()
    /// Shared with the reconciler.
    var gate = SalesGate.open
    /// With the same gate. Nil: a buyer waits until the reservation is cleared.
    var clearing: ClearingQueue<MeteredRedis>?
    /// Nil where one process has the ledger.
    var presence: ServerPresence?
    var crashPoints = CrashPoints.none
    var reconcileCounts = ReconcileCounts()
    var redisMeter = RedisMeter()
    var ledgerMeter = LedgerMeter()
    var loopLag = LoopLag()
    /// Products whose stock the metrics show.
    var metricsProducts = 100
    /// Nil without TLS.
    var tls: TLSIdentity?
    /// Shared with the logger; the admin route changes it.
    var logThreshold = LogThreshold(.notice)
    /// Lines of the log that were never written.
    var droppedLines = Counter()
}
