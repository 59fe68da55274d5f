import Foundation
package import InventoryService

/// What a file is, whatever its name: device and inode.
struct FileIdentity: Sendable, Hashable {
    private let device: UInt64
    private let inode: UInt64

    /// Identifies the file that a path leads to; nil when there is no file.
    init?(of path: String) {
        var found = stat()
        // Asked twice for each commit; to hand the text itself over would copy it.
        let isThere = unsafe path.withCString { unsafe stat($0, &found) == 0 }
        guard isThere else { return nil }
        (device, inode) = (UInt64(found.st_dev), UInt64(found.st_ino))
    }
}

/// The database file and the two that SQLite keeps beside it, as they were when they were opened.
///
/// SQLite goes on writing to a file that was moved, deleted or replaced, and says that all is well; after a
/// restart nothing of that is there. So whoever writes asks here whether the names still lead to the files.
struct LedgerFiles: Sendable, Hashable {
    private static let endings = ["", "-wal", "-shm"]

    /// Each name, and what it led to.
    private let names: [String]
    private let identities: [FileIdentity?]

    /// - Parameter path: Of a database that is open, with its log.
    init(ofOpen path: String) {
        names = Self.endings.map { path + $0 }
        identities = names.map { FileIdentity(of: $0) }
    }

    /// Whether the database is the same file.
    func isSameDatabase(as other: LedgerFiles) -> Bool { identities[0] == other.identities[0] }

    /// What is wrong, and what to do; nil while the names lead to the files. Three looks at the file system.
    var displacement: String? {
        for (name, identity) in zip(names, identities) where FileIdentity(of: name) != identity {
            return
                "\(name) was moved, deleted or replaced under the running server, which still has "
                + "the old file open: stop the server, put the file back or restore a backup, and start it again"
        }
        return nil
    }
}

/// The name of a database file.
package enum LedgerPath {
    /// The one name under which SQLite keeps the log of the database: without symbolic links.
    ///
    /// - Throws: ``InventoryError`` `.databaseUnusable` for a file with a second name, a hard link: SQLite
    ///   would keep a second log beside that name.
    package static func resolved(_ path: String) throws(InventoryError) -> String {
        var found = stat()
        guard unsafe stat(path, &found) == 0 else {
            let name = (path as NSString).lastPathComponent
            let folder = (path as NSString).deletingLastPathComponent
            guard let real = real(folder.isEmpty ? "." : folder) else { return path }
            return (real as NSString).appendingPathComponent(name)
        }
        guard found.st_nlink < 2 || found.st_mode & S_IFMT != S_IFREG else {
            throw InventoryError(
                .databaseUnusable,
                "the database \(path) has \(found.st_nlink) names (hard links), and SQLite would keep a log beside "
                    + "each: remove the other names")
        }
        return real(path) ?? path
    }

    private static func real(_ path: String) -> String? {
        guard let resolved = unsafe realpath(path, nil) else { return nil }
        defer { unsafe free(resolved) }
        return unsafe String(cString: resolved)
    }
}
