import BenchModel
import ConnectionFailures
import NIOCore
import NIOHTTP1
import NIOPosix

/// One load on one event loop: opens the connections, lets all users start together, ends the load.
/// Everything in it happens on that loop.
final class LoadSession {
    private enum Phase {
        case connecting(missing: Int)
        case loading
        case done
    }

    /// User i talks to the one at place i, counted round.
    private let targets: [LoadTarget]
    /// Each user, as far as it was when its last connection was lost.
    private var users: [any LoadUser]
    private let plan: LoadPlan
    private let eventLoop: any EventLoop
    private let finished: EventLoopPromise<LoadRecord>
    private let progress: AsyncStream<LoadProgress>.Continuation
    private var phase: Phase
    private var buyers: [BuyerHandler?]
    private var record: LoadRecord
    private var line: LoadLine
    private var pulse: LoopPulse
    private var warmUp: WarmUp
    /// When the first event of this turn of the loop came; nil between turns.
    private var turnBegan: NIODeadline?
    private var inFlight = 0
    private var isCancelled = false
    private var ticker: RepeatedTask?
    private var drainLimit: Scheduled<Void>?
    private var arrival: Scheduled<Void>?

    init(
        targets: [LoadTarget], users: [any LoadUser], plan: LoadPlan, eventLoop: any EventLoop,
        finished: EventLoopPromise<LoadRecord>, progress: AsyncStream<LoadProgress>.Continuation
    ) {
        self.targets = targets
        self.users = users
        self.plan = plan
        self.eventLoop = eventLoop
        self.finished = finished
        self.progress = progress
        phase = .connecting(missing: users.count)
        buyers = users.map { _ in nil }
        // The clock is set again when all users are connected.
        record = LoadRecord(
            schedule: plan.schedule(from: .now()), users: users.count, isOpen: plan.arrivals != nil,
            products: plan.products, scenario: plan.scenario, seed: plan.seed)
        line = LoadLine(schedule: record.schedule, arrivals: plan.arrivals)
        pulse = LoopPulse(expectedAt: .now())
        warmUp = WarmUp(record.schedule, isOpen: plan.arrivals != nil || plan.isWarmupFixed)
    }

    /// Opens all connections; the load starts when the last one is open.
    func start() {
        for user in users.indices { connect(user) }
    }

    /// Sends nothing more and ends as soon as what is under way is answered.
    func cancel() {
        isCancelled = true
        if case .connecting = phase { finish(.failure(CancellationError())) } else { endIfDrained() }
    }

    /// The moment at which the answer that is read now had arrived.
    ///
    /// All answers of one turn of the loop had arrived when it began. What a later one waits for an earlier
    /// one is the generator's doing: no part of a service time, but of the time until the user's next request
    /// is sent.
    func arrivalOfAnswer() -> NIODeadline {
        let now = NIODeadline.now()
        if let turnBegan {
            record.addQueue(now - turnBegan, at: now)
            pulse.ran(at: now)
            return turnBegan
        }
        turnBegan = now
        record.addQueue(.zero, at: now)
        record.addBeat(pulse.turn(at: now))
        // Tasks run after all events of the turn.
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.execute { bound.value.turnBegan = nil }
        return now
    }

    /// The user is free.
    ///
    /// - Returns: The intended start of what it shall send now; nil when it shall not.
    func next(for user: Int, at now: NIODeadline) -> NIODeadline? {
        guard case .loading = phase, !isCancelled, let intended = line.free(user, at: now) else {
            endIfDrained()
            return nil
        }
        inFlight += 1
        return intended
    }

    func answered(
        user: Int, product: Int, _ times: RequestTimes, done: NIODeadline, outcome: BuyerOutcome,
        timing: ServerTiming?
    ) {
        guard case .loading = phase else { return }
        inFlight -= 1
        record.add(
            user: user, product: product, times, done: done, outcome: outcome,
            timing: timing ?? ServerTiming())
    }

    /// A purchase is waited for no more.
    func gaveUp(_ times: RequestTimes, at now: NIODeadline) { record.addUnanswered(times, at: now) }

    /// A request of a journey, the purchase left out.
    func answered(
        _ step: JourneyStep, _ times: RequestTimes, done: NIODeadline, isGood: Bool, isUnknown: Bool
    ) {
        guard case .loading = phase else { return }
        inFlight -= 1
        record.add(step, times, done: done, isGood: isGood, isUnknown: isUnknown)
    }

    /// A user wants to go on with a visit, which is let go on to its end, also after the window.
    ///
    /// - Returns: False when nothing is sent any more.
    func goOn() -> Bool {
        guard case .loading = phase, !isCancelled else {
            endIfDrained()
            return false
        }
        inFlight += 1
        return true
    }

    func visited(began: NIODeadline, done: NIODeadline, isWhole: Bool) {
        guard case .loading = phase else { return }
        record.addVisit(began: began, done: done, isWhole: isWhole)
    }

    func missedPurchase() {
        guard case .loading = phase else { return }
        record.addMissingPurchase()
    }

    /// What was under way has been counted.
    ///
    /// - Parameter state: How far the user is; the next connection goes on from there.
    func disconnected(_ user: Int, _ state: any LoadUser) {
        users[user] = state
        disconnected(user)
    }

    private func disconnected(_ user: Int) {
        buyers[user] = nil
        guard case .loading = phase else { return }
        line.lost(user)
        let now = NIODeadline.now()
        guard !isCancelled, !line.isOver(at: now) else { return endIfDrained() }
        record.reconnections += 1
        // Not at once: a server that refuses connections is not to be hit in a tight loop.
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.scheduleTask(in: .milliseconds(10)) { bound.value.connect(user) }
    }
}

