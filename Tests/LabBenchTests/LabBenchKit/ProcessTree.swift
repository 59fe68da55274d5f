import Foundation

/// Who started whom on this machine. Linux.
enum ProcessTree {
    /// Processes that were started by this one and live. Linux.
    static func children(of parent: Int32) -> [Int32] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { Int32($0) }.filter { stat($0)?.parent == parent }
    }

    /// Those that this one started, and those that they started.
    static func descendants(of parent: Int32) -> [Int32] {
        children(of: parent).flatMap { [$0] + descendants(of: $0) }
    }

    private static func stat(_ pid: Int32) -> (state: String, parent: Int32)? {
        guard let data = FileManager.default.contents(atPath: "/proc/\(pid)/stat") else { return nil }
        let text = String(decoding: data, as: UTF8.self)
        guard let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        return fields.count > 1 ? Int32(fields[1]).map { (String(fields[0]), $0) } : nil
    }

    /// A zombie waits for its parent only: it is gone for everybody else.
    static func isGone(_ pid: Int32) -> Bool {
        stat(pid).map { $0.state == "Z" } ?? true
    }
}
