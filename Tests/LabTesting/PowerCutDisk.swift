import CPowerCut
import Foundation
public import LabProcesses

/// A directory whose SQLite files can lose their power. All connections of the process go through our VFS
/// from the first disk on; those to files elsewhere are handed on to the system's.
///
/// Beside the files stands, in memory, what the disk would hold if the power went now: bytes count from the
/// moment they were synced. The disk can also be slow, fail and be full. No file of it may be open when it
/// goes.
public final class PowerCutDisk: Sendable {
    private let directory: TemporaryDirectory
    /// Without symbolic links: the name that SQLite gives its files.
    public let path: String

    public struct Failure: Error, Sendable {
        public let what: String

        public init(what: String) {
            self.what = what
        }
    }

    public init() throws {
        guard power_cut_register() == 0 else { throw Failure(what: "SQLite did not take the VFS") }
        directory = try TemporaryDirectory(prefix: "lab-power")
        path = URL(fileURLWithPath: directory.path).resolvingSymlinksInPath().path
        guard unsafe power_cut_mount(path) == 0 else { throw Failure(what: "the disk is mounted already") }
    }

    deinit { unsafe power_cut_unmount(path) }

    public func file(_ name: String) -> String { "\(path)/\(name)" }

    /// What the disk would hold after a power cut now, as files in a new directory.
    ///
    /// - Parameter tear: Not nil: each write that was not synced has got to the disk or has not, alone or in
    ///   part; the number decides which.
    public func image(tear: UInt64? = nil) throws -> TemporaryDirectory {
        let target = try TemporaryDirectory(prefix: "lab-image")
        guard unsafe power_cut_image(path, target.path, tear.map { max($0, 1) } ?? 0) == 0 else {
            throw Failure(what: "the image could not be written")
        }
        return target
    }

    /// What the death of the process would leave now, as files in a new directory: all that was written,
    /// synced or not.
    public func crashImage() throws -> TemporaryDirectory {
        let target = try TemporaryDirectory(prefix: "lab-image")
        guard unsafe power_cut_live(path, target.path) == 0 else {
            throw Failure(what: "the image could not be written")
        }
        return target
    }

    /// Writes, cuts, deletions and syncs so far.
    public var operations: UInt64 { unsafe power_cut_operations(path) }

    public var syncs: UInt64 { unsafe power_cut_syncs(path) }

    /// Bytes that the files hold.
    public var used: Int64 { unsafe power_cut_used(path) }

    /// Each sync takes this long, also one that is under way: zero ends it.
    public func setSyncDelay(milliseconds: UInt32) { unsafe power_cut_set_sync_delay(path, milliseconds) }

    /// The next syncs fail, nil: all of them; what they should have written is lost to later ones.
    public func failSyncs(_ count: Int32?) { unsafe power_cut_fail_syncs(path, count ?? -1) }

    /// How many bytes the files may hold; nil: any number.
    public func setSpace(_ bytes: Int64?) { unsafe power_cut_set_space(path, bytes ?? -1) }
}
