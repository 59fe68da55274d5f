import Foundation

/// A new directory that only this user can read, removed with everything in it when the last reference
/// goes, or by ``remove()``.
public final class TemporaryDirectory: Sendable {
    public let path: String

    /// - Parameter prefix: Start of the name; the rest is random.
    public init(prefix: String = "lab") throws(LabProcessError) {
        let base = FileManager.default.temporaryDirectory.path
        let path = "\(base)/\(prefix)-\(UUID().uuidString.prefix(13).lowercased())"
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw LabProcessError(.noResource, "cannot create the directory \(path)")
        }
        self.path = path
    }

    deinit { remove() }

    /// The path of `name` inside the directory.
    public func file(_ name: String) -> String { "\(path)/\(name)" }

    /// Removes the directory; a second call does nothing.
    public func remove() {
        try? FileManager.default.removeItem(atPath: path)
    }
}
