import InventoryService
import Logging

/// What one line of the log tells.
struct LogLine {
    let time: Timestamp
    let level: Logger.Level
    let label: String
    let message: String
    /// By their names.
    let fields: [(key: String, value: Logger.Metadata.Value)]
}
