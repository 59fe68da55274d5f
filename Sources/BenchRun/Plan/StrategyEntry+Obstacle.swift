import BenchModel
import LockStrategies

extension StrategyEntry {
    /// Why it cannot be measured, with what can be done about it; nil: it can.
    func obstacle(in mode: RunMode, on database: LedgerEngine) -> String? {
        // Without a ledger only strategies can sell whose stock is in Redis.
        if mode == .strategy, traits.stockLayout == .ledger {
            return "\(self) keeps its stock in the ledger, and --mode \(mode.rawValue) has none"
        }
        if needsPostgres, database != .postgres {
            return "\(self) takes its lock in PostgreSQL: give --database postgres"
        }
        return nil
    }
}
