import LabCrypto
import NIOPosix
import Synchronization

/// bcrypt (`$2b$`) of the system's libxcrypt, on threads of its own.
///
/// One hash takes 60 ms at cost 10 and twice as much for each step more; it never runs on the cooperative
/// pool. `shutDown` ends the threads.
public final class PasswordHasher: Sendable {
    /// 2^12 rounds, about 0.2 s: what bcrypt libraries take as default today, and above the 10 that OWASP
    /// names as least.
    public static let defaultCost = 12
    public static let costs = 4...31

    public let cost: Int
    private let queue: Int
    private let threads: NIOThreadPool
    private struct Line {
        var waiting = 0
        var refused = 0
    }

    private let line = Mutex(Line())

    /// - Parameters:
    ///   - cost: Rounds as a power of two, 4 to 31.
    ///   - threads: Passwords that are hashed at the same time.
    ///   - queue: Passwords that may wait; more are refused.
    public init(cost: Int = PasswordHasher.defaultCost, threads: Int = 1, queue: Int = 32) {
        precondition(Self.costs.contains(cost), "bcrypt takes costs from 4 to 31")
        self.cost = cost
        self.queue = queue
        self.threads = NIOThreadPool(numberOfThreads: threads)
        self.threads.start()
    }

    /// Passwords that are being hashed or wait for it.
    public var load: Int { line.withLock { $0.waiting } }

    /// Passwords that were refused because too many waited, since this hasher was made.
    public var refused: Int { line.withLock { $0.refused } }

    /// Whether the hash was made with fewer rounds than this hasher makes.
    public func isOutdated(_ hash: PasswordHash) -> Bool {
        guard let bcrypt = hash.parts?.bcrypt, bcrypt.hasPrefix("$2b$"),
            let cost = Int(bcrypt.dropFirst(4).prefix(2))
        else { return false }
        return cost < self.cost
    }

    public func shutDown() async {
        try? await threads.shutdownGracefully()
    }

    /// - Throws: ``InventoryError``: `.hashingOverloaded`, `.cryptoFailed` or `.cancelled`.
    public func hash(_ password: String) async throws(InventoryError) -> PasswordHash {
        let cost = cost
        return try await onThread { () throws(InventoryError) in
            let setting = try Bcrypt.setting(cost: cost)
            let scheme: PasswordHash.Scheme = Bcrypt.takes(password) ? .bcrypt : .bcryptOverHMAC
            return PasswordHash(scheme, try Bcrypt.hash(password, scheme: scheme, setting: setting))
        }
    }

    /// Says whether `hash` is of `password`. Without a hash it answers false after the same work, so that
    /// the time does not tell whether a user exists.
    public func verify(_ password: String, against hash: PasswordHash?) async throws(InventoryError) -> Bool {
        let cost = cost
        return try await onThread { () throws(InventoryError) in
            guard let (scheme, expected) = hash?.parts, scheme == .bcryptOverHMAC || Bcrypt.takes(password)
            else {
                _ = try Bcrypt.hash(
                    password, scheme: .bcryptOverHMAC, setting: Bcrypt.anySetting(cost: cost))
                return false
            }
            let found = try Bcrypt.hash(password, scheme: scheme, setting: expected)
            return OpenSSL.areEqual(Array(found.utf8), Array(expected.utf8))
        }
    }

    private func onThread<Value: Sendable>(
        _ work: @escaping @Sendable () throws(InventoryError) -> Value
    ) async throws(InventoryError) -> Value {
        let isAdmitted = line.withLock { line in
            guard line.waiting < queue else {
                line.refused += 1
                return false
            }
            line.waiting += 1
            return true
        }
        guard isAdmitted else {
            throw InventoryError(.hashingOverloaded, "too many passwords wait to be checked")
        }
        defer { line.withLock { $0.waiting -= 1 } }
        do {
            return try await threads.runIfActive { try work() }
        } catch let error as InventoryError {
            throw error
        } catch is CancellationError where Task.isCancelled {
            throw InventoryError(.cancelled, "cancelled before the password was checked")
        } catch {
            throw InventoryError(.cryptoFailed, "the password threads have ended", underlying: error)
        }
    }
}

/// What is handed to bcrypt, and what its refusal means.
private enum Bcrypt {
    /// bcrypt reads 72 bytes and C stops at NUL.
    static func takes(_ password: String) -> Bool {
        password.utf8.count <= 72 && !password.utf8.contains(0)
    }

    /// `$2b$`, the cost and a new random salt of 128 bits.
    static func setting(cost: Int) throws(InventoryError) -> String {
        guard let salt = OpenSSL.randomBytes(16) else {
            throw InventoryError(.cryptoFailed, "the random generator failed")
        }
        guard let setting = LibCrypt.setting(cost: cost, salt: salt) else {
            throw InventoryError(.cryptoFailed, "bcrypt refused its cost")
        }
        return setting
    }

    /// A setting that no stored hash has.
    static func anySetting(cost: Int) -> String {
        let digits = cost < 10 ? "0\(cost)" : "\(cost)"
        return "$2b$\(digits)$" + String(repeating: ".", count: 22)
    }

    /// - Parameter setting: A setting or a whole hash: bcrypt reads cost and salt, the first 29 characters.
    static func hash(
        _ password: String, scheme: PasswordHash.Scheme, setting: String
    ) throws(InventoryError) -> String {
        let phrase: String
        switch scheme {
        case .bcrypt: phrase = password
        case .bcryptOverHMAC:
            let key = Array(setting.utf8.prefix(29).suffix(22))
            guard let digest = OpenSSL.hmacSHA256(key: key, message: Array(password.utf8)) else {
                throw InventoryError(.cryptoFailed, "HMAC failed")
            }
            phrase = Base64.encode(digest)
        }
        guard let hash = LibCrypt.hash(phrase, setting: setting) else {
            throw InventoryError(.cryptoFailed, "bcrypt cannot read the stored hash")
        }
        return hash
    }
}
