public import LockStrategies

/// What a purchase ended with when it could be decided.
public enum PurchaseOutcome: Sendable, Equatable {
    /// On the disk, for good.
    case purchased(Purchase)
    /// The same purchase as an earlier one with this idempotency key; nothing was bought again.
    case repeated(Purchase)
    /// Fewer units are left than were asked for.
    case soldOut
    /// The lock was not obtained in time; nothing was taken.
    case contended
    /// Redis let the buyer through and the ledger did not: more would have been sold than was supplied.
    /// The strategy has failed, the customer was saved.
    case oversellRefused
    /// More units than one user may buy of the product; those bought before and those under way count.
    case limitReached
    case productNotFound

    /// The outcome without its purchase: the label of metrics and the row of tables.
    public enum Kind: String, Sendable, CaseIterable {
        case purchased
        case repeated
        case soldOut = "sold-out"
        case contended
        case oversellRefused = "oversell-refused"
        case limitReached = "user-limit"
        case productNotFound = "product-not-found"
    }

    /// The final refusal that an idempotency key keeps; nil for a purchase, for a lock that was not obtained,
    /// for the limit of a user, which another setting lifts, and for a product that does not exist: of those
    /// there are without end, and each record would cost a durable write.
    var refusal: PurchaseRefusal.Outcome? {
        switch self {
        case .soldOut: .soldOut
        case .oversellRefused: .oversellRefused
        case .purchased, .repeated, .contended, .limitReached, .productNotFound: nil
        }
    }

    public var kind: Kind {
        switch self {
        case .purchased: .purchased
        case .repeated: .repeated
        case .soldOut: .soldOut
        case .contended: .contended
        case .oversellRefused: .oversellRefused
        case .limitReached: .limitReached
        case .productNotFound: .productNotFound
        }
    }
}

/// The outcome of a purchase and what it cost.
public struct PurchaseReport: Sendable, Equatable {
    /// On the heap: each of the asynchronous calls that hand it on would have room for all of it, for each
    /// purchase that is under way.
    private final class Box: Sendable {
        let outcome: PurchaseOutcome
        let timings: PurchaseTimings

        init(_ outcome: PurchaseOutcome, _ timings: PurchaseTimings) {
            self.outcome = outcome
            self.timings = timings
        }
    }

    private let box: Box

    public var outcome: PurchaseOutcome { box.outcome }
    public var timings: PurchaseTimings { box.timings }

    init(outcome: PurchaseOutcome, timings: PurchaseTimings) {
        box = Box(outcome, timings)
    }

    public static func == (one: PurchaseReport, other: PurchaseReport) -> Bool {
        one.outcome == other.outcome && one.timings == other.timings
    }

    /// As the answer to a request that bought nothing itself.
    var repeated: PurchaseReport {
        guard case .purchased(let purchase) = outcome else { return self }
        return PurchaseReport(outcome: .repeated(purchase), timings: PurchaseTimings())
    }
}

/// Where the time of one purchase went, and under which id.
public struct PurchaseTimings: Sendable, Equatable {
    /// Under what Redis, the ledger and the log hold the purchase; nil when nothing was reserved.
    public var reservation: ReservationID?
    /// What the strategy did.
    public var evidence: Evidence
    /// From the call of the strategy to its answer, and ending the reservation afterwards.
    public var redis: Duration
    /// Waiting for the ledger: the queue, the transaction, its commit.
    public var sql: Duration

    public init(
        reservation: ReservationID? = nil, evidence: Evidence = Evidence(), redis: Duration = .zero,
        sql: Duration = .zero
    ) {
        self.reservation = reservation
        self.evidence = evidence
        self.redis = redis
        self.sql = sql
    }
}
