import RedisClient
import Synchronization

/// Purchases of one product that wait in one process go to Redis together, as one script call.
///
/// While a call is under way, those who come wait for it; when it is back, the first of them sends for all.
/// So nobody is held back to wait for more, and the more buyers there are the more share one call. Where
/// many wait, a second call leaves behind the first. Granted in order of arrival. The guarantees are those
/// of `lua-atomic`: no lease, so a stalled client harms nobody, and a repeated id gets its first answer.
/// What breaks it: a Redis that loses acknowledged writes. A buyer waits for the call that is under way, and
/// while no more than the largest batch wait its own comes next; who is cancelled in line leaves at once,
/// who is in a call stays until its reply is there. One round trip, shared. Source: flat combining, Hendler,
/// Incze, Shavit, Tzafrir, SPAA 2010.
public struct Combining<Redis: RedisPort, C: MonotonicClock>: LockStrategy {
    private let redis: Redis
    private let clock: C
    private let lines: BatchLines

    /// - Parameters:
    ///   - redis: Holds the stock.
    ///   - clock: Tells how long a step took.
    ///   - largestBatch: Purchases that share one call, at most.
    ///   - leastOfSecond: So many must wait for a second call to leave while one is under way.
    public init(redis: Redis, clock: C, largestBatch: Int = 256, leastOfSecond: Int = 32) {
        self.redis = redis
        self.clock = clock
        lines = BatchLines(largestBatch: largestBatch, leastOfSecond: leastOfSecond)
    }

    public func reserve(_ reservation: Reservation) async throws(StrategyError) -> ReserveOutcome {
        try StrategyError.checkQuantity(reservation)
        let member = BatchMember(reservation: reservation)
        let began = clock.now
        let turn: BatchTurn
        if let call = lines.enter(member, now: began) {
            turn = .lead(call)
        } else {
            turn = await withTaskCancellationHandler {
                await member.turn.value()
            } onCancel: {
                // Who is in a call already waits for its answer: a return that it asked for now could be
                // carried out before the call, and the call would then take the units for nobody.
                if lines.leave(member) { member.turn.keep(.cancelled) }
            }
        }
        var evidence = Evidence(attempts: 1, waited: began.duration(to: clock.now))
        switch turn {
        case .lead(let call):
            return try await lead(call, evidence)
        case .answered(let answer, let held):
            // The leader's call took this time off the wait.
            evidence.waited = max(.zero, evidence.waited - held)
            evidence.held = held
            return try Self.outcome(answer, reservation, evidence)
        case .expired:
            return ReserveOutcome(.contended, evidence: evidence)
        case .cancelled:
            throw StrategyError(.cancelled, "cancelled in line; nothing was taken", evidence: evidence)
        }
    }

    public func cancel(
        _ id: ReservationID, of product: ProductID, deadline: ContinuousClock.Instant
    ) async throws(StrategyError) -> Int {
        try await StockSection(redis: redis).cancel(id, of: product)
    }

    /// Buyers of the product who wait for the next call.
    func waitingCount(of product: ProductID) -> Int { lines.waitingCount(of: product) }

    /// Sends the call, whose first member is the caller, and tells the others their answers.
    private func lead(
        _ call: BatchCall, _ before: Evidence
    ) async throws(StrategyError) -> ReserveOutcome {
        let reservation = call.members[0].reservation
        guard !Task.isCancelled else {
            pass(call, of: reservation.product)
            throw StrategyError(.cancelled, "cancelled before the call", evidence: before)
        }
        // Counted once, with the leader.
        var evidence = before
        let sent = clock.now
        let reply = await send(call, &evidence)
        let held = sent.duration(to: clock.now)
        lines.returned(call.number, reservation.product, now: clock.now)
        let answers = Self.answers(reply, count: call.members.count)
        for (member, answer) in zip(call.members, answers).dropFirst() {
            member.turn.keep(.answered(answer, held: held))
        }
        evidence.held = held
        return try Self.outcome(answers[0], reservation, evidence)
    }

    /// Gives the lead to the next member of a call that was not sent.
    private func pass(_ call: BatchCall, of product: ProductID) {
        let rest = Array(call.members.dropFirst())
        guard let next = rest.first else {
            return lines.returned(call.number, product, now: clock.now)
        }
        next.turn.keep(.lead(BatchCall(number: call.number, members: rest)))
    }

    /// One call for all; waited for even when the leader's task is cancelled, because others wait for it.
    private func send(_ call: BatchCall, _ evidence: inout Evidence) async -> Result<RESPValue, RedisError> {
        let reservations = call.members.map(\.reservation)
        let product = reservations[0].product
        let keys = ProductKeys(product)
        let arguments = reservations.flatMap { [$0.id.description, String($0.quantity)] }
        let written: @Sendable () -> Void = { [clock, lines] in
            lines.written(call.number, product, now: clock.now)
        }
        let (reply, cost) = await SendPermit.noting(written) {
            var cost = Evidence()
            let reply = await uncancelled(&cost) { [redis] cost in
                do throws(RedisError) {
                    return Result<RESPValue, RedisError>.success(
                        try await redis.run(
                            EmbeddedScripts.combining,
                            keys: [keys.stock, keys.reservations, keys.epoch]
                                + reservations.map { keys.ended($0.id) },
                            arguments: arguments, &cost))
                } catch {
                    return .failure(error)
                }
            }
            return (reply, cost)
        }
        evidence = evidence + cost
        return reply
    }

    /// One answer for each member, in order.
    private static func answers(
        _ reply: Result<RESPValue, RedisError>, count: Int
    ) -> [Result<ScriptDecision, RedisError>] {
        switch reply {
        case .failure(let error):
            return Array(repeating: .failure(error), count: count)
        case .success(let reply):
            let values = reply.array ?? []
            let numbers = values.dropFirst().compactMap(\.stockNumber)
            guard numbers.count == 2 * count else {
                let error = RedisError(.outcomeUnknown, "the script combining answered \(reply)")
                return Array(repeating: .failure(error), count: count)
            }
            let epoch = values[0].string.flatMap { StockEpoch($0) }
            return (0..<count).map {
                .success(
                    ScriptDecision(code: Int64(numbers[2 * $0]), stock: numbers[2 * $0 + 1], epoch: epoch))
            }
        }
    }

    private static func outcome(
        _ answer: Result<ScriptDecision, RedisError>, _ reservation: Reservation, _ evidence: Evidence
    ) throws(StrategyError) -> ReserveOutcome {
        do throws(StrategyError) {
            switch answer {
            case .success(let decision):
                return ReserveOutcome(
                    try decision.meaning(for: reservation.product), evidence: evidence, epoch: decision.epoch)
            case .failure(let error):
                throw StrategyError(error, during: "reserving product \(reservation.product)")
            }
        } catch {
            throw error.adding(evidence)
        }
    }
}

extension StrategyEntry {
    /// The strategy `combining`: see ``Combining``.
    public static let combining = StrategyEntry(
        "combining",
        traits: StrategyTraits(
            summary: "no lock: purchases that wait in one process share one script call, in order of arrival",
            criticalSection: "one script for all that wait", abilities: [.arrivalOrder, .stallSafety]),
        factory: CombiningFactory())
}

private struct CombiningFactory: StrategyFactory {
    func make<Redis: RedisPort, C: MonotonicClock>(
        from parts: StrategyParts<Redis, C>
    ) throws(StrategyConfigurationError) -> StrategyMechanism {
        .lockFree(Combining(redis: parts.stock, clock: parts.clock))
    }
}
