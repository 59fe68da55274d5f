import InventoryService
import NIOCore
import NIOSSL
import Synchronization

/// Who the server is to its clients: the pair that new connections are shown, which can be changed while it
/// serves.
final class TLSIdentity: Sendable {
    private let files: TLSFiles
    private let pair: Mutex<TLSPair>

    /// - Throws: ``StartFailure``, as ``TLSFiles/load(at:)``.
    init(_ files: TLSFiles, at now: Timestamp = WallClock.system.now) throws(StartFailure) {
        self.files = files
        pair = Mutex(try files.load(at: now))
    }

    var current: TLSPair { pair.withLock { $0 } }

    /// Reads the files again. Connections that stand are not touched; new ones get the new pair.
    ///
    /// - Throws: ``StartFailure``; the pair stays as it was then.
    func reload(at now: Timestamp = WallClock.system.now) throws(StartFailure) {
        let new = try files.load(at: now)
        pair.withLock { $0 = new }
    }

    /// What each handshake begins with; the pair in it is asked for anew every time.
    var configuration: TLSConfiguration {
        var configuration = current.configuration
        configuration.sslContextCallback = { [self] _, promise in
            let pair = current
            var change = NIOSSLContextConfigurationOverride()
            change.certificateChain = pair.chain.map { .certificate($0) }
            change.privateKey = .privateKey(pair.key)
            promise.succeed(change)
        }
        return configuration
    }
}
