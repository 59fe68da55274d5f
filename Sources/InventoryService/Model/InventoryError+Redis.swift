import LockStrategies
import RedisClient

extension InventoryError {
    /// The meaning of a failed Redis command for a purchase.
    init(_ error: RedisError, during step: String, file: String = #fileID, line: Int = #line) {
        let code: Code =
            switch error.code {
            case .unavailable, .timedOut: .redisUnavailable
            case .outcomeUnknown, .protocolViolation: .outcomeUnknown
            case .cancelled: .cancelled
            case .refused: .redisRefused
            }
        self.init(code, "\(step) failed", underlying: error, file: file, line: line)
    }

    /// The meaning of a failed reservation.
    init(_ error: StrategyError, timings: PurchaseTimings, file: String = #fileID, line: Int = #line) {
        let code: Code
        let sentence: String
        switch error.code {
        case .unavailable, .timedOut:
            (code, sentence) = (.redisUnavailable, "Redis could not be reached; nothing was taken")
        case .lockUnavailable:
            // The locks are where the ledger is.
            (code, sentence) = (
                .ledgerUnavailable, "the lock in the database could not be asked for; nothing was taken"
            )
        case .outcomeUnknown:
            (code, sentence) = (.outcomeUnknown, "the answer of Redis was lost; the purchase was not made")
        case .cancelled:
            (code, sentence) = (.cancelled, "the request was cancelled before the purchase was made")
        case .refused:
            (code, sentence) = (.redisRefused, "Redis refused the reservation; nothing was taken")
        case .notStocked, .invalidStock:
            (code, sentence) = (.stockUnknown, "the stock of this product is not known at the moment")
        case .invalidRequest:
            (code, sentence) = (.invalidField, "the quantity cannot be reserved")
        case .leaseLost:
            (code, sentence) = (.leaseLost, "the lock ended before the stock was taken; nothing was taken")
        case .stockReplaced:
            (code, sentence) = (.stockReplaced, "the stock was filled anew meanwhile; nothing was taken")
        case .reservationEnded:
            (code, sentence) = (.reservationEnded, "the reservation was returned before; nothing was taken")
        }
        self.init(
            code, sentence, field: code == .invalidField ? "quantity" : nil, underlying: error,
            timings: timings, file: file, line: line)
    }
}
