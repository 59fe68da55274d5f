/// Runs work that must come to its end although the caller's task was cancelled.
///
/// The work is not cancelled with the caller, and the caller waits for it, so nothing outlives the call. It
/// has to be bounded: by the time limits of Redis, or by those of the ledger.
package func uncancelled<Value: Sendable>(_ work: @escaping @Sendable () async -> Value) async -> Value {
    await Task(executorPreference: preferredExecutor()) { await work() }.value
}

/// The same for work that says what it cost; the cost is added to `evidence`.
func uncancelled<Value: Sendable>(
    _ evidence: inout Evidence, _ work: @escaping @Sendable (_ cost: inout Evidence) async -> Value
) async -> Value {
    let (value, cost) = await uncancelled {
        var cost = Evidence()
        let value = await work(&cost)
        return (value, cost)
    }
    evidence = evidence + cost
    return value
}
