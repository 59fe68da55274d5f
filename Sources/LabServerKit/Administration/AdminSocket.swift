import Foundation

/// Where a server takes the orders of `admin create`: a Unix socket in a folder beside its ledger.
///
/// The folder is open to its owner only, so whoever may write the ledger may give orders, and nobody else.
struct AdminSocket: Sendable {
    let folder: String
    var path: String { folder + "/socket" }
    private let database: String

    /// - Parameter database: The path of the ledger without symbolic links.
    init(ofDatabase database: String) {
        self.database = database
        folder = database + ".admin"
    }

    /// Makes the folder, and clears it of what a server that was killed left there. Only who holds the
    /// ledger's lock may call this.
    ///
    /// - Throws: ``Unusable``.
    func prepare() throws(Unusable) {
        guard unsafe mkdir(folder, 0o700) == 0 || errno == EEXIST else {
            throw Unusable(description: "cannot create \(folder): \(Self.reason(errno))")
        }
        guard let status = Self.status(of: folder), status.st_mode & S_IFMT == S_IFDIR,
            status.st_uid == geteuid()
        else { throw Unusable(description: "\(folder) is not a folder of this user; remove it") }
        guard unsafe chmod(folder, 0o700) == 0 else {
            throw Unusable(description: "cannot close \(folder) to others: \(Self.reason(errno))")
        }
        unsafe unlink(path)
    }

    /// Removes socket and folder.
    func remove() {
        unsafe unlink(path)
        unsafe rmdir(folder)
    }

    /// Whether the folder is there and belongs to whom the ledger belongs to: no other user could have put a
    /// socket there to learn the password.
    var belongsToLedger: Bool {
        guard let status = Self.status(of: folder), let ledger = Self.status(of: database) else {
            return false
        }
        return status.st_mode & S_IFMT == S_IFDIR && status.st_uid == ledger.st_uid
            && status.st_mode & 0o077 == 0
    }

    private static func status(of path: String) -> stat? {
        var found = stat()
        return unsafe lstat(path, &found) == 0 ? found : nil
    }

    private static func reason(_ code: Int32) -> String { unsafe String(cString: strerror(code)) }

    struct Unusable: Error, CustomStringConvertible {
        let description: String
    }
}

/// What `admin create` asks of a running server.
struct AdminOrder: Codable, Sendable, Equatable {
    let username: String
    let password: String
    let email: String?
}
