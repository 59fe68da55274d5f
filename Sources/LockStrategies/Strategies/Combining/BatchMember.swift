import RedisClient
import Synchronization

// None of these is nested in `Combining`: that type has parameters, so the runtime would look up the type of
// a member again for each purchase, which was an eighth of its processor time.

/// What a purchase that waits for a call is told.
enum BatchTurn: Sendable {
    /// It sends the call, of which it is the first.
    case lead(BatchCall)
    /// Another one's call brought its answer, and took so long.
    case answered(Result<ScriptDecision, RedisError>, held: Duration)
    /// Its deadline passed in line.
    case expired
    /// Its task was cancelled in line.
    case cancelled
}

typealias BatchCall = BatchLine<BatchMember>.Call

/// A purchase on its way to a call.
final class BatchMember: Sendable {
    let reservation: Reservation
    let turn = Promise<BatchTurn>()
    let ticket = Atomic<UInt64>(0)

    init(reservation: Reservation) {
        self.reservation = reservation
    }
}

/// The lines of all products that are being bought.
final class BatchLines: Sendable {
    private struct State: Sendable {
        var lines: [ProductID: BatchLine<BatchMember>] = [:]
        var lastTicket: UInt64 = 0
    }

    private let state = Mutex(State())
    private let largestBatch: Int
    private let leastOfSecond: Int

    init(largestBatch: Int, leastOfSecond: Int) {
        self.largestBatch = largestBatch
        self.leastOfSecond = leastOfSecond
    }

    /// - Returns: The call that the member has to send; nil: it waits to be told.
    func enter(_ member: BatchMember, now: ContinuousClock.Instant) -> BatchCall? {
        let entry = state.withLock { state in
            state.lastTicket += 1
            member.ticket.store(state.lastTicket, ordering: .relaxed)
            return state.lines[
                member.reservation.product,
                default: BatchLine(largest: largestBatch, leastOfSecond: leastOfSecond)
            ].enter(member, ticket: state.lastTicket, deadline: member.reservation.deadline, now: now)
        }
        switch entry {
        case .lead(let call): return call
        case .wait(let departure):
            tell(departure)
            return nil
        }
    }

    /// The call was written to its connection.
    func written(_ number: UInt64, _ product: ProductID, now: ContinuousClock.Instant) {
        tell(state.withLock { $0.lines[product]?.written(number, now: now) ?? .init() })
    }

    /// The call has come back, or was not sent.
    func returned(_ number: UInt64, _ product: ProductID, now: ContinuousClock.Instant) {
        let departure = state.withLock { state in
            let departure = state.lines[product]?.returned(number, now: now) ?? .init()
            if state.lines[product]?.isIdle == true { state.lines[product] = nil }
            return departure
        }
        tell(departure)
    }

    private func tell(_ departure: BatchLine<BatchMember>.Departure) {
        if let call = departure.next { call.members[0].turn.keep(.lead(call)) }
        for member in departure.expired { member.turn.keep(.expired) }
    }

    func waitingCount(of product: ProductID) -> Int {
        state.withLock { $0.lines[product]?.waitingCount ?? 0 }
    }

    /// False when the member's call has been taken already.
    func leave(_ member: BatchMember) -> Bool {
        let ticket = member.ticket.load(ordering: .relaxed)
        return state.withLock { $0.lines[member.reservation.product]?.leave(ticket) ?? false }
    }
}
