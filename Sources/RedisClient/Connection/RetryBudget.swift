/// How many calls may be repeated: a tenth of those that were made, and a reserve for a quiet server.
///
/// Keeps a failure from multiplying the load on what fails. Pure. Source of the idea: the token bucket for
/// retries of gRPC's proposal A6, "Client retries".
struct RetryBudget: Sendable {
    /// In tenths of a retry, so that sums are exact.
    private static let costOfRetry = 10
    private let most: Int
    private var tenths: Int

    /// - Parameter reserve: Retries that may be taken at once, at most.
    init(reserve: Int = 100) {
        most = reserve * Self.costOfRetry
        tenths = most
    }

    mutating func noteCall() {
        tenths = min(tenths + 1, most)
    }

    /// - Returns: False when there is none left: the failure is the caller's.
    mutating func takeRetry() -> Bool {
        guard tenths >= Self.costOfRetry else { return false }
        tenths -= Self.costOfRetry
        return true
    }
}