extension LoadSession {
    private func target(of user: Int) -> LoadTarget { targets[user % targets.count] }

    private func connect(_ user: Int) {
        // A reconnection may have been scheduled before the end.
        if case .done = phase { return }
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        let shopper = users[user]
        let target = target(of: user)
        ClientBootstrap(group: eventLoop)
            .connectTimeout(.seconds(5))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let session = bound.value
                    let buyer = BuyerHandler(number: user, user: shopper, session: session)
                    try target.tls?.install(on: channel, host: target.host)
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    try channel.pipeline.syncOperations.addHandler(buyer)
                    session.buyers[user] = buyer
                }
            }
            .connect(host: target.host, port: target.port)
            .whenComplete { result in
                switch result {
                case .success: bound.value.connected(user)
                case .failure(let error): bound.value.failedToConnect(user, error)
                }
            }
    }

    private func connected(_ user: Int) {
        switch phase {
        case .connecting(let missing) where missing > 1:
            phase = .connecting(missing: missing - 1)
        case .connecting:
            begin()
        case .loading:
            send(user, at: .now())
        case .done:
            buyers[user]?.close()
        }
    }

    private func failedToConnect(_ user: Int, _ error: any Error) {
        // Its channel never was active, so nobody else lets go of it.
        buyers[user] = nil
        switch phase {
        case .connecting:
            let target = target(of: user)
            let reason = BenchError(
                .unreachable, ConnectionFailure.sentence(connectingTo: target.host, target.port, error))
            finish(.failure(reason))
        case .loading:
            disconnected(user)
        case .done:
            break
        }
    }

    private func begin() {
        let schedule = plan.schedule(from: .now())
        record.begin(schedule)
        line = LoadLine(schedule: schedule, arrivals: plan.arrivals)
        warmUp = WarmUp(schedule, isOpen: line.isOpen || plan.isWarmupFixed)
        phase = .loading
        plan.onStart?(schedule.start)
        for (user, buyer) in buyers.enumerated() {
            // A connection may have been lost while the others were opened.
            if buyer == nil { connect(user) } else { send(user, at: .now()) }
        }
        awaitArrival()
        pulse = LoopPulse(expectedAt: .now() + LoopPulse.step)
        beat()
        ticker = eventLoop.scheduleRepeatedTask(
            initialDelay: LoadRecord.sliceLength, delay: LoadRecord.sliceLength
        ) { [bound = NIOLoopBound(self, eventLoop: eventLoop)] _ in
            bound.value.report()
        }
        awaitEnd()
    }

    private func awaitEnd() {
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        drainLimit = eventLoop.scheduleTask(deadline: record.schedule.drainUntil) { bound.value.giveUp() }
    }

    /// Lets the window begin later while the load is not warm.
    private func lookAtWarmth() {
        let later = warmUp.postpones(
            record.schedule, at: .now(), rates: record.series.rates(last: 4))
        guard let later else { return }
        record.postpone(by: later)
        line.postpone(by: later)
    }

    private func send(_ user: Int, at now: NIODeadline) {
        guard let intended = next(for: user, at: now) else { return }
        buyers[user]?.begin(intended: intended, at: now)
    }

    /// Waits for the next moment of an open load.
    private func awaitArrival() {
        guard let due = line.nextArrival else { return }
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        arrival = eventLoop.scheduleTask(deadline: due) { bound.value.arrive() }
    }

    /// Lets arrivals come that fell due while the loop read answers: their timer runs only after all of them.
    func arriveIfDue() {
        guard let due = line.nextArrival else { return }
        let now = NIODeadline.now()
        if due <= now { begin(until: now) }
    }

    private func arrive() {
        begin(until: .now())
        if case .loading = phase, !isCancelled { awaitArrival() }
    }

    private func begin(until now: NIODeadline) {
        guard case .loading = phase, !isCancelled else { return }
        let before = line.arrived
        let turns = line.arrive(until: now)
        for due in line.arrivals(after: before) { record.addArrival(due: due, seen: now) }
        for turn in turns {
            inFlight += 1
            buyers[turn.user]?.begin(intended: turn.intended, at: now)
        }
    }

    /// Looks whether this loop runs when it wants to.
    private func beat() {
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.scheduleTask(deadline: pulse.expectedAt) {
            let session = bound.value
            guard case .loading = session.phase else { return }
            session.record.addBeat(session.pulse.beat(at: .now()))
            session.beat()
        }
    }

    private func report() {
        lookAtWarmth()
        let share = record.schedule.share(at: .now())
        progress.yield(record.progress(share: share))
        // Without requests under way nothing else would notice the end.
        if line.isOver(at: .now()) || isCancelled { endIfDrained() }
    }

    private func endIfDrained() {
        guard case .loading = phase, inFlight == 0 else { return }
        let now = NIODeadline.now()
        // An open load measures to the end of its window, also when its last arrival was before it.
        if isCancelled || line.isOver(at: now) && !record.schedule.maySend(at: now) {
            finish(.success(record))
        }
    }

    /// The drain limit passed: what is still open has an unknown outcome.
    private func giveUp() {
        guard case .loading = phase else { return }
        guard NIODeadline.now() >= record.schedule.drainUntil else { return awaitEnd() }
        for buyer in buyers { buyer?.giveUp() }
        finish(.success(record))
    }

    private func finish(_ result: Result<LoadRecord, any Error>) {
        if case .done = phase { return }
        phase = .done
        ticker?.cancel()
        drainLimit?.cancel()
        arrival?.cancel()
        progress.finish()
        for buyer in buyers { buyer?.close() }
        if isCancelled { return finished.fail(CancellationError()) }
        finished.completeWith(
            result.map { record in
                var record = record
                record.openAccount = line.isOpen ? line.account : nil
                return record
            })
    }
}
