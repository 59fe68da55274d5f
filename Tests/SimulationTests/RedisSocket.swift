import Foundation

@testable import RedisClient

/// A connection to a Redis server that blocks its thread: for tests that need each command at its place.
final class RedisSocket {
    private let file: Int32
    private var reader = ReplyReader(maximumReplyBytes: 1 << 24)
    private var bytes = [UInt8](repeating: 0, count: 1 << 16)
    /// Messages of subscriptions that came so far.
    private(set) var messages: [RESPValue] = []

    init(path: String) throws {
        file = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let status = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(file, $0, size)
            }
        }
        guard status == 0 else { throw RedisError(.unavailable, "cannot connect to \(path)") }
    }

    deinit {
        close(file)
    }

    /// Sends commands in one piece and waits for their replies; messages between them are put aside.
    func exchange(_ commands: [RedisCommand]) throws -> [RESPValue] {
        try send(commands)
        var replies: [RESPValue] = []
        while replies.count < commands.count {
            guard let reply = try reader.next() else {
                try receive()
                continue
            }
            if reply.array?.first?.string == "message" {
                messages.append(reply)
            } else {
                replies.append(reply)
            }
        }
        return replies
    }

    /// Sends commands whose replies nobody waits for here.
    func send(_ commands: [RedisCommand]) throws {
        var request: [UInt8] = []
        for command in commands { Self.encode(command, into: &request) }
        try send(request)
    }

    func takeMessages() -> [RESPValue] {
        defer { messages = [] }
        return messages
    }

    private static func encode(_ command: RedisCommand, into request: inout [UInt8]) {
        request.append(contentsOf: "*\(command.arguments.count)\r\n".utf8)
        for argument in command.arguments {
            request.append(contentsOf: "$\(argument.utf8.count)\r\n".utf8)
            request.append(contentsOf: argument.utf8)
            request.append(contentsOf: "\r\n".utf8)
        }
    }

    private func send(_ request: [UInt8]) throws {
        var sent = 0
        while sent < request.count {
            let count = unsafe request.withUnsafeBytes { raw in
                unsafe write(file, raw.baseAddress! + sent, raw.count - sent)
            }
            guard count > 0 else { throw RedisError(.unavailable, "the server has closed the connection") }
            sent += count
        }
    }

    private func receive() throws {
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe read(file, $0.baseAddress, $0.count) }
        guard count > 0 else { throw RedisError(.unavailable, "the server has closed the connection") }
        try unsafe bytes.withUnsafeBytes {
            try unsafe reader.feed(UnsafeRawBufferPointer(rebasing: $0[..<count]))
        }
    }
}
