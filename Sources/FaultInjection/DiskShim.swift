import Foundation
import LabProcesses

/// The disk of a child process: a folder whose files can lose what was not synced, and can be full
/// (disk-shim.c). Meant for SQLite and for Redis.
public struct DiskShim: Sendable {
    private let shim: PreloadShim
    private let platter: TemporaryDirectory
    /// The folder, without symbolic links.
    private let folder: String

    /// Compiles the library. The disk has any room until ``setRoom(_:)``.
    ///
    /// - Parameter folder: Holds the files of the disk.
    /// - Throws: ``ShimNotBuilt`` when it cannot be built here.
    public static func build(folder: String) async throws -> DiskShim {
        let shim = try await PreloadShim.build("disk-shim", source: PackageResources.disk_shim_c, number: -1)
        return DiskShim(
            shim: shim, platter: try TemporaryDirectory(prefix: "disk-platter"),
            folder: URL(filePath: folder).resolvingSymlinksInPath().path)
    }

    /// What a child must be started with, beside the variables of this process.
    public var variables: [String: String] {
        var all = shim.environment
        all["DISK_FOLDER"] = folder
        all["DISK_PLATTER"] = platter.path
        return all
    }

    /// How many bytes the files may still grow by, all together; nil: any number.
    public func setRoom(_ bytes: Int64?) throws { try shim.set(bytes ?? -1) }

    /// From now on the disk says that it synced, and does not.
    public func lie() throws { try shim.set(-2) }

    /// Leaves in the folder what the disk holds when the power goes. Call it after the child was killed.
    ///
    /// - Returns: How many bytes were lost.
    @discardableResult
    public func cutPower() throws -> Int64 {
        let files = FileManager.default
        let names = try files.subpathsOfDirectory(atPath: platter.path)
        var lost: Int64 = 0
        for name in names {
            let (kept, there) = ("\(platter.path)/\(name)", "\(folder)/\(name)")
            var isFolder: ObjCBool = false
            guard unsafe files.fileExists(atPath: kept, isDirectory: &isFolder), !isFolder.boolValue,
                files.fileExists(atPath: there)
            else { continue }
            lost += try Self.size(there) - Self.size(kept)
            // In place: the platter goes on with the same files.
            try Data(contentsOf: URL(filePath: kept)).write(to: URL(filePath: there))
        }
        // Memory that processes share over a file of SQLite.
        for name in try files.contentsOfDirectory(atPath: folder) where name.hasSuffix("-shm") {
            try files.removeItem(atPath: "\(folder)/\(name)")
        }
        return lost
    }

    private static func size(_ path: String) throws -> Int64 {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        return (attributes[.size] as? NSNumber)?.int64Value ?? 0
    }
}
