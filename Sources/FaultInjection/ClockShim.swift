import Foundation
import LabProcesses

/// Makes the wall clock of child processes jump, and leaves their monotonic clocks alone (clock-shim.c).
public struct ClockShim: Sendable {
    private let shim: PreloadShim

    /// Compiles the library. Its clocks agree with the machine's until ``jump(to:)``.
    ///
    /// - Throws: ``ShimNotBuilt`` when it cannot be built here.
    public static func build() async throws -> ClockShim {
        ClockShim(
            shim: try await .build("clock-shim", source: PackageResources.clock_shim_c, number: 0))
    }

    /// What a child must be started with, beside the variables of this process.
    public var variables: [String: String] { shim.environment }

    /// The variables of this process and those of the library.
    public var environment: [String: String] {
        ProcessInfo.processInfo.environment.merging(variables) { $1 }
    }

    /// From now on the wall clocks of the children are `milliseconds` ahead of the machine's; negative:
    /// behind.
    public func jump(toMilliseconds milliseconds: Int64) throws { try shim.set(milliseconds) }

    /// From now on the wall clocks of the children are `seconds` ahead of the machine's; negative: behind.
    public func jump(to seconds: Int64) throws { try jump(toMilliseconds: seconds * 1_000) }
}
