/// What a strategy answers when it could answer.
public struct ReserveOutcome: Sendable, Equatable {
    /// What was decided.
    public enum Decision: Sendable, Equatable {
        /// The units are taken. `remaining` is the stock after the step, of the bucket where it is divided;
        /// `fence` rises with each grant.
        case reserved(remaining: Int, fence: Fence?)
        /// Fewer units than asked were left; nothing was taken.
        case soldOut(remaining: Int)
        /// The lock was not obtained before the deadline or within the retry budget; nothing was taken.
        case contended
        /// Nothing was taken: the transaction that records the purchase takes the units, or says sold out.
        case leftToLedger
    }

    /// What was decided.
    public let decision: Decision
    /// What the call cost.
    public let evidence: Evidence
    /// Epoch of the stock from which units were taken; nil where nobody keeps count of fillings.
    public let epoch: StockEpoch?

    /// Each parameter is the property of that name.
    public init(_ decision: Decision, evidence: Evidence, epoch: StockEpoch? = nil) {
        self.decision = decision
        self.evidence = evidence
        self.epoch = epoch
    }
}
