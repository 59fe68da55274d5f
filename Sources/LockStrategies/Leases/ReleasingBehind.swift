/// A lock whose release may go on behind the answer, in a ``FinishingQueue``: nothing of the answer depends
/// on what becomes of it.
package protocol ReleasingBehind: LeaseLock {
    /// Begins to give the lock back, and does not wait for it.
    ///
    /// - Parameters:
    ///   - lease: What the acquisition returned.
    ///   - evidence: Gets a command for each server that is told. Whether the lease had ended is not said.
    /// - Returns: False when there is no queue, or when it takes no more: nothing was begun.
    func releaseBehind(_ lease: Lease, _ evidence: inout Evidence) -> Bool
}
