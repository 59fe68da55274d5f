import NIOCore

/// One optimistic transaction on a connection that nobody else uses meanwhile.
struct WatchedTransaction<Abandoned: Sendable> {
    let keys: [String]
    let reads: [RedisCommand]
    let deadline: NIODeadline

    /// WATCH and the reads. One round trip.
    ///
    /// - Parameter isFirst: The connection is new. Then an empty transaction goes before: were MULTI refused,
    ///   as a user's rights can have it, the commands behind it would be carried out one by one and
    ///   unguarded.
    /// - Throws: Never `.outcomeUnknown`: nothing was written. An error reply is `.refused`.
    func read(
        over connection: RedisConnection, isFirst: Bool
    ) async throws(RedisError) -> [RESPValue] {
        let trial = isFirst ? [RedisCommand("MULTI"), RedisCommand("EXEC")] : []
        let watch = trial + (keys.isEmpty ? [] : [RedisCommand("WATCH", keys)])
        guard !(watch + reads).isEmpty else { return [] }
        let replies: [RESPValue]
        do throws(RedisError) {
            replies = try await connection.exchange(watch + reads, before: deadline)
        } catch {
            switch error.code {
            case .outcomeUnknown, .protocolViolation:
                let unwritten = RedisError(deadline <= .now() ? .timedOut : .unavailable, error.context)
                throw error.isOfLostConnection ? unwritten.ofLostConnection : unwritten
            case .unavailable, .timedOut, .cancelled, .refused:
                throw error
            }
        }
        try Self.throwFirstError(in: replies)
        return Array(replies.dropFirst(watch.count))
    }

    /// MULTI, the commands and EXEC. One round trip. When it returns or throws `.refused`, the server
    /// keeps nothing of the transaction.
    ///
    /// - Throws: As `send`. The error of a command that could not be queued goes before EXEC's own,
    ///   because it tells the reason.
    func commit(
        _ commands: [RedisCommand], over connection: RedisConnection
    ) async throws(RedisError) -> RedisTransactionOutcome<Abandoned> {
        let all = [RedisCommand("MULTI")] + commands + [RedisCommand("EXEC")]
        let replies = try await connection.exchange(all, before: deadline)
        if let refusal = replies[0].error, replies.dropFirst().contains(where: { $0.error == nil }) {
            throw RedisError(
                .outcomeUnknown, "MULTI was refused (\(refusal.message)), and what followed was carried out")
        }
        try Self.throwFirstError(in: replies)
        switch replies.last {
        case .array(let results)?:
            try Self.throwFirstError(in: results)
            return .committed(results)
        case .null?:
            return .conflict
        default:
            throw RedisError(.protocolViolation, "EXEC was answered with neither a list nor nothing")
        }
    }

    /// Ends the WATCH without waiting: the connection keeps the order, so whoever has it next comes after.
    func unwatch(over connection: RedisConnection) {
        guard !keys.isEmpty else { return }
        connection.enqueue(PendingCommand([RedisCommand("UNWATCH")], deadline: .distantFuture))
    }

    private static func throwFirstError(in replies: [RESPValue]) throws(RedisError) {
        for reply in replies {
            if case .error(let error) = reply { throw .refused(error) }
        }
    }
}
