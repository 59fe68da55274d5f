import InventoryService
import Logging

/// Hands on each event as one line.
struct LineLogHandler: LogHandler {
    /// The shared one, until this logger is given one of its own.
    var logLevel: Logger.Level {
        get { ownLevel ?? threshold.level }
        set { ownLevel = newValue }
    }
    var metadata: Logger.Metadata = [:]
    /// Without another one, the ids of the request that is being answered.
    var metadataProvider: Logger.MetadataProvider? = .init { RequestMark.current?.metadata ?? [:] }
    private var ownLevel: Logger.Level?
    private let threshold: LogThreshold
    private let label: String
    private let format: LogFormat
    private let write: @Sendable (String) -> Void

    init(
        label: String, format: LogFormat, threshold: LogThreshold = LogThreshold(.notice),
        write: @escaping @Sendable (String) -> Void
    ) {
        self.label = label
        self.format = format
        self.threshold = threshold
        self.write = write
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = (metadataProvider?.get() ?? [:]).merging(metadata) { $1 }
            .merging(event.metadata ?? [:]) { $1 }
        let line = LogLine(
            time: WallClock.system.now, level: event.level, label: label,
            message: event.message.description, fields: all.sorted { $0.key < $1.key })
        write(format.text(of: line) + "\n")
    }
}
