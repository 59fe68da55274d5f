import LabTesting
import NIOCore
import NIOPosix

/// A client that sends bytes and nothing else, for what no HTTP client would send.
enum RawClient {
    /// Sends `chunks`, each when `pause` is over, and reads until the server closes.
    ///
    /// - Returns: All that came.
    static func exchange(
        _ port: Int, _ chunks: [String], pause: Duration = .zero
    ) async throws -> String {
        try await exchange(port, bytes: chunks.map { ByteBuffer(string: $0) }, pause: pause)
    }

    /// The same for what is no text.
    static func exchange(
        _ port: Int, bytes chunks: [ByteBuffer], pause: Duration = .zero
    ) async throws -> String {
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.allowRemoteHalfClosure, value: true)
        let channel = try await bootstrap.connect(host: "127.0.0.1", port: port) { channel in
            channel.eventLoop.makeCompletedFuture {
                try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
            }
        }
        let received = Recorder<String>()
        do {
            try await channel.executeThenClose { inbound, outbound in
                let sender = Task {
                    for chunk in chunks {
                        try await outbound.write(chunk)
                        if pause > .zero { try await Task.sleep(for: pause) }
                    }
                }
                defer { sender.cancel() }
                for try await part in inbound { received.note(String(buffer: part)) }
            }
        } catch is IOError, is ChannelError {
            // The server ended it the hard way.
        }
        return received.values.joined()
    }

    /// A whole request, after which the server is asked to close.
    static func get(_ port: Int, _ path: String, headers: String = "Host: x\r\n") async throws -> String {
        try await exchange(port, ["GET \(path) HTTP/1.1\r\n\(headers)Connection: close\r\n\r\n"])
    }
}
