import Foundation
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore

/// A Hummingbird server that answers two bytes: what the framework can do on this machine, for `./lab speed`.
///
///     bare-server
///
/// It has the options of lab-server's listener, no middleware, and one route, `GET /health/live`. It prints
/// its address when it listens on a free port of 127.0.0.1.
@main
enum BareServer {
    static func main() async throws {
        let router = Router()
        router.get("/health/live") { _, _ in "ok" }
        let application = Application(
            router: router,
            server: .http1(
                configuration: .init(
                    httpDecoderConfiguration: .init(
                        maxHeaderFieldSize: 16 << 10, maxHeaderListSize: 32 << 10,
                        maxHeaderFieldCount: 100))),
            configuration: ApplicationConfiguration(
                address: .hostname("127.0.0.1", port: 0), backlog: 1024,
                availableConnectionsDelegate: .maximum(20_000, logger: Logger(label: "bare-server")))
        ) { channel in
            // Not print, which keeps lines for a pipe back.
            let line = "bare-server: listening on http://127.0.0.1:\(channel.localAddress?.port ?? 0)\n"
            FileHandle.standardOutput.write(Data(line.utf8))
        }
        try await application.runService()
    }
}
