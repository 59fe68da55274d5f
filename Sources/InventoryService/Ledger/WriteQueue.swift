/// Who waits for the ledger's writer, first come first served: bounded in length and in waiting time.
package struct WriteQueue<Job> {
    package typealias Instant = ContinuousClock.Instant

    private struct Entry {
        let job: Job
        let deadline: Instant
    }

    private let limit: Int
    private let patience: Duration
    private var entries: [Entry] = []

    package init(limit: Int, patience: Duration) {
        self.limit = limit
        self.patience = patience
    }

    package var count: Int { entries.count }

    package var isEmpty: Bool { entries.isEmpty }

    /// When the one who waits longest has waited long enough.
    package var nextDeadline: Instant? { entries.first?.deadline }

    /// - Returns: False when the queue is full; nothing was added then.
    package mutating func add(_ job: Job, at now: Instant) -> Bool {
        guard entries.count < limit else { return false }
        entries.append(Entry(job: job, deadline: now + patience))
        return true
    }

    /// Takes out up to `count` jobs, oldest first.
    package mutating func take(_ count: Int) -> [Job] {
        guard entries.count > count else {
            defer { entries = [] }
            return entries.map(\.job)
        }
        defer { entries.removeFirst(count) }
        return entries.prefix(count).map(\.job)
    }

    /// Takes out those who have waited long enough.
    package mutating func expire(at now: Instant) -> [Job] {
        // All wait for the same time, so the deadlines are in order.
        let expired = entries.prefix { $0.deadline <= now }.map(\.job)
        entries.removeFirst(expired.count)
        return expired
    }
}
