/// One optimistic transaction on a connection that nobody else uses meanwhile.
package struct WatchedTransaction<Abandoned: Sendable> {
    /// Sends commands in one piece over that connection, and waits for their replies.
    package typealias Exchange = ([RedisCommand]) async throws(RedisError) -> [RESPValue]

    let keys: [String]
    let reads: [RedisCommand]

    package init(keys: [String], reads: [RedisCommand]) {
        self.keys = keys
        self.reads = reads
    }

    /// WATCH and the reads. One round trip.
    ///
    /// - Parameters:
    ///   - isFirst: The connection is new. Then an empty transaction goes before: were MULTI refused, as a
    ///     user's rights can have it, the commands behind it would be carried out one by one and unguarded.
    ///   - isOutOfTime: Whether the caller's time limit has passed.
    /// - Throws: Never `.outcomeUnknown`: nothing was written. An error reply is `.refused`.
    package func read(
        isFirst: Bool, isOutOfTime: () -> Bool, over exchange: Exchange
    ) async throws(RedisError) -> [RESPValue] {
        let trial = isFirst ? [RedisCommand("MULTI"), RedisCommand("EXEC")] : []
        let watch = trial + (keys.isEmpty ? [] : [RedisCommand("WATCH", keys)])
        guard !(watch + reads).isEmpty else { return [] }
        let replies: [RESPValue]
        do throws(RedisError) {
            replies = try await exchange(watch + reads)
        } catch {
            switch error.code {
            case .outcomeUnknown, .protocolViolation:
                let unwritten = RedisError(
                    isOutOfTime() ? .timedOut : .unavailable, error.context, commandsSent: readCommands)
                throw error.isOfLostConnection ? unwritten.ofLostConnection : unwritten
            case .unavailable, .timedOut, .cancelled, .refused:
                throw error.ofPiece(of: readCommands)
            }
        }
        try throwFirstError(in: replies, of: readCommands)
        return Array(replies.dropFirst(watch.count))
    }

    /// MULTI, the commands and EXEC. One round trip. When it returns or throws `.refused`, the server
    /// keeps nothing of the transaction.
    ///
    /// - Throws: As `send`. The error of a command that could not be queued goes before EXEC's own,
    ///   because it tells the reason.
    package func commit(
        _ commands: [RedisCommand], over exchange: Exchange
    ) async throws(RedisError) -> RedisTransactionOutcome<Abandoned> {
        let all = [RedisCommand("MULTI")] + commands + [RedisCommand("EXEC")]
        let replies: [RESPValue]
        do throws(RedisError) {
            replies = try await exchange(all)
        } catch {
            throw error.after(sending: readCommands)
        }
        let sent = readCommands + all.count
        if let refusal = replies[0].error, replies.dropFirst().contains(where: { $0.error == nil }) {
            throw RedisError(
                .outcomeUnknown, "MULTI was refused (\(refusal.message)), and what followed was carried out",
                commandsSent: sent)
        }
        try throwFirstError(in: replies, of: sent)
        switch replies.last {
        case .array(let results)?:
            try throwFirstError(in: results, of: sent)
            return .committed(results)
        case .null?:
            return .conflict
        default:
            throw RedisError(
                .protocolViolation, "EXEC was answered with neither a list nor nothing", commandsSent: sent)
        }
    }

    /// Whether something has to be ended when nothing is committed.
    package var watches: Bool { !keys.isEmpty }

    /// WATCH and the reads; the trial on a new connection is the client's own.
    private var readCommands: Int { (keys.isEmpty ? 0 : 1) + reads.count }

    private func throwFirstError(in replies: [RESPValue], of commands: Int) throws(RedisError) {
        for reply in replies {
            if case .error(let error) = reply { throw RedisError.refused(error).ofPiece(of: commands) }
        }
    }
}
