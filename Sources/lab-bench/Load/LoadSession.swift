import NIOCore
import NIOHTTP1
import NIOPosix

/// One closed load on one event loop: opens the connections, lets all users start together, ends the load.
/// Everything in it happens on that loop.
final class LoadSession {
    private enum Phase {
        case connecting(missing: Int)
        case loading
        case done
    }

    private let target: LoadTarget
    private let requests: [PreparedRequest]
    private let plan: LoadPlan
    private let eventLoop: any EventLoop
    private let finished: EventLoopPromise<LoadRecord>
    private let progress: AsyncStream<LoadProgress>.Continuation
    private var phase: Phase
    private var buyers: [BuyerHandler?]
    private var record: LoadRecord
    private var inFlight = 0
    private var isCancelled = false
    private var ticker: RepeatedTask?
    private var drainLimit: Scheduled<Void>?

    init(
        target: LoadTarget, requests: [PreparedRequest], plan: LoadPlan, eventLoop: any EventLoop,
        finished: EventLoopPromise<LoadRecord>, progress: AsyncStream<LoadProgress>.Continuation
    ) {
        self.target = target
        self.requests = requests
        self.plan = plan
        self.eventLoop = eventLoop
        self.finished = finished
        self.progress = progress
        phase = .connecting(missing: requests.count)
        buyers = requests.map { _ in nil }
        // The clock is set again when all users are connected.
        record = LoadRecord(schedule: plan.schedule(from: .now()), users: requests.count)
    }

    /// Opens all connections; the load starts when the last one is open.
    func start() {
        for user in requests.indices { connect(user) }
    }

    /// Sends nothing more and ends as soon as what is under way is answered.
    func cancel() {
        isCancelled = true
        if case .connecting = phase { finish(.failure(CancellationError())) } else { endIfDrained() }
    }

    func maySend(at now: NIODeadline) -> Bool {
        guard !isCancelled, record.schedule.maySend(at: now) else {
            endIfDrained()
            return false
        }
        inFlight += 1
        return true
    }

    func answered(
        user: Int, sent: NIODeadline, done: NIODeadline, outcome: PurchaseOutcome, timing: ServerTiming?
    ) {
        guard case .loading = phase else { return }
        inFlight -= 1
        record.add(user: user, sent: sent, done: done, outcome: outcome, timing: timing ?? ServerTiming())
    }

    /// - Parameter sent: When the request that stays without an answer was sent; nil when there was none.
    func disconnected(user: Int, sent: NIODeadline?) {
        buyers[user] = nil
        guard case .loading = phase else { return }
        let now = NIODeadline.now()
        if let sent {
            answered(user: user, sent: sent, done: now, outcome: .transportError, timing: nil)
        }
        guard !isCancelled, record.schedule.maySend(at: now) else { return endIfDrained() }
        record.reconnections += 1
        // Not at once: a server that refuses connections is not to be hit in a tight loop.
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.scheduleTask(in: .milliseconds(10)) { bound.value.connect(user) }
    }
}

extension LoadSession {
    private func connect(_ user: Int) {
        // A reconnection may have been scheduled before the end.
        if case .done = phase { return }
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        let request = requests[user]
        ClientBootstrap(group: eventLoop)
            .connectTimeout(.seconds(5))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let session = bound.value
                    let buyer = BuyerHandler(user: user, request: request, session: session)
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
            let now = NIODeadline.now()
            if maySend(at: now) { buyers[user]?.buy(at: now) }
        case .done:
            buyers[user]?.close()
        }
    }

    private func failedToConnect(_ user: Int, _ error: any Error) {
        // Its channel never was active, so nobody else lets go of it.
        buyers[user] = nil
        switch phase {
        case .connecting:
            let reason = BenchError(
                .unreachable, "the server at \(target.host):\(target.port) refuses connections: \(error)")
            finish(.failure(reason))
        case .loading:
            disconnected(user: user, sent: nil)
        case .done:
            break
        }
    }

    private func begin() {
        let schedule = plan.schedule(from: .now())
        record.begin(schedule)
        phase = .loading
        for (user, buyer) in buyers.enumerated() {
            // A connection may have been lost while the others were opened.
            guard let buyer else {
                connect(user)
                continue
            }
            let now = NIODeadline.now()
            if maySend(at: now) { buyer.buy(at: now) }
        }
        ticker = eventLoop.scheduleRepeatedTask(
            initialDelay: LoadRecord.sliceLength, delay: LoadRecord.sliceLength
        ) { [bound = NIOLoopBound(self, eventLoop: eventLoop)] _ in
            bound.value.report()
        }
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        drainLimit = eventLoop.scheduleTask(deadline: schedule.drainUntil) { bound.value.giveUp() }
    }

    private func report() {
        let share = record.schedule.share(at: .now())
        progress.yield(record.progress(share: share))
        // Without requests under way nothing else would notice the end.
        if !record.schedule.maySend(at: .now()) || isCancelled { endIfDrained() }
    }

    private func endIfDrained() {
        guard case .loading = phase, inFlight == 0 else { return }
        let isOver = isCancelled || !record.schedule.maySend(at: .now())
        if isOver { finish(.success(record)) }
    }

    /// The drain limit passed: what is still open has an unknown outcome.
    private func giveUp() {
        guard case .loading = phase else { return }
        for buyer in buyers { buyer?.giveUp() }
        finish(.success(record))
    }

    private func finish(_ result: Result<LoadRecord, any Error>) {
        if case .done = phase { return }
        phase = .done
        ticker?.cancel()
        drainLimit?.cancel()
        progress.finish()
        for buyer in buyers { buyer?.close() }
        if isCancelled { return finished.fail(CancellationError()) }
        finished.completeWith(result)
    }
}
