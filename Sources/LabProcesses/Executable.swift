import Foundation

/// Finds programs.
public enum Executable: Sendable {
    /// The path of `name`: itself when it has a slash, else the first match in `PATH`.
    ///
    /// - Returns: nil when there is no executable file of that name.
    public static func find(
        _ name: String, environment: [String: String]? = nil
    ) -> String? {
        let environment = environment ?? ProcessInfo.processInfo.environment
        let files = FileManager.default
        func isProgram(_ path: String) -> Bool {
            var isDirectory: ObjCBool = false
            return unsafe files.fileExists(atPath: path, isDirectory: &isDirectory)
                && !isDirectory.boolValue && files.isExecutableFile(atPath: path)
        }
        if name.contains("/") { return isProgram(name) ? name : nil }
        let folders = (environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin").split(separator: ":")
        return folders.lazy.map { "\($0)/\(name)" }.first(where: isProgram)
    }

    /// The file of the running program.
    public static func current() -> String? {
        try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    }
}
