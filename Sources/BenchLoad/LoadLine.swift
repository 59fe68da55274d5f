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
    /// How many arrivals have come, and how many of these were given to a user.
    package private(set) var arrived = 0
    package private(set) var sent = 0
    /// Given to a user before the window was over, and meant for the window.
    package private(set) var sentInWindow = 0

    package init(schedule: LoadSchedule, arrivals: ArrivalSchedule?) {
        self.schedule = schedule
        self.arrivals = arrivals
    }

    package var isOpen: Bool { arrivals != nil }

    /// Arrivals that wait for a free user.
    package var waiting: Int { arrived - sent }

    /// When ``arrive(until:)`` has something to do; nil when nothing more comes.
    var nextArrival: NIODeadline? {
        guard let arrivals, arrived < arrivals.offsets.count else { return nil }
        return intended(arrived)
    }

    /// Nothing more will be sent unless an answer frees a user for one who waits.
    func isOver(at now: NIODeadline) -> Bool {
        isOpen ? nextArrival == nil && waiting == 0 : !schedule.maySend(at: now)
    }

    /// The user has no request under way.
    ///
    /// - Returns: The intended start of what it shall send now; nil when it shall wait.
    mutating func free(_ user: Int, at now: NIODeadline) -> NIODeadline? {
        guard isOpen else { return schedule.maySend(at: now) ? now : nil }
        guard waiting > 0, now < schedule.drainUntil else {
            idle.append(user)
            return nil
        }
        return take(at: now)
    }

    /// The user cannot send any more until it is ``free(_:at:)`` again.
    package mutating func lost(_ user: Int) {
        guard let place = idle[firstIdle...].firstIndex(of: user) else { return }
        idle.remove(at: place)
    }

    /// Lets all arrivals come whose time it is.
    mutating func arrive(until now: NIODeadline) -> [Turn] {
        while let next = nextArrival, next <= now { arrived += 1 }
        var turns: [Turn] = []
        while waiting > 0, firstIdle < idle.count {
            let user = idle[firstIdle]
            firstIdle += 1
            turns.append(Turn(user: user, intended: take(at: now)))
        }
        if firstIdle > 1024 || firstIdle == idle.count {
            idle.removeFirst(firstIdle)
            firstIdle = 0
        }
        return turns
    }

    /// The intended starts of the arrivals that came after the first `count`.
    package func arrivals(after count: Int) -> [NIODeadline] { (count..<arrived).map(intended) }

    private mutating func take(at now: NIODeadline) -> NIODeadline {
        let start = intended(sent)
        sent += 1
        if schedule.isMeasured(sent: start), now < schedule.measureUntil { sentInWindow += 1 }
        return start
    }

    private func intended(_ index: Int) -> NIODeadline {
        schedule.start + .nanoseconds(arrivals?.offsets[index] ?? 0)
    }
}

extension LoadLine {
    /// What an open load asked for and what came of it.
    package struct Account: Sendable, Equatable {
        /// Meant for the measured window.
        package var offered: Int
        /// Arrivals of the window that were given to a free user before it was over.
        package var sentInWindow: Int
        /// Arrivals, warm-up included, that no user was free for until the end.
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
            unsent: arrivals.offsets.count - sent)
    }
}
