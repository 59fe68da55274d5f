import BenchResults
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

extension LoadCost {
    /// What has been used up to now.
    static func now(servers: [Int32], redis: [Int32]) -> Moment {
        let each = servers.compactMap { ProcessorTime.seconds($0) }
        return Moment(
            bench: ProcessorTime.seconds(ProcessInfo.processInfo.processIdentifier),
            server: servers.isEmpty || each.count < servers.count ? nil : each.reduce(0, +),
            redis: redis.map { ProcessorTime.seconds($0) })
    }

    /// Since the start of each process.
    struct Moment: Sendable {
        let bench: Double?
        let server: Double?
        let redis: [Double?]

        func since(_ earlier: Moment) -> LoadCost {
            func difference(_ now: Double?, _ before: Double?) -> Double? {
                // Less than before: another process has taken its place.
                guard let now, let before, now >= before else { return nil }
                return now - before
            }
            let each = zip(redis, earlier.redis).compactMap { difference($0, $1) }
            let isWhole = !redis.isEmpty && each.count == redis.count
            return LoadCost(
                bench: difference(bench, earlier.bench), server: difference(server, earlier.server),
                redis: isWhole ? each.reduce(0, +) : nil, busiestRedis: isWhole ? each.max() : nil)
        }
    }
}
