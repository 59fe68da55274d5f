import Foundation
import LabTesting
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// A connection over TLS that stays open, as a browser's or a proxy's does.
final class StandingTLSConnection: Sendable {
    private let received = Mutex("")
    private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>

    private init(_ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>) {
        self.outbound = outbound
    }

    /// - Parameter authority: The file of the only certificate that is trusted.
    static func open(
        _ port: Int, trusting authority: String, _ body: (StandingTLSConnection) async throws -> Void
    ) async throws {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .file(authority)
        let context = try NIOSSLContext(configuration: configuration)
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        NIOSSLClientHandler(context: context, serverHostname: nil))
                    return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        try await channel.executeThenClose { inbound, outbound in
            let connection = StandingTLSConnection(outbound)
            let reader = Task {
                for try await part in inbound {
                    connection.received.withLock { $0 += String(buffer: part) }
                }
            }
            defer { reader.cancel() }
            try await body(connection)
        }
    }

    /// Asks for a path and waits for the whole answer; the connection stays.
    func get(_ path: String) async throws -> String {
        received.withLock { $0 = "" }
        try await outbound.write(ByteBuffer(string: "GET \(path) HTTP/1.1\r\nHost: lab\r\n\r\n"))
        try await waitUntil { isComplete(received.withLock { $0 }) }
        return received.withLock { $0 }
    }

    private func isComplete(_ answer: String) -> Bool {
        guard let head = answer.range(of: "\r\n\r\n"),
            let length = answer.firstMatch(of: /[Cc]ontent-[Ll]ength: (\d+)/).flatMap({ Int($0.1) })
        else { return false }
        return answer[head.upperBound...].utf8.count >= length
    }
}
