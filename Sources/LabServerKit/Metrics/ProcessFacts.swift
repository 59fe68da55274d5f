import Foundation
import InventoryService

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// What the system says of this process, under the names that Prometheus' own libraries use. Linux; elsewhere
/// what `/proc` would say is left out.
struct ProcessFacts: Sendable {
    /// When the server was put together.
    private let start = WallClock.system.now

    func write(to page: inout Exposition) {
        page.family("process_start_time_seconds", "gauge", "When the server began, since 1970.")
        page.sample("process_start_time_seconds", [], Int(start.seconds))
        page.family("process_cpu_seconds_total", "counter", "CPU time of this process.")
        page.seconds("process_cpu_seconds_total", microseconds: Self.cpuMicroseconds)
        for (name, help, value) in [
            ("process_resident_memory_bytes", "Memory that is in use.", Self.residentBytes),
            ("process_open_fds", "Open files and connections.", Self.openFiles),
            ("process_max_fds", "Files and connections that may be open.", Self.mostFiles),
        ] {
            guard let value else { continue }
            page.family(name, "gauge", help)
            page.sample(name, [], value)
        }
    }

    private static var cpuMicroseconds: Int {
        var usage = rusage()
        #if canImport(Glibc)
            unsafe getrusage(Int32(RUSAGE_SELF.rawValue), &usage)
        #else
            unsafe getrusage(RUSAGE_SELF, &usage)
        #endif
        return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1_000_000
            + Int(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec)
    }

    private static var residentBytes: Int? {
        guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return nil }
        let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) }
        return pages.map { $0 * Int(sysconf(Int32(_SC_PAGESIZE))) }
    }

    private static var openFiles: Int? {
        try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
    }

    private static var mostFiles: Int? {
        guard let text = try? String(contentsOfFile: "/proc/self/limits", encoding: .utf8),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix("Max open files") })
        else { return nil }
        return line.split(separator: " ").dropFirst(3).first.flatMap { Int($0) }
    }
}
