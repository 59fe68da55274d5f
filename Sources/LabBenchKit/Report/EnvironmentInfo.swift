import Foundation

/// The machine and the build, as far as they matter to a number.
struct EnvironmentInfo: Sendable, Codable, Equatable {
    var host: String
    var os: String
    var kernel: String
    var cpu: String
    var cores: Int
    var memoryMib: Int
    @OrNull var governor: String?
    @OrNull var virtualisation: String?
    @OrNull var loadBefore: Double?
    var swift: String
    /// `release` or `debug`, of lab-bench; lab-server stands next to it and is built with it.
    var buildMode: String
    @OrNull var gitCommit: String?
    /// How late a sleep of a millisecond ends on this machine; nil in results of before.
    var timerOvershootUs: Overshoot?
    /// What the server's thread takes to hash one password at the run's cost; nil where nobody logs in under load.
    var passwordHashMs: Double?

    struct Overshoot: Sendable, Codable, Equatable {
        var p50: Double
        var p99: Double
        var max: Double
    }

    var isRepresentative: Bool { buildMode == "release" }
}

extension EnvironmentInfo {
    static var cores: Int { ProcessInfo.processInfo.activeProcessorCount }

    static var isReleaseBuild: Bool {
        #if DEBUG
            false
        #else
            true
        #endif
    }
}
