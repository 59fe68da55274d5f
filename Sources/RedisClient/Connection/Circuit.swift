import Synchronization

/// Holds the breaker of one server, or lets everything through where there is none.
final class Circuit: Sendable {
    private let breaker: Mutex<CircuitBreaker?>
    private let server: String

    /// - Parameter server: Its name in what a refused caller reads.
    init(_ policy: RedisClient.CircuitPolicy?, server: String) {
        breaker = Mutex(policy.map { CircuitBreaker($0) })
        self.server = server
    }

    var isOpen: Bool { breaker.withLock { $0?.isOpen ?? false } }

    /// - Throws: `.unavailable` while the server is left alone and nobody shall try it yet.
    func check() throws(RedisError) {
        if breaker.withLock({ $0?.refuses(at: .now) ?? false }) { throw refusal }
    }

    private var refusal: RedisError {
        RedisError(
            .unavailable, "\(server) did not answer several calls in a row and is left alone for a moment")
    }

    /// Runs a call to the server, if it may be asked.
    ///
    /// - Throws: `.unavailable`, at once and with nothing sent, while the server is left alone.
    func run<Value: Sendable>(
        _ call: () async throws(RedisError) -> Value
    ) async throws(RedisError) -> Value {
        let ticket: CircuitBreaker.Ticket
        switch breaker.withLock({ $0?.admit(at: .now) }) {
        case nil:
            return try await call()
        case .refused:
            throw refusal
        case .admitted(let admitted):
            ticket = admitted
        }
        do throws(RedisError) {
            let value = try await call()
            note(.replied, ticket)
            return value
        } catch {
            note(CircuitBreaker.Outcome(error), ticket)
            throw error
        }
    }

    private func note(_ outcome: CircuitBreaker.Outcome, _ ticket: CircuitBreaker.Ticket) {
        let jitter = Double.random(in: 0...1)
        breaker.withLock { $0?.note(outcome, of: ticket, at: .now, jitter: jitter) }
    }
}

extension CircuitBreaker.Outcome {
    fileprivate init(_ error: RedisError) {
        self =
            switch error.code {
            case .refused, .protocolViolation: .replied
            case .unavailable, .timedOut, .outcomeUnknown: error.reply == nil ? .silent : .replied
            case .cancelled: .untold
            }
    }
}
