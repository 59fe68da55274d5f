package import BenchModel
import Foundation

/// The machine and the build, as far as they matter to a number.
package struct EnvironmentInfo: Sendable, Codable, Equatable {
    package var host: String
    package var os: String
    package var kernel: String
    package var cpu: String
    package var cores: Int
    package var memoryMib: Int
    @OrNull package var governor: String?
    @OrNull package var virtualisation: String?
    @OrNull package var loadBefore: Double?
    package var swift: String
    /// `release` or `debug`, of lab-bench; lab-server stands next to it and is built with it.
    package var buildMode: String
    @OrNull package var gitCommit: String?
    /// How late a sleep of a millisecond ends on this machine; nil in results of before.
    package var timerOvershootUs: Overshoot?
    /// What the server's thread takes to hash one password at the run's cost; nil where nobody logs in under
    /// load.
    package var passwordHashMs: Double?

    package init(
        host: String, os: String, kernel: String, cpu: String, cores: Int, memoryMib: Int, governor: String?,
        virtualisation: String?, loadBefore: Double?, swift: String, buildMode: String, gitCommit: String?,
        timerOvershootUs: Overshoot? = nil, passwordHashMs: Double? = nil
    ) {
        self.host = host
        self.os = os
        self.kernel = kernel
        self.cpu = cpu
        self.cores = cores
        self.memoryMib = memoryMib
        self.governor = governor
        self.virtualisation = virtualisation
        self.loadBefore = loadBefore
        self.swift = swift
        self.buildMode = buildMode
        self.gitCommit = gitCommit
        self.timerOvershootUs = timerOvershootUs
        self.passwordHashMs = passwordHashMs
    }

    package struct Overshoot: Sendable, Codable, Equatable {
        package var p50: Double
        package var p99: Double
        package var max: Double

        package init(p50: Double, p99: Double, max: Double) {
            self.p50 = p50
            self.p99 = p99
            self.max = max
        }
    }

    package var isRepresentative: Bool { buildMode == "release" }
}

extension EnvironmentInfo {
    package static var cores: Int { ProcessInfo.processInfo.activeProcessorCount }

    package static var isReleaseBuild: Bool {
        #if DEBUG
            false
        #else
            true
        #endif
    }
}
