import Foundation
import InventoryService
import NIOSSL

/// Where the server's certificate and its key are.
struct TLSFiles: Sendable, Hashable {
    let certificate: String
    let privateKey: String

    /// Reads both and makes sure that a client could use them now.
    ///
    /// - Throws: ``StartFailure`` `.certificateUnusable` with a sentence: a file that cannot be read or holds
    ///   something else, a key of another certificate, a certificate that has ended or not begun.
    func load(at now: Timestamp) throws(StartFailure) -> TLSPair {
        let chain = try certificates()
        guard let own = chain.first else {
            throw Self.failure("\(certificate) holds no certificate in PEM form; check --tls-certificate")
        }
        let key = try key()
        let begins = Timestamp(microseconds: Int64(own.notValidBefore) * 1_000_000)
        let ends = Timestamp(microseconds: Int64(own.notValidAfter) * 1_000_000)
        guard ends > now else {
            throw Self.failure("the certificate in \(certificate) ended at \(ends); get a new one")
        }
        guard begins <= now else {
            throw Self.failure("the certificate in \(certificate) begins at \(begins); check the clock")
        }
        let pair = TLSPair(
            chain: chain, key: key, ends: ends,
            serial: own.serialNumber.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined())
        do {
            // Refuses a key that is another certificate's.
            _ = try NIOSSLContext(configuration: pair.configuration)
        } catch {
            throw Self.failure(
                "the key in \(privateKey) is not that of the first certificate in \(certificate); give the "
                    + "pair that belongs together, the server's own certificate first")
        }
        return pair
    }

    private func certificates() throws(StartFailure) -> [NIOSSLCertificate] {
        let bytes = try Self.read(certificate, "--tls-certificate")
        do {
            return try NIOSSLCertificate.fromPEMBytes(bytes)
        } catch {
            throw Self.failure("\(certificate) holds no certificate in PEM form; check --tls-certificate")
        }
    }

    private func key() throws(StartFailure) -> NIOSSLPrivateKey {
        let bytes = try Self.read(privateKey, "--tls-private-key")
        do {
            return try NIOSSLPrivateKey(bytes: bytes, format: .pem)
        } catch {
            throw Self.failure(
                "\(privateKey) holds no private key in PEM form, or one with a passphrase; check "
                    + "--tls-private-key")
        }
    }

    private static func read(_ path: String, _ flag: String) throws(StartFailure) -> [UInt8] {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw failure("cannot read \(path); check \(flag)")
        }
        return [UInt8](data)
    }

    private static func failure(_ sentence: String) -> StartFailure {
        StartFailure(.certificateUnusable, sentence)
    }
}
