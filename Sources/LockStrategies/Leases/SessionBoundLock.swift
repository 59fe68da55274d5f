/// A lock that this process can lose before its lease ends, and that hears of it.
package protocol SessionBoundLock: LeaseLock {
    /// False as soon as this process can know that the lock is lost: nothing may be written under it any
    /// more. It is cheap and waits for nothing.
    func isHeld(_ lease: Lease) -> Bool
}
