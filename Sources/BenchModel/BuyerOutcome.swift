/// How one purchase ended, as the buyer sees it.
package enum BuyerOutcome: String, Sendable, Codable, CaseIterable {
    /// 200.
    case success
    /// 400, `/problems/sold-out`.
    case soldOut = "sold-out"
    /// 400, `/problems/oversell-refused`: the strategy let it pass and the ledger did not.
    case oversellRefused = "oversell-refused"
    /// 409: the lock was not obtained in time.
    case contended
    /// 503: Redis or the ledger out of reach. The purchase may have happened.
    case unavailable
    /// Any other answer.
    case other
    /// The request was sent and no whole answer came. The purchase may have happened.
    case transportError = "transport-error"

    /// - Parameter problem: The body of the answer; looked at for status 400 only.
    package init(status: Int, problem: @autoclosure () -> String) {
        switch status {
        case 200: self = .success
        case 400:
            let text = problem()
            if text.contains("problems/sold-out") || text.contains("problems\\/sold-out") {
                self = .soldOut
            } else if text.contains("oversell-refused") {
                self = .oversellRefused
            } else {
                self = .other
            }
        case 409: self = .contended
        case 503: self = .unavailable
        default: self = .other
        }
    }

    /// The buyer cannot know whether it was sold.
    package var isUnknown: Bool { self == .unavailable || self == .transportError }

    /// Place in arrays that hold one value for each outcome.
    package var index: Int {
        switch self {
        case .success: 0
        case .soldOut: 1
        case .oversellRefused: 2
        case .contended: 3
        case .unavailable: 4
        case .other: 5
        case .transportError: 6
        }
    }
}
