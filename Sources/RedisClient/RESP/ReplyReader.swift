import CHiredis

/// hiredis' reply parser: bytes in, Swift values out.
///
/// Owns the C reader; used on one event loop only. hiredis limits the depth of a reply itself (7 levels in
/// 0.14.1); the number of bytes that one reply may take is limited here.
@safe struct ReplyReader: ~Copyable {
    enum Failure: Error, Equatable {
        case malformed(String)
        case tooLarge(limit: Int)
    }

    private let reader: UnsafeMutablePointer<redisReader>
    private let maximumReplyBytes: Int
    private var bytesSinceReply = 0

    init(maximumReplyBytes: Int) {
        guard let reader = unsafe redisReaderCreate() else {
            preconditionFailure("hiredis could not allocate a reader")
        }
        unsafe self.reader = reader
        self.maximumReplyBytes = maximumReplyBytes
    }

    deinit {
        unsafe redisReaderFree(reader)
    }

    /// Takes bytes from the connection; `next()` yields the replies that they complete.
    mutating func feed(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
        guard let base = bytes.baseAddress else { return }
        bytesSinceReply += bytes.count
        guard bytesSinceReply <= maximumReplyBytes else { throw .tooLarge(limit: maximumReplyBytes) }
        let status = unsafe redisReaderFeed(reader, base.assumingMemoryBound(to: CChar.self), bytes.count)
        guard status == REDIS_OK else { throw problem() }
    }

    /// The next complete reply, or nil until more bytes have come.
    mutating func next() throws(Failure) -> RESPValue? {
        var raw: UnsafeMutableRawPointer?
        guard unsafe redisReaderGetReply(reader, &raw) == REDIS_OK else { throw problem() }
        guard let raw = unsafe raw else { return nil }
        defer { unsafe freeReplyObject(raw) }
        bytesSinceReply = 0
        return unsafe Self.value(of: raw.assumingMemoryBound(to: redisReply.self).pointee)
    }

    private func problem() -> Failure {
        let message = unsafe withUnsafePointer(to: reader.pointee.errstr) { pointer in
            unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 128) { unsafe String(cString: $0) }
        }
        return .malformed(message)
    }

    private static func value(of reply: redisReply) -> RESPValue {
        switch unsafe reply.type {
        case REDIS_REPLY_INTEGER:
            return .integer(unsafe reply.integer)
        case REDIS_REPLY_STRING:
            return .bulkString(unsafe bytes(of: reply))
        case REDIS_REPLY_STATUS:
            return .simpleString(String(decoding: unsafe bytes(of: reply), as: UTF8.self))
        case REDIS_REPLY_ERROR:
            return .error(RedisServerError(message: String(decoding: unsafe bytes(of: reply), as: UTF8.self)))
        case REDIS_REPLY_ARRAY:
            return .array(
                unsafe (0..<Int(reply.elements)).map { index in
                    guard let element = unsafe reply.element[index] else { return .null }
                    return unsafe value(of: element.pointee)
                })
        default:
            return .null
        }
    }

    private static func bytes(of reply: redisReply) -> [UInt8] {
        guard let text = unsafe reply.str else { return [] }
        return unsafe Array(UnsafeRawBufferPointer(start: text, count: Int(reply.len)))
    }
}
