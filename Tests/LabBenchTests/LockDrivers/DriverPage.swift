import Foundation
import LabProcesses
import Testing

/// The driver of docs/DRIVERS.md, as it stands there, and changed copies of it.
enum DriverPage {
    static let root: String = {
        var path = #filePath
        for _ in 0..<4 { path = (path as NSString).deletingLastPathComponent }
        return path
    }()

    static let faulty = root + "/Tests/LabBenchTests/LockDrivers/faulty_driver.py"

    static func text() throws -> String {
        try String(contentsOfFile: root + "/docs/DRIVERS.md", encoding: .utf8)
    }

    /// The only block of Python of the page.
    static func driver() throws -> String {
        let parts = try text().components(separatedBy: "```python\n")
        try #require(parts.count == 2)
        return try #require(parts[1].components(separatedBy: "```").first)
    }

    /// The driver as a file in `folder`.
    ///
    /// - Parameter change: Text of it, and what stands there instead.
    static func write(
        to folder: TemporaryDirectory, change: (old: String, new: String)? = nil
    ) throws -> String {
        var source = try driver()
        if let change {
            try #require(source.contains(change.old))
            source = source.replacingOccurrences(of: change.old, with: change.new)
        }
        let file = folder.file("driver.py")
        try Data(source.utf8).write(to: URL(filePath: file))
        return file
    }
}

/// A mark in the environment of processes, by which those that are left are found. Linux.
struct ProcessMark {
    private let value = UUID().uuidString

    var environment: [String: String] {
        ProcessInfo.processInfo.environment.merging(["LAB_TEST_MARK": value]) { $1 }
    }

    /// For `env`, where a process cannot be given an environment.
    var variable: String { "LAB_TEST_MARK=\(value)" }

    /// Numbers of the processes with this mark that live. One that was killed may take a moment to go: it is
    /// waited for, five seconds at most.
    var left: [Int32] {
        get async {
            for _ in 0..<100 {
                if living.isEmpty { return [] }
                try? await Task.sleep(for: .milliseconds(50))
            }
            return living
        }
    }

    private var living: [Int32] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { Int32($0) }.filter { pid in
            guard let data = FileManager.default.contents(atPath: "/proc/\(pid)/environ") else {
                return false
            }
            return data.split(separator: 0).contains { $0.elementsEqual("LAB_TEST_MARK=\(value)".utf8) }
                && !ProcessTree.isGone(pid)
        }
    }
}
