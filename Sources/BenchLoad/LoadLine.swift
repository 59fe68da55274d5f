package import NIOCore

/// Decides who sends when: a pure machine, told the time. In a closed load a free user sends at once. In an
/// open one each arrival takes the user that is free longest, or waits in line, with its intended start,
/// until one is free.
package struct LoadLine: Sendable {
    /// A user that shall send now, and when the purchase was meant to begin.
    package struct Turn: Sendable, Equatable {
        package let user: Int
        package let intended: NIODeadline
    }

    package private(set) var schedule: LoadSchedule
    /// Nil in a closed load.
    private let arrivals: ArrivalSchedule?
    /// In the order in which they became free; only in an open load.
    private var idle: [Int] = []
    private var firstIdle = 0
    /// Arrivals up to the end of the window.
    private let due: Int
    /// How many arrivals have come, and how many of these were given to a user.
    package private(set) var arrived = 0
    package private(set) var sent = 0
    /// Given to a user before the window was over, and meant for the window.
    package private(set) var sentInWindow = 0
    /// Whether what a user has under way is measured; and how many of these there are.
    private var measures: [Bool] = []
    private var measuredUnderWay = 0

    package init(schedule: LoadSchedule, arrivals: ArrivalSchedule?) {
        self.schedule = schedule
        self.arrivals = arrivals
        let end = (schedule.measureUntil - schedule.start).nanoseconds
        due = arrivals?.offsets.count { $0 < end } ?? 0
    }

    package var isOpen: Bool { arrivals != nil }

    /// Arrivals that wait for a free user.
    package var waiting: Int { arrived - sent }

    /// Something that is measured has no answer yet, or waits for a free user.
    private var hasMeasured: Bool { measuredUnderWay > 0 || isOpen && sent < due }

    /// Something may be sent: in the window, and after it as long as something measured is under way.
    private func goesOn(at now: NIODeadline) -> Bool {
        schedule.maySend(at: now) || hasMeasured && now < schedule.loadUntil
    }

    /// When ``arrive(until:)`` has something to do; nil when nothing more comes.
    var nextArrival: NIODeadline? {
        guard let arrivals, arrived < arrivals.count else { return nil }
        let next = intended(arrived)
        return arrived < due || goesOn(at: next) ? next : nil
    }

    /// Nothing more will be sent unless an answer frees a user for one who waits.
    func isOver(at now: NIODeadline) -> Bool {
        isOpen ? nextArrival == nil && (waiting == 0 || !goesOn(at: now)) : !goesOn(at: now)
    }

    /// The user has no request under way.
    ///
    /// - Returns: The intended start of what it shall send now; nil when it shall wait.
    mutating func free(_ user: Int, at now: NIODeadline) -> NIODeadline? {
        ended(user)
        guard isOpen else {
            guard goesOn(at: now) else { return nil }
            began(user, intended: now)
            return now
        }
        guard waiting > 0, goesOn(at: now) else {
            idle.append(user)
            return nil
        }
        return take(user, at: now)
    }

    /// The user cannot send any more until it is ``free(_:at:)`` again.
    package mutating func lost(_ user: Int) {
        ended(user)
        guard let place = idle[firstIdle...].firstIndex(of: user) else { return }
        idle.remove(at: place)
    }

    private mutating func began(_ user: Int, intended: NIODeadline) {
        guard schedule.isMeasured(sent: intended) else { return }
        while measures.count <= user { measures.append(false) }
        measures[user] = true
        measuredUnderWay += 1
    }

    private mutating func ended(_ user: Int) {
        guard user < measures.count, measures[user] else { return }
        measures[user] = false
        measuredUnderWay -= 1
    }

    /// The window of a closed load begins later. Nothing is measured yet.
    mutating func postpone(by time: TimeAmount) { schedule = schedule.postponed(by: time) }

    /// Lets all arrivals come whose time it is.
    mutating func arrive(until now: NIODeadline) -> [Turn] {
        while let next = nextArrival, next <= now { arrived += 1 }
        var turns: [Turn] = []
        while waiting > 0, firstIdle < idle.count {
            let user = idle[firstIdle]
            firstIdle += 1
            turns.append(Turn(user: user, intended: take(user, at: now)))
        }
        if firstIdle > 1024 || firstIdle == idle.count {
            idle.removeFirst(firstIdle)
            firstIdle = 0
        }
        return turns
    }

    /// The intended starts of the arrivals that came after the first `count`.
    package func arrivals(after count: Int) -> [NIODeadline] { (count..<arrived).map(intended) }

    private mutating func take(_ user: Int, at now: NIODeadline) -> NIODeadline {
        let start = intended(sent)
        sent += 1
        began(user, intended: start)
        if schedule.isMeasured(sent: start), now < schedule.measureUntil { sentInWindow += 1 }
        return start
    }

    private func intended(_ index: Int) -> NIODeadline {
        schedule.start + .nanoseconds(arrivals?[index] ?? 0)
    }
}

extension LoadLine {
    /// What an open load asked for and what came of it.
    package struct Account: Sendable, Equatable {
        /// Meant for the measured window.
        package var offered: Int
        /// Arrivals of the window that were given to a free user before it was over.
        package var sentInWindow: Int
        /// Arrivals of warm-up and window that no user was free for until the end.
        package var unsent: Int

        package init(offered: Int = 0, sentInWindow: Int = 0, unsent: Int = 0) {
            self.offered = offered
            self.sentInWindow = sentInWindow
            self.unsent = unsent
        }

        /// The backlog at the end of the window is no more than chance makes it: 2 % of what was offered.
        package var isSustained: Bool {
            unsent == 0 && Double(offered - sentInWindow) <= 0.02 * Double(offered)
        }
    }

    package var account: Account {
        guard let arrivals else { return Account() }
        let from = (schedule.measureFrom - schedule.start).nanoseconds
        let until = (schedule.measureUntil - schedule.start).nanoseconds
        return Account(
            offered: arrivals.offsets.count { $0 >= from && $0 < until }, sentInWindow: sentInWindow,
            unsent: max(due - sent, 0))
    }
}
