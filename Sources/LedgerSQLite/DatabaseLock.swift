import InventoryService
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Holds `<path>.lock`: one process writes a database file.
///
/// SQLite before 3.51.3 can lose committed pages when two connections write or checkpoint a WAL at once,
/// so a second server on the same file is refused. The kernel drops the lock when the process ends,
/// however it ends; the empty file stays.
final class DatabaseLock: Sendable {
    private let descriptor: Mutex<CInt?>

    /// - Throws: ``InventoryError``: `.databaseLocked` when another process holds it, `.databaseUnusable`
    ///   when the lock file cannot be made.
    init(databasePath: String) throws(InventoryError) {
        let path = databasePath + ".lock"
        let file = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard file >= 0 else {
            throw InventoryError(
                .databaseUnusable,
                "cannot create \(path): \(Self.reason(errno)); choose a directory that can be written")
        }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            let failure = errno
            close(file)
            guard failure == EWOULDBLOCK else {
                throw InventoryError(.databaseUnusable, "cannot lock \(path): \(Self.reason(failure))")
            }
            throw InventoryError(
                .databaseLocked,
                "another server is using \(databasePath); stop it, or choose another file with --database")
        }
        descriptor = Mutex(file)
    }

    deinit { release() }

    /// Another process may write from here on; a second call does nothing.
    func release() {
        let file = descriptor.withLock { file in
            defer { file = nil }
            return file
        }
        if let file { close(file) }
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
