/// Each type of problem that the API has: its title, and the explanation that its address answers with.
enum ProblemKind: String, Sendable, CaseIterable {
    case invalidField = "invalid-field"
    case unauthorized
    case forbidden
    case taken
    case tooManyAttempts = "too-many-attempts"
    case userNotFound = "user-not-found"
    case productNotFound = "product-not-found"
    case soldOut = "sold-out"
    case oversellRefused = "oversell-refused"
    case userLimit = "user-limit"
    case contended
    case belowZero = "below-zero"
    case tooManyUnits = "too-many-units"
    case idempotencyMismatch = "idempotency-mismatch"
    case tookTooLong = "took-too-long"
    case overloaded
    case ledgerUnavailable = "ledger-unavailable"
    case ledgerFull = "ledger-full"
    case recordUnknown = "record-unknown"
    case ledgerOverloaded = "ledger-overloaded"
    case hashingOverloaded = "hashing-overloaded"
    case redisUnavailable = "redis-unavailable"
    case redisRefused = "redis-refused"
    case outcomeUnknown = "outcome-unknown"
    case stockUnknown = "stock-unknown"
    case stockReplaced = "stock-replaced"
    case reservationEnded = "reservation-ended"
    case leaseLost = "lease-lost"
    case cancelled
    case internalError = "internal"

    /// What stands in `type`: an address at this server.
    var path: String { "/problems/" + rawValue }

    var title: String {
        switch self {
        case .invalidField: "A field of the request is wrong"
        case .unauthorized: "Sign in first"
        case .forbidden: "Not allowed"
        case .taken: "Already taken"
        case .tooManyAttempts: "Too many attempts"
        case .userNotFound: "User not found"
        case .productNotFound: "Product not found"
        case .soldOut: "Sold out"
        case .oversellRefused: "Sold out"
        case .userLimit: "More than one user may buy"
        case .contended: "Too many buyers at once"
        case .belowZero: "Not so many units"
        case .tooManyUnits: "Too many units"
        case .idempotencyMismatch: "The Idempotency-Key was used before"
        case .tookTooLong: "Not answered in time"
        case .overloaded: "Not available at the moment"
        case .internalError: "Internal error"
        case .ledgerUnavailable, .ledgerFull, .recordUnknown, .ledgerOverloaded, .hashingOverloaded,
            .redisUnavailable, .redisRefused, .outcomeUnknown, .stockUnknown, .stockReplaced,
            .reservationEnded, .leaseLost, .cancelled:
            "Not available at the moment"
        }
    }
}
