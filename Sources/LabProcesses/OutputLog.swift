/// Which of its two outputs a process wrote to.
public enum OutputStream: Sendable, Hashable {
    case standardOutput, standardError
}

/// The lines of a process: bytes in, whole lines out. Keeps the newest lines only.
struct OutputLog {
    private(set) var lines: [(stream: OutputStream, text: String)] = []
    /// All that ever came, those not kept any more included.
    private(set) var total = 0
    private var partial: [OutputStream: [UInt8]] = [:]
    private let limit: Int

    init(limit: Int = 400) {
        self.limit = limit
    }

    /// - Returns: The lines that these bytes completed.
    mutating func append(_ bytes: ArraySlice<UInt8>, to stream: OutputStream) -> [String] {
        var finished: [String] = []
        var rest = bytes
        while let end = rest.firstIndex(of: 0x0A) {
            let line = partial[stream, default: []] + rest[..<end]
            partial[stream] = nil
            finished.append(String(decoding: line, as: UTF8.self))
            rest = rest[(end + 1)...]
        }
        // A line without end is cut: a process cannot make us grow.
        if partial[stream, default: []].count < 65_536 { partial[stream, default: []] += rest }
        keep(finished, stream)
        return finished
    }

    /// The last lines may have no newline.
    mutating func finish() {
        for (stream, bytes) in partial where !bytes.isEmpty {
            keep([String(decoding: bytes, as: UTF8.self)], stream)
        }
        partial = [:]
    }

    private mutating func keep(_ texts: [String], _ stream: OutputStream) {
        lines += texts.map { (stream, $0) }
        total += texts.count
        if lines.count > limit { lines.removeFirst(lines.count - limit) }
    }
}
