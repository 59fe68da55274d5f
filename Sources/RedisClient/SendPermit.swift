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

    package static let refusal = "what allowed it was over before it was sent"
}
