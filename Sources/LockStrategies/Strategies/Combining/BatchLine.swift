/// Who waits for the next batch of one product, and whether one is under way. Pure: it decides, the host
/// acts.
struct BatchLine<Member: Sendable>: Sendable {
    enum Entry: Sendable {
        /// Nobody is under way: send these now.
        case lead([Member])
        /// A batch is under way; the next one takes this member along.
        case wait
    }

    struct Departure: Sendable {
        /// The next batch, to be led by its first member; empty when nobody waits.
        var next: [Member] = []
        /// Their deadline passed while they waited.
        var expired: [Member] = []
    }

    private struct Waiter: Sendable {
        let ticket: UInt64
        let deadline: ContinuousClock.Instant
        let member: Member
    }

    private let largest: Int
    private var isUnderWay = false
    private var waiting: [Waiter] = []

    /// - Parameter largest: Members of one batch at most.
    init(largest: Int) {
        self.largest = largest
    }

    var waitingCount: Int { waiting.count }

    var isIdle: Bool { !isUnderWay && waiting.isEmpty }

    /// A batch is never held back: who comes when nobody is under way goes alone.
    mutating func enter(_ member: Member, ticket: UInt64, deadline: ContinuousClock.Instant) -> Entry {
        guard isUnderWay else {
            isUnderWay = true
            return .lead([member])
        }
        waiting.append(Waiter(ticket: ticket, deadline: deadline, member: member))
        return .wait
    }

    /// The batch has come back: who waits in line goes next, in order of arrival.
    mutating func depart(now: ContinuousClock.Instant) -> Departure {
        var departure = Departure()
        var rest: [Waiter] = []
        for waiter in waiting {
            if waiter.deadline <= now {
                departure.expired.append(waiter.member)
            } else if departure.next.count < largest {
                departure.next.append(waiter.member)
            } else {
                rest.append(waiter)
            }
        }
        waiting = rest
        isUnderWay = !departure.next.isEmpty
        return departure
    }

    /// Takes a member out that has not left yet; false when it has.
    mutating func leave(_ ticket: UInt64) -> Bool {
        guard let index = waiting.firstIndex(where: { $0.ticket == ticket }) else { return false }
        waiting.remove(at: index)
        return true
    }
}
