import Foundation
import LabProcesses

/// What the kernel says of a process at this moment.
struct ProcessFigures: Sendable, CustomStringConvertible {
    /// Open files and connections.
    let descriptors: Int
    /// Memory that is in use, in KiB.
    let residentKiB: Int

    /// - Throws: When the process is gone.
    init(of process: ChildProcess) throws {
        let directory = "/proc/\(process.processIdentifier)"
        descriptors = try FileManager.default.contentsOfDirectory(atPath: directory + "/fd").count
        let status = try String(contentsOfFile: directory + "/status", encoding: .utf8)
        let line = status.split(whereSeparator: \.isNewline).first { $0.hasPrefix("VmRSS:") }
        residentKiB = line?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    }

    /// Whether no more is open than before, but for the ledger's readers, four connections of two files each,
    /// which open when they are first needed together.
    func isLike(_ before: ProcessFigures) -> Bool { descriptors <= before.descriptors + 8 }

    var description: String { "\(descriptors) descriptors, \(residentKiB / 1024) MiB resident" }
}

/// How many files and connections this process may have open.
enum OwnDescriptors {
    /// Allows this process as many as the system lets it have, as far as `wanted`.
    ///
    /// - Returns: How many that are.
    static func allow(_ wanted: Int) -> Int {
        var limit = rlimit()
        let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard unsafe getrlimit(kind, &limit) == 0 else { return 0 }
        limit.rlim_cur = max(limit.rlim_cur, min(limit.rlim_max, rlim_t(wanted)))
        _ = unsafe setrlimit(kind, &limit)
        return Int(limit.rlim_cur)
    }
}
