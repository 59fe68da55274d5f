package import BenchResults
import Foundation
import InventoryService
import LabProcesses

extension EnvironmentInfo {
    /// - Parameter bcryptCost: Of the passwords that the load has hashed; nil: none.
    package static func current(loadBefore: Double?, bcryptCost: Int? = nil) async -> EnvironmentInfo {
        EnvironmentInfo(
            host: hostName, os: osName, kernel: text("/proc/sys/kernel/osrelease") ?? "unknown",
            cpu: field("model name", of: "/proc/cpuinfo") ?? "unknown",
            cores: cores,
            memoryMib: Int(ProcessInfo.processInfo.physicalMemory >> 20),
            governor: text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
            virtualisation: field("flags", of: "/proc/cpuinfo").flatMap {
                $0.split(separator: " ").contains("hypervisor") ? "virtual machine" : nil
            },
            loadBefore: loadBefore, swift: compiler, buildMode: mode, gitCommit: await commit(),
            timerOvershootUs: await overshoot(), passwordHashMs: await passwordHash(cost: bcryptCost))
    }

    /// The median of five hashes. From cost 8 on each step doubles the work, so costs above are scaled: a
    /// single hash of cost 20 takes a minute.
    private static func passwordHash(cost: Int?) async -> Double? {
        guard let cost else { return nil }
        let measured = min(cost, 8)
        let hasher = PasswordHasher(cost: measured)
        let clock = ContinuousClock()
        var times: [Double] = []
        for number in 0..<5 {
            let start = clock.now
            do throws(InventoryError) {
                _ = try await hasher.hash("lab-bench-\(number)")
            } catch {
                return nil
            }
            times.append(start.duration(to: clock.now) / .milliseconds(1))
        }
        return times.sorted()[2] * Double(UInt64(1) << UInt64(cost - measured))
    }

    /// Measures 200 sleeps after the load: they last a quarter of a second.
    private static func overshoot() async -> Overshoot? {
        let clock = ContinuousClock()
        var late: [Double] = []
        for _ in 0..<200 {
            let due = clock.now + .milliseconds(1)
            guard (try? await clock.sleep(until: due, tolerance: .zero)) != nil else { return nil }
            late.append(due.duration(to: clock.now) / .microseconds(1))
        }
        late.sort()
        return Overshoot(p50: late[99], p99: late[197], max: late[199])
    }

    /// The first label of the host's name, safe in a file name.
    package static var hostName: String {
        let name = ProcessInfo.processInfo.hostName.prefix { $0 != "." }
        let safe = name.filter { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
        return safe.isEmpty ? "host" : String(safe)
    }

    private static var mode: String { isReleaseBuild ? "release" : "debug" }

    private static var compiler: String {
        #if compiler(>=6.4)
            "6.4 or newer"
        #elseif compiler(>=6.3)
            "6.3"
        #else
            "6.2"
        #endif
    }

    private static var osName: String {
        let lines = (text("/etc/os-release") ?? "").split(separator: "\n")
        let name = lines.first { $0.hasPrefix("PRETTY_NAME=") }?.dropFirst("PRETTY_NAME=".count)
        return name.map { $0.filter { $0 != "\"" } } ?? ProcessInfo.processInfo.operatingSystemVersionString
    }

    private static func text(_ path: String) -> String? {
        FileManager.default.contents(atPath: path).map {
            String(decoding: $0, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        }
    }

    private static func field(_ name: String, of path: String) -> String? {
        let lines = (text(path) ?? "").split(separator: "\n")
        guard let line = lines.first(where: { $0.hasPrefix(name) }) else { return nil }
        return line.split(separator: ":", maxSplits: 1).last.map {
            $0.trimmingCharacters(in: .whitespaces)
        }
    }

    /// Commit of the repository that a directory is in; nil where it is in none; with `-dirty` when files
    /// were changed.
    package static func commit(of directory: String = ".") async -> String? {
        let arguments = ["-C", directory, "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
        guard let git = try? await ChildProcess.start("git", arguments) else { return nil }
        let status = await git.waitUntilExit(within: .seconds(5))
        if status == nil { await git.killNow() }
        return status?.isSuccess == true ? git.lines(of: .standardOutput).first : nil
    }
}

/// How busy the machine is.
package enum LoadAverage {
    /// Over the last minute.
    package static func now() -> Double? {
        guard let data = FileManager.default.contents(atPath: "/proc/loadavg") else { return nil }
        return String(decoding: data, as: UTF8.self).split(separator: " ").first.flatMap { Double($0) }
    }
}
