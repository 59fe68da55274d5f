import Foundation

/// Processor time that processes have used, from `/proc` (Linux).
enum ProcessorTime {
    /// User and system time of a process since its start.
    ///
    /// - Returns: nil when there is no such process.
    static func seconds(_ pid: Int32) -> Double? {
        guard let data = FileManager.default.contents(atPath: "/proc/\(pid)/stat") else { return nil }
        let ticksPerSecond = Double(sysconf(Int32(_SC_CLK_TCK)))
        return ticks(String(decoding: data, as: UTF8.self)).map { Double($0) / ticksPerSecond }
    }

    /// `utime + stime` of a line of `/proc/PID/stat`; the name in it may hold spaces and brackets.
    static func ticks(_ stat: String) -> Int? {
        guard let end = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[stat.index(after: end)...].split(separator: " ")
        guard fields.count > 12, let user = Int(fields[11]), let system = Int(fields[12]) else { return nil }
        return user + system
    }
}

/// Processor seconds of the three parties over a whole load, warm-up and drain included.
struct LoadCost: Sendable, Equatable, Codable {
    /// In direct mode that of the service too: they share a process.
    @OrNull var bench: Double?
    /// Null where there is no server.
    @OrNull var server: Double?
    @OrNull var redis: Double?

    /// What has been used up to now.
    static func now(server: Int32?, redis: [Int32]) -> LoadCost {
        let used = redis.compactMap { ProcessorTime.seconds($0) }
        return LoadCost(
            bench: ProcessorTime.seconds(ProcessInfo.processInfo.processIdentifier),
            server: server.flatMap { ProcessorTime.seconds($0) },
            redis: redis.isEmpty || used.count < redis.count ? nil : used.reduce(0, +))
    }

    func since(_ earlier: LoadCost) -> LoadCost {
        func difference(_ now: Double?, _ before: Double?) -> Double? {
            guard let now, let before else { return nil }
            return now - before
        }
        return LoadCost(
            bench: difference(bench, earlier.bench), server: difference(server, earlier.server),
            redis: difference(redis, earlier.redis))
    }
}
