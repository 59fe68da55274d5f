/// What allows the commands of a task to leave, beside the time limit of each. It is asked last of all: right
/// before a command is written to its connection, behind every wait for one, and once more before the text of
/// a script follows its digest.
///
/// Whoever has looked at a lease and then writes may wait longer than the lease lasts: for a connection, for
/// the event loop, for the server's word that it does not know a script. A look before the call is not
/// enough. A command that may not leave ends with `.timedOut`: it was not sent.
package enum SendPermit {
    /// Nil: everything may leave. Called on any thread; must not block.
    @TaskLocal package static var isValid: (@Sendable () -> Bool)?

    /// Whether the current task's commands may leave now.
    package static var isGranted: Bool { isValid?() ?? true }

    /// Asks now, stands still, and lets the call leave without another question: so a process behaves that is
    /// stopped between its last look and the write.
    ///
    /// - Parameter stall: What happens in between.
    /// - Throws: `.timedOut` when the call may not leave now; else what the call throws.
    package static func stalling<Value: Sendable>(
        _ stall: () async -> Void, _ call: () async throws(RedisError) -> Value
    ) async throws(RedisError) -> Value {
        guard isGranted else { throw RedisError(.timedOut, refusal) }
        await stall()
        let result = await $isValid.withValue(nil) {
            do throws(RedisError) {
                return Result<Value, RedisError>.success(try await call())
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// Tells when the commands of `calls` are written to their connections, or are about to be: right before
    /// each, on any thread.
    package static func noting<Value: Sendable>(
        _ written: @escaping @Sendable () -> Void, _ calls: () async -> Value
    ) async -> Value {
        let outer = isValid
        let asked: @Sendable () -> Bool = {
            guard outer?() ?? true else { return false }
            written()
            return true
        }
        return await $isValid.withValue(asked) { await calls() }
    }

    /// For calls that clean up behind what was allowed: they may leave whatever became of it.
    package static func lifted<Value: Sendable>(_ calls: () async -> Value) async -> Value {
        await $isValid.withValue(nil) { await calls() }
    }

    package static let refusal = "what allowed it was over before it was sent"
}
