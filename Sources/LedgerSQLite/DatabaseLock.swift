import InventoryService
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Holds `<path>.lock`, and the database file itself: one process writes it.
///
/// SQLite before 3.51.3 can lose committed pages when two connections write or checkpoint a WAL at once, so a
/// second server on the same file is refused. The kernel drops the lock when the process ends, however it
/// ends; the empty file stays. The lock on the file holds under every name, also under one that leads there
/// through another mount.
final class DatabaseLock: Sendable {
    private let path: String
    /// The open lock file, then the open database.
    private let descriptors: Mutex<[CInt]>

    /// - Throws: ``InventoryError``: `.databaseLocked` when another process holds it, `.databaseUnusable`
    ///   when the lock file cannot be made.
    init(databasePath: String) throws(InventoryError) {
        let name = databasePath + ".lock"
        let file = unsafe open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard file >= 0 else {
            throw InventoryError(
                .databaseUnusable,
                "cannot create \(name): \(Self.reason(errno)); choose a directory that can be written")
        }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            let failure = errno
            close(file)
            guard failure == EWOULDBLOCK else {
                throw InventoryError(.databaseUnusable, "cannot lock \(name): \(Self.reason(failure))")
            }
            throw Self.inUse(databasePath)
        }
        path = databasePath
        descriptors = Mutex([file])
        try holdFile()
    }

    /// Locks the database file, once it is there; a second call does nothing.
    ///
    /// Its descriptor stays open until the release, because closing any descriptor of a file ends the locks
    /// that SQLite holds on it in this process.
    func holdFile() throws(InventoryError) {
        guard descriptors.withLock({ $0.count }) == 1 else { return }
        // What cannot be opened, SQLite complains about.
        let file = unsafe open(path, O_RDWR | O_CLOEXEC)
        guard file >= 0 else { return }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK else {
            close(file)
            throw Self.inUse(path)
        }
        descriptors.withLock { $0.append(file) }
    }

    private static func inUse(_ path: String) -> InventoryError {
        InventoryError(
            .databaseLocked,
            "another server is using \(path); stop it, or choose another file with --database")
    }

    deinit { release() }

    /// Another process may write from here on; a second call does nothing.
    func release() {
        let files = descriptors.withLock { files in
            defer { files = [] }
            return files
        }
        for file in files { close(file) }
    }

    /// True while a server, of this or another process, uses the database.
    static func isHeld(databasePath: String) -> Bool {
        let file = unsafe open(databasePath + ".lock", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return false }
        defer { close(file) }
        return flock(file, LOCK_SH | LOCK_NB) != 0
    }

    private static func reason(_ code: CInt) -> String {
        unsafe String(cString: strerror(code))
    }
}
