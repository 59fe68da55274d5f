import Foundation
import LabProcesses

/// A small C library of ours that a child process is started with (LD_PRELOAD), compiled when it is needed
/// with a C compiler of the machine. Swift's toolchain brings one.
///
/// It is controlled through one number in a file, which the children have mapped.
struct PreloadShim: Sendable {
    let directory: TemporaryDirectory
    private let library: String
    private let control: URL

    /// Compiles the library.
    ///
    /// - Parameters:
    ///   - name: Of the library, for its files.
    ///   - number: What the control file says at first.
    /// - Throws: ``ShimNotBuilt`` when there is no C compiler, or the library cannot be built or written.
    static func build(_ name: String, source: [UInt8], number: Int64) async throws -> PreloadShim {
        let directory = try TemporaryDirectory(prefix: name)
        let shim = PreloadShim(
            directory: directory, library: directory.file("\(name).so"),
            control: URL(filePath: directory.file("control")))
        let text = directory.file("\(name).c")
        try Data(source).write(to: URL(filePath: text))
        guard let compiler = ["clang", "cc", "gcc"].lazy.compactMap({ Executable.find($0) }).first else {
            throw ShimNotBuilt(
                "the library \(name) needs a C compiler, and there is neither clang nor cc nor gcc: install one (apt-get install gcc libc6-dev)"
            )
        }
        let build = try await ChildProcess.start(
            compiler, ["-std=gnu11", "-O1", "-shared", "-fPIC", "-o", shim.library, text])
        guard await build.waitUntilExit().isSuccess else {
            let said = build.lines().first { $0.contains("error") } ?? "it said nothing"
            throw ShimNotBuilt("the library \(name) was not built by \(compiler): \(said)")
        }
        try shim.set(number, isNew: true)
        return shim
    }

    /// What a child must be started with, beside the variables of this process.
    var environment: [String: String] { ["LD_PRELOAD": library, "SHIM_CONTROL": control.path] }

    /// Tells the children a number.
    func set(_ number: Int64) throws { try set(number, isNew: false) }

    private func set(_ number: Int64, isNew: Bool) throws {
        let bytes = unsafe withUnsafeBytes(of: number) { unsafe Data($0) }
        guard !isNew else { return try bytes.write(to: control) }
        // In place, because the children have mapped this very file.
        let file = try FileHandle(forWritingTo: control)
        try file.write(contentsOf: bytes)
        try file.close()
    }
}

/// A library that a fault needs cannot be had, in one sentence.
public struct ShimNotBuilt: Error, Sendable, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }
}
