import NIOCore
import Synchronization

/// Commands that are sent in one piece, and the caller who waits for their replies.
///
/// Whoever ends it first wins: the replies, a failure, a cancellation of the caller. It is no ``Completion``,
/// whose type has a parameter: copying its state would look up types in the runtime with every command.
final class PendingCommand: Sendable {
    typealias Outcome = Result<[RESPValue], RedisError>

    /// Who is told how it ended.
    private enum Waiter: Sendable {
        case nobodyYet
        case task(CheckedContinuation<Outcome, Never>)
        /// On the connection's event loop.
        case closure(@Sendable (Outcome) -> Void)
    }

    private enum State: Sendable {
        case open(Waiter)
        /// Nobody has taken the outcome yet.
        case ended(Outcome)
        case taken
    }

    private struct Progress: Sendable {
        var state: State
        var isSent = false
    }

    let commands: [RedisCommand]
    let deadline: NIODeadline
    /// Of the task that sends them.
    private let permit = SendPermit.isValid
    private let progress: Mutex<Progress>

    /// - Parameter then: Takes the outcome from whoever ends it, instead of a task that waits.
    init(
        _ commands: [RedisCommand], deadline: NIODeadline, then: (@Sendable (Outcome) -> Void)? = nil
    ) {
        self.commands = commands
        self.deadline = deadline
        progress = Mutex(Progress(state: .open(then.map { .closure($0) } ?? .nobodyYet)))
    }

    /// Waits for the replies; a cancelled task gets its error at once. To be called once, and not where a
    /// closure takes them.
    func replies() async throws(RedisError) -> [RESPValue] {
        let outcome = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if let early = wait(continuation) { continuation.resume(returning: early) }
            }
        } onCancel: {
            cancel()
        }
        do throws(RedisError) {
            return try outcome.get()
        } catch {
            throw error.ofPiece(of: commands.count)
        }
    }

    /// - Returns: The outcome, when it is there already.
    private func wait(_ continuation: CheckedContinuation<Outcome, Never>) -> Outcome? {
        progress.withLock { progress in
            if case .ended(let outcome) = progress.state {
                progress.state = .taken
                return outcome
            }
            progress.state = .open(.task(continuation))
            return nil
        }
    }

    private func cancel() {
        let wasSent = isSent
        fail(
            RedisError(
                .cancelled, wasSent ? "cancelled after it was sent" : "cancelled before it was sent",
                commandsSent: wasSent ? 1 : 0))
    }

    private var isSent: Bool { progress.withLock(\.isSent) }

    /// Whether they may still be sent; see ``SendPermit``.
    var isPermitted: Bool { permit?() ?? true }

    /// Moves on to being sent; false when nobody waits any more, and then it must not be written.
    ///
    /// A cancellation may still come between this call and the write. It then says "before it was sent" of
    /// a command that is sent after all, and for that reason `.cancelled` promises nothing.
    func markSent() -> Bool {
        progress.withLock { progress in
            progress.isSent = true
            if case .open = progress.state { return true }
            return false
        }
    }

    func succeed(_ replies: [RESPValue]) { end(.success(replies)) }

    func fail(_ error: RedisError) { end(.failure(error)) }

    /// Fails with what a lost connection or a passed time limit means at this stage.
    func abandon(_ reason: String, unsent: RedisError.Code) {
        fail(RedisError(isSent ? .outcomeUnknown : unsent, reason))
    }

    private func end(_ outcome: Outcome) {
        let waiter: Waiter? = progress.withLock { progress in
            guard case .open(let waiter) = progress.state else { return nil }
            progress.state = if case .nobodyYet = waiter { .ended(outcome) } else { .taken }
            return waiter
        }
        switch waiter {
        case .task(let continuation): continuation.resume(returning: outcome)
        case .closure(let then): then(outcome)
        case .nobodyYet, nil: break
        }
    }
}
