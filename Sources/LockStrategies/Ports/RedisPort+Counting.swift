import RedisClient

/// Calls that add to the evidence what they sent, whatever becomes of them. So nobody who sends has to know
/// how many commands a call takes: the port says it, in its reply or in its error.
extension RedisPort {
    func send(_ command: RedisCommand, _ evidence: inout Evidence) async throws(RedisError) -> RESPValue {
        do throws(RedisError) {
            let reply = try await send(command)
            evidence.commandsSent += 1
            return reply
        } catch {
            evidence.commandsSent += error.commandsSent
            throw error
        }
    }

    /// - Returns: What the script returned.
    func run(
        _ script: RedisScript, keys: [String], arguments: [String], _ evidence: inout Evidence
    ) async throws(RedisError) -> RESPValue {
        do throws(RedisError) {
            let reply = try await run(script, keys: keys, arguments: arguments)
            evidence.commandsSent += reply.commandsSent
            return reply.value
        } catch {
            evidence.commandsSent += error.commandsSent
            throw error
        }
    }

    func subscribe(
        to channel: String, _ evidence: inout Evidence,
        onEvent: @escaping @Sendable (RedisSubscriptionEvent) -> Void
    ) async throws(RedisError) -> RedisSubscription {
        do throws(RedisError) {
            let subscription = try await subscribe(to: channel, onEvent: onEvent)
            evidence.commandsSent += 1
            return subscription
        } catch {
            evidence.commandsSent += error.commandsSent
            throw error
        }
    }
}
