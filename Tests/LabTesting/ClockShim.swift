import Foundation
import LabProcesses

/// Makes the wall clock of child processes jump, and leaves their monotonic clocks alone.
///
/// A small library of ours (Tests/clock-shim) that the child is started with; compiled on first use with the
/// C compiler of the Swift toolchain.
public struct ClockShim: Sendable {
    private let directory: TemporaryDirectory
    private let offsetFile: URL
    private let library: String

    /// Compiles the library. Its clocks agree with the machine's until ``jump(to:)``.
    public static func build() async throws -> ClockShim {
        let directory = try TemporaryDirectory(prefix: "clock-shim")
        let source = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "clock-shim/clock-shim.c").path
        let shim = ClockShim(
            directory: directory, offsetFile: URL(filePath: "\(directory.path)/offset"),
            library: "\(directory.path)/clock-shim.so")
        guard let compiler = ["clang", "cc", "gcc"].lazy.compactMap({ Executable.find($0) }).first else {
            throw NotBuilt(output: ["there is no C compiler: neither clang nor cc nor gcc"])
        }
        let build = try await ChildProcess.start(
            compiler,
            [
                "-std=gnu11", "-O1", "-shared", "-fPIC", "-o", shim.library, source,
            ])
        guard await build.waitUntilExit().isSuccess else { throw NotBuilt(output: build.lines()) }
        try Data(count: MemoryLayout<Int64>.size).write(to: shim.offsetFile)
        return shim
    }

    /// What a child must be started with.
    public var environment: [String: String] {
        var environment = ProcessInfo.processInfo.environment
        environment["LD_PRELOAD"] = library
        environment["CLOCK_SHIM_OFFSET"] = offsetFile.path
        return environment
    }

    /// From now on the wall clocks of the children are `seconds` ahead of the machine's; negative: behind.
    public func jump(to seconds: Int64) throws {
        // In place, because the children have mapped this very file.
        let file = try FileHandle(forWritingTo: offsetFile)
        try file.write(contentsOf: unsafe withUnsafeBytes(of: seconds) { unsafe Data($0) })
        try file.close()
    }

    public struct NotBuilt: Error, Sendable {
        public let output: [String]
    }
}
