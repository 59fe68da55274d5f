import Foundation
import InventoryService
import LabProcesses
import LabTesting
import Testing

@testable import LabServerKit

/// Which certificates and keys a server starts with.
@Suite struct TLSFilesTests {
    private func refusal(
        _ certificate: String, _ key: String, at now: Timestamp = WallClock.system.now
    ) -> StartFailure? {
        do throws(StartFailure) {
            _ = try TLSFiles(certificate: certificate, privateKey: key).load(at: now)
            return nil
        } catch {
            return error
        }
    }

    @Test(
        "A pair that a client could use now is taken, with the chain behind it; anything else is refused in a sentence"
    )
    func pairs() async throws {
        let files = try await TestCertificates()
        let (certificate, key) = (files.file("server.pem"), files.file("server.key"))
        #expect(refusal(certificate, key) == nil)
        func text(_ name: String) throws -> String {
            try String(contentsOfFile: files.file(name), encoding: .utf8)
        }
        let chain = files.file("chain.pem")
        try (text("server.pem") + text("ca.pem")).write(toFile: chain, atomically: true, encoding: .utf8)
        let pair = try TLSFiles(certificate: chain, privateKey: key).load(at: WallClock.system.now)
        #expect(pair.chain.count == 2)

        let swapped = files.file("swapped.pem")
        try (text("ca.pem") + text("server.pem")).write(toFile: swapped, atomically: true, encoding: .utf8)
        let locked = files.file("locked.key")
        let openssl = try await ChildProcess.start(
            "openssl", ["pkey", "-in", key, "-aes256", "-passout", "pass:secret-words", "-out", locked])
        #expect(await openssl.waitUntilExit().isSuccess)
        let empty = files.file("empty")
        try Data().write(to: URL(filePath: empty))
        let day = Duration.seconds(86_400)
        let now = WallClock.system.now
        let cases: [(StartFailure?, String)] = [
            (refusal(files.file("none.pem"), key), "cannot read \(files.file("none.pem"))"),
            (refusal(certificate, files.file("none.key")), "cannot read \(files.file("none.key"))"),
            (refusal(URL(filePath: certificate).deletingLastPathComponent().path, key), "cannot read"),
            (refusal(key, key), "holds no certificate"),
            (refusal(certificate, certificate), "holds no private key"),
            (refusal(empty, key), "holds no certificate"),
            (refusal(certificate, empty), "no private key"),
            (refusal(certificate, locked), "passphrase"),
            (refusal(certificate, files.file("client.key")), "is not that of"),
            (refusal(swapped, key), "own certificate first"),
            (refusal(certificate, key, at: now.advanced(by: day * 3)), "ended at"),
            (refusal(certificate, key, at: now.advanced(by: .zero - day)), "begins at"),
        ]
        for (failure, part) in cases {
            #expect(failure?.code == .certificateUnusable, "\(part)")
            #expect(
                failure?.description.contains(part) == true, "\(failure?.description ?? "") lacks \(part)")
        }
    }

    @Test("A bad new pair leaves the old one; a good one takes its place")
    func reload() async throws {
        let files = try await TestCertificates()
        let (live, key) = (files.file("live.pem"), files.file("live.key"))
        func put(_ name: String) throws {
            for (ending, path) in [("pem", live), ("key", key)] {
                let data = try Data(contentsOf: URL(filePath: files.file("\(name).\(ending)")))
                try data.write(to: URL(filePath: path))
            }
        }
        try put("server")
        let identity = try TLSIdentity(TLSFiles(certificate: live, privateKey: key))
        let first = identity.current.serial
        try Data("nothing of use".utf8).write(to: URL(filePath: key))
        #expect(throws: StartFailure.self) { try identity.reload() }
        #expect(identity.current.serial == first)
        try put("named")
        try identity.reload()
        #expect(identity.current.serial != first)
    }
}
