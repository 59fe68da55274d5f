import BenchLoad
import BenchModel
import InventoryService
import LockStrategies

extension DirectAnswer {
    /// What the service answered, or could not.
    init(_ result: Result<PurchaseReport, InventoryError>) {
        switch result {
        case .success(let report):
            self.init(
                outcome: BuyerOutcome(report.outcome.kind), timing: ServerTiming(report.timings))
        case .failure(let error):
            self.init(
                outcome: BuyerOutcome(error.code),
                timing: error.timings.map { ServerTiming($0) } ?? ServerTiming())
        }
    }
}

extension BuyerOutcome {
    /// The same words as over HTTP, so that both modes read alike.
    init(_ kind: PurchaseOutcome.Kind) {
        switch kind {
        case .purchased, .repeated: self = .success
        case .soldOut: self = .soldOut
        case .contended: self = .contended
        case .oversellRefused: self = .oversellRefused
        case .limitReached, .productNotFound: self = .other
        }
    }

    /// `unavailable` where lab-server answers 503, `other` where it answers anything else.
    init(_ code: InventoryError.Code) {
        switch code {
        case .ledgerUnavailable, .ledgerOverloaded, .ledgerFull, .recordUnknown, .hashingOverloaded,
            .redisUnavailable, .redisRefused, .outcomeUnknown, .stockUnknown, .stockReplaced,
            .reservationEnded, .leaseLost, .cancelled:
            self = .unavailable
        case .invalidField, .unknownUser, .invalidToken, .idempotencyMismatch, .cryptoFailed,
            .databaseUnusable, .databaseLocked, .schemaTooNew, .unsafeConfiguration:
            self = .other
        }
    }
}

extension ServerTiming {
    /// The service's own account, without the way through a header.
    init(_ timings: PurchaseTimings) {
        self.init()
        let evidence = timings.evidence
        waitMicroseconds = Self.microseconds(evidence.waited)
        holdMicroseconds = Self.microseconds(evidence.held)
        redisMicroseconds = Self.microseconds(timings.redis)
        sqlMicroseconds = Self.microseconds(timings.sql)
        attempts = UInt64(max(evidence.attempts, 0))
        commands = UInt64(max(evidence.commandsSent, 0))
    }

    /// Rounded down, as lab-server does.
    private static func microseconds(_ duration: Duration) -> UInt64 {
        let (seconds, attoseconds) = duration.components
        return UInt64(max(0, seconds * 1_000_000 + attoseconds / 1_000_000_000_000))
    }
}
