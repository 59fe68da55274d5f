import Synchronization

/// Holds the breaker of one server, or lets everything through where there is none.
final class Circuit: Sendable {
    /// Commands that finish what was begun are sent also to a server that is left alone.
    @TaskLocal static var isFinishing = false

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
        if !Self.isFinishing, breaker.withLock({ $0?.refuses(at: .now) ?? false }) { throw refusal }
    }

    /// Asks for a call to the server. Who gets a ticket brings it back with ``leave(_:after:)``.
    ///
    /// - Returns: nil: there is no breaker.
    /// - Throws: `.unavailable`, at once and with nothing sent, while the server is left alone.
    func enter() throws(RedisError) -> CircuitBreaker.Ticket? {
        if Self.isFinishing { return breaker.withLock { $0?.admitAlways() } }
        switch breaker.withLock({ $0?.admit(at: .now) }) {
        case nil: return nil
        case .admitted(let ticket): return ticket
        case .refused: throw refusal
        }
    }

    /// - Parameter error: How the call failed; nil: it was answered.
    func leave(_ ticket: CircuitBreaker.Ticket?, after error: RedisError?) {
        guard let ticket else { return }
        let outcome = error.map { CircuitBreaker.Outcome($0) } ?? .replied
        // Only a failure begins a pause, and chance is a call of the system.
        let jitter = error == nil ? 0 : Double.random(in: 0...1)
        breaker.withLock { $0?.note(outcome, of: ticket, at: .now, jitter: jitter) }
    }

    /// Makes a call to the server, if it may be asked.
    ///
    /// - Throws: As ``enter()``, or what the call throws.
    func run<Value: Sendable>(
        _ call: () async throws(RedisError) -> Value
    ) async throws(RedisError) -> Value {
        let ticket = try enter()
        do throws(RedisError) {
            let value = try await call()
            leave(ticket, after: nil)
            return value
        } catch {
            leave(ticket, after: error)
            throw error
        }
    }

    private var refusal: RedisError {
        RedisError(
            .unavailable, "\(server) did not answer several calls in a row and is left alone for a moment")
    }
}

extension CircuitBreaker.Outcome {
    fileprivate init(_ error: RedisError) {
        self =
            switch error.code {
            case .refused, .protocolViolation: .replied
            case .unavailable, .timedOut, .outcomeUnknown:
                error.reply != nil ? .replied : error.isOfLostConnection ? .lost : .silent
            case .cancelled: .untold
            }
    }
}
