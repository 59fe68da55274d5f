import NIOCore
import Synchronization

/// Commands that are sent in one piece, and the caller who waits for their replies.
final class PendingCommand: Sendable {
    private enum Stage {
        case queued
        case sent
    }

    let commands: [RedisCommand]
    let deadline: NIODeadline
    /// Of the task that sends them.
    private let permit = SendPermit.isValid
    private let stage = Mutex(Stage.queued)
    private let completion: Completion<[RESPValue]>

    /// - Parameter then: Takes the replies on the connection's event loop, instead of a task that waits.
    init(_ commands: [RedisCommand], deadline: NIODeadline, then: Completion<[RESPValue]>.Then? = nil) {
        self.commands = commands
        self.deadline = deadline
        completion = Completion(then: then)
    }

    func replies() async throws(RedisError) -> [RESPValue] {
        do throws(RedisError) {
            return try await completion.value { [self] in
                let wasSent = stage.withLock { $0 == .sent }
                return RedisError(
                    .cancelled, wasSent ? "cancelled after it was sent" : "cancelled before it was sent",
                    commandsSent: wasSent ? 1 : 0)
            }
        } catch {
            throw error.ofPiece(of: commands.count)
        }
    }

    /// Whether they may still be sent; see ``SendPermit``.
    var isPermitted: Bool { permit?() ?? true }

    /// Moves on to being sent; false when nobody waits any more, and then it must not be written.
    ///
    /// A cancellation may still come between this call and the write. It then says "before it was sent" of
    /// a command that is sent after all, and for that reason `.cancelled` promises nothing.
    func markSent() -> Bool {
        stage.withLock { $0 = .sent }
        return !completion.isFinished
    }

    func succeed(_ replies: [RESPValue]) {
        completion.finish(.success(replies))
    }

    func fail(_ error: RedisError) {
        completion.finish(.failure(error))
    }

    /// Fails with what a lost connection or a passed time limit means at this stage.
    func abandon(_ reason: String, unsent: RedisError.Code) {
        let wasSent = stage.withLock { $0 == .sent }
        fail(RedisError(wasSent ? .outcomeUnknown : unsent, reason))
    }
}
