import Foundation

/// Memory of processes, from `/proc` (Linux).
enum ProcessMemory {
    /// The most that a process has had resident since its start.
    ///
    /// - Returns: nil when there is no such process.
    static func peakBytes(_ pid: Int32) -> Int? {
        let text = FileManager.default.contents(atPath: "/proc/\(pid)/status")
        return text.flatMap { peakBytes(in: String(decoding: $0, as: UTF8.self)) }
    }

    /// Of several processes together, each at its own peak; nil when there is none.
    static func peakBytes(of processes: [Int32]) -> Int? {
        let each = processes.compactMap { peakBytes($0) }
        return each.isEmpty ? nil : each.reduce(0, +)
    }

    /// `VmHWM` of `/proc/PID/status`, which is in KiB.
    static func peakBytes(in status: String) -> Int? {
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        let number = line?.split(whereSeparator: \.isWhitespace).dropFirst().first
        return number.flatMap { Int($0) }.map { $0 * 1024 }
    }
}
