import Foundation
import LabProcesses

/// Programs of this package, as the same build made them.
public enum BuiltProgram: Sendable {
    /// The path of a program that stands beside the running test runner.
    public static func path(_ name: String) throws -> String {
        guard let runner = Executable.current() else { throw Missing(name: name) }
        let path = URL(filePath: runner).deletingLastPathComponent().appending(path: name).path
        guard Executable.find(path) != nil else { throw Missing(name: name) }
        return path
    }

    public struct Missing: Error, Sendable {
        public let name: String
    }
}
