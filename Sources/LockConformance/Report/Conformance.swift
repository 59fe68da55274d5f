/// Holds locks to clauses.
public enum Conformance: Sendable {
    /// Judges every lock by every clause, a few at the same time.
    ///
    /// Needs `redis-server` (REDIS_BIN, or in PATH). Ends with what is done when the task is cancelled.
    ///
    /// - Parameters:
    ///   - locks: What is judged.
    ///   - clauses: What each of them is held to.
    ///   - atOnce: Clauses that are judged at the same time; each waits most of its time.
    ///   - finished: Told of each finding, in the order in which they come.
    /// - Returns: The findings, lock by lock, in the order of the clauses.
    public static func judge(
        _ locks: [LockUnderTest], by clauses: [Clause] = Clause.all, atOnce: Int = 4,
        finished: @escaping @Sendable (Finding) -> Void = { _ in }
    ) async -> [Finding] {
        let jobs = locks.flatMap { lock in clauses.map { (lock: lock, clause: $0) } }
        let next = IndexQueue(jobs.count)
        let found = await withTaskGroup(of: [(Int, Finding)].self) { group in
            for _ in 0..<max(atOnce, 1) {
                group.addTask {
                    var found: [(Int, Finding)] = []
                    while !Task.isCancelled, let number = next.take() {
                        let finding = await jobs[number].clause.judge(jobs[number].lock)
                        guard !Task.isCancelled else { break }
                        finished(finding)
                        found.append((number, finding))
                    }
                    return found
                }
            }
            return await group.reduce(into: []) { $0 += $1 }
        }
        return found.sorted { $0.0 < $1.0 }.map(\.1)
    }
}
