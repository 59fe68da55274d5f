import Foundation
import InventoryService
import Logging

/// One JSON object a line on the standard error. Texts from outside cannot begin a line: JSON escapes them.
struct JSONLogHandler: LogHandler {
    var logLevel = Logger.Level.notice
    var metadata: Logger.Metadata = [:]
    private let label: String
    private let write: @Sendable (String) -> Void

    init(
        label: String,
        write: @escaping @Sendable (String) -> Void = { FileHandle.standardError.write(Data($0.utf8)) }
    ) {
        self.label = label
        self.write = write
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var members: [JSONTree.Member] = [
            .init(name: "time", value: .text(WallClock.system.now.description)),
            .init(name: "level", value: .text(event.level.rawValue)),
            .init(name: "logger", value: .text(label)),
            .init(name: "message", value: .text(event.message.description)),
        ]
        let names = Set(members.map(\.name))
        let all = metadata.merging(event.metadata ?? [:]) { $1 }
        for (name, value) in all.sorted(by: { $0.key < $1.key }) {
            members.append(
                .init(name: names.contains(name) ? "meta_\(name)" : name, value: .text(value.description)))
        }
        write(JSONTree.object(members).json + "\n")
    }
}
