import Synchronization

/// What several tasks note, in the order in which they do.
public final class Recorder<Element: Sendable>: Sendable {
    private let noted = Mutex<[Element]>([])

    public init() {}

    public var values: [Element] { noted.withLock { $0 } }

    public func note(_ value: Element) {
        noted.withLock { $0.append(value) }
    }
}
