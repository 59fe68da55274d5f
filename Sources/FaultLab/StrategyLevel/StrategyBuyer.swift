package import FaultAudit
package import LockStrategies
import RedisClient

/// Buys through a strategy alone, without HTTP and ledger, and says each step.
package struct StrategyBuyer<Redis: RedisPort, C: MonotonicClock>: Sendable {
    /// The one product that all buy.
    package static var product: ProductID { ProductID(1) }

    private let strategy: any LockStrategy
    private let stock: ProductStock<Redis>
    private let clock: C
    private let random: RandomSource
    private let patience: Duration
    private let steps: StepNotes
    /// All units of the stock are in one place.
    private let hasOnePlace: Bool

    /// - Parameters:
    ///   - strategy: As ``NotedLock`` wraps its lock, so that holds are said too.
    ///   - patience: How long a call waits for the lock.
    package init(
        _ strategy: any LockStrategy, stock: ProductStock<Redis>, clock: C, random: RandomSource,
        patience: Duration, steps: StepNotes
    ) {
        self.strategy = strategy
        self.stock = stock
        self.clock = clock
        self.random = random
        self.patience = patience
        self.steps = steps
        hasOnePlace = stock.layout == .oneKey
    }

    /// One purchase.
    ///
    /// - Parameter id: The number of the call, its own in this process.
    package func buy(_ id: Int, by buyer: Int, units: Int = 1) async -> Purchase {
        await StepNotes.$call.withValue(id) {
            steps.note(.began(id: id, buyer: buyer, at: steps.now()))
            let reservation = Reservation(
                id: ReservationID(random: random), product: Self.product, quantity: units,
                deadline: clock.now + patience)
            let purchase = await take(reservation)
            steps.note(
                .ended(id: id, at: steps.now(), outcome: purchase.outcome, remaining: purchase.remaining))
            return purchase
        }
    }

    /// What became of a call.
    package struct Purchase: Sendable {
        package let outcome: History.Operation.Outcome
        /// The stock that its own step left behind; nil: not known.
        package let remaining: Int?
        /// What the strategy says it cost.
        package let evidence: Evidence
        package let error: StrategyError?
    }

    private func take(_ reservation: Reservation) async -> Purchase {
        do throws(StrategyError) {
            let outcome = try await strategy.reserve(reservation)
            switch outcome.decision {
            case .reserved(let remaining, _):
                // The buyer has it: a record that stays is no second unit.
                try? await stock.clear(reservation.id, of: Self.product)
                // Of one bucket among several it says nothing.
                return Purchase(
                    outcome: .ok, remaining: hasOnePlace ? remaining : nil, evidence: outcome.evidence,
                    error: nil)
            case .soldOut:
                return Purchase(outcome: .refused, remaining: nil, evidence: outcome.evidence, error: nil)
            case .contended, .leftToLedger:
                return Purchase(outcome: .nothing, remaining: nil, evidence: outcome.evidence, error: nil)
            }
        } catch {
            return Purchase(
                outcome: Self.mayHaveTaken(error.code) ? .unknown : .nothing, remaining: nil,
                evidence: error.evidence, error: error)
        }
    }

    private static func mayHaveTaken(_ code: StrategyError.Code) -> Bool {
        switch code {
        case .outcomeUnknown, .cancelled: true
        case .unavailable, .lockUnavailable, .timedOut, .refused, .notStocked, .invalidStock, .invalidRequest,
            .leaseLost,
            .reservationEnded, .stockReplaced:
            false
        }
    }
}

/// Where the steps of buyers are said, and by which clock. Moments are nanoseconds.
package struct StepNotes: Sendable {
    /// The number of the call that the current task makes.
    @TaskLocal package static var call: Int?

    package let now: @Sendable () -> Int64
    package let note: @Sendable (WorkerLine) -> Void

    package init(now: @escaping @Sendable () -> Int64, note: @escaping @Sendable (WorkerLine) -> Void) {
        self.now = now
        self.note = note
    }

    /// The lock, with what it can do, so that its holders are noted here.
    package func noting(_ lock: any LeaseLock, clock: some MonotonicClock) -> any LeaseLock {
        func wrap(_ lock: some LeaseLock) -> any LeaseLock { NotedLock(lock, clock: clock, steps: self) }
        return wrap(lock)
    }
}
