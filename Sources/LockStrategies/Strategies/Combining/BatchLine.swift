/// Who waits for the next call of one product, and which calls are under way. Pure: it decides, the host
/// acts.
///
/// While the first call is carried out and its answers are told, a second one may be on its way, so neither
/// Redis nor this process waits for the other. It leaves when many wait, for a call has a price of its own,
/// and only when the first was written to its connection: so they are carried out in their order.
struct BatchLine<Member: Sendable>: Sendable {
    /// Purchases that go together, led by the first of them.
    struct Call: Sendable {
        let number: UInt64
        let members: [Member]
    }

    enum Entry: Sendable {
        /// Nobody is under way: send this now.
        case lead(Call)
        /// It waits in line. Somebody may leave now, perhaps with it.
        case wait(Departure)
    }

    struct Departure: Sendable {
        /// The call that leaves now; nil: none does.
        var next: Call?
        /// Their deadline passed while they waited.
        var expired: [Member] = []
    }

    private struct Waiter: Sendable {
        let ticket: UInt64
        let deadline: ContinuousClock.Instant
        let member: Member
    }

    private struct UnderWay: Sendable {
        let number: UInt64
        var isWritten = false
    }

    private let largest: Int
    private let leastOfSecond: Int
    private var underWay: [UnderWay] = []
    private var waiting: [Waiter] = []
    private var lastCall: UInt64 = 0

    /// - Parameters:
    ///   - largest: Members of one call at most.
    ///   - leastOfSecond: So many must wait for a second call to leave while one is under way.
    init(largest: Int, leastOfSecond: Int) {
        self.largest = largest
        self.leastOfSecond = leastOfSecond
    }

    var waitingCount: Int { waiting.count }

    var isIdle: Bool { underWay.isEmpty && waiting.isEmpty }

    /// A call is never held back: who comes when nobody is under way goes alone.
    mutating func enter(
        _ member: Member, ticket: UInt64, deadline: ContinuousClock.Instant, now: ContinuousClock.Instant
    ) -> Entry {
        guard !underWay.isEmpty else { return .lead(begin([member])) }
        waiting.append(Waiter(ticket: ticket, deadline: deadline, member: member))
        return .wait(departure(now: now))
    }

    /// The call was written to its connection.
    mutating func written(_ number: UInt64, now: ContinuousClock.Instant) -> Departure {
        guard let place = underWay.firstIndex(where: { $0.number == number }) else { return Departure() }
        underWay[place].isWritten = true
        return departure(now: now)
    }

    /// The call has come back: who waits in line goes next, in order of arrival.
    mutating func returned(_ number: UInt64, now: ContinuousClock.Instant) -> Departure {
        underWay.removeAll { $0.number == number }
        return departure(now: now)
    }

    /// Takes a member out that has not left yet; false when it has.
    mutating func leave(_ ticket: UInt64) -> Bool {
        guard let index = waiting.firstIndex(where: { $0.ticket == ticket }) else { return false }
        waiting.remove(at: index)
        return true
    }

    private var mayLeave: Bool {
        guard let first = underWay.first else { return !waiting.isEmpty }
        return underWay.count == 1 && first.isWritten && waiting.count >= leastOfSecond
    }

    private mutating func departure(now: ContinuousClock.Instant) -> Departure {
        var departure = Departure()
        guard mayLeave else { return departure }
        var members: [Member] = []
        var rest: [Waiter] = []
        for waiter in waiting {
            if waiter.deadline <= now {
                departure.expired.append(waiter.member)
            } else if members.count < largest {
                members.append(waiter.member)
            } else {
                rest.append(waiter)
            }
        }
        waiting = rest
        if !members.isEmpty { departure.next = begin(members) }
        return departure
    }

    private mutating func begin(_ members: [Member]) -> Call {
        lastCall += 1
        underWay.append(UnderWay(number: lastCall))
        return Call(number: lastCall, members: members)
    }
}
