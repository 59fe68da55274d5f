import RedisClient

/// Stock in several buckets, each in a slot of its own: a buyer takes from one, so a hot product is not one
/// hot key.
///
/// The reservation's id chooses the bucket. Where that is short, the units of all buckets are gathered in
/// bucket 0 and taken there, so no remainder is stranded; "sold out" is said only when bucket 0 is short
/// after a look at all the others. Units never go back into the other buckets: a return, and new supply, go
/// to bucket 0. So an id that was served in bucket 0 finds its bucket short again, and is answered as before.
/// There is no lock and no lease, so a stalled client harms nobody; what it left on the way between two
/// buckets is brought in by the next who looks, or within a second. What breaks it: a Redis that loses
/// acknowledged writes. One round trip while the buckets last, two at bucket 0, five and a look at every
/// bucket when it gathers.
public struct Sharded<Redis: RedisPort, C: MonotonicClock>: LockStrategy {
    /// How long buyers need not look again at buckets that were found empty.
    static var emptinessHolds: Duration { .seconds(1) }

    private let redis: Redis
    private let clock: C
    private let moves: BucketMoves<Redis>

    /// - Parameters:
    ///   - redis: Holds the stock.
    ///   - clock: Tells how long a step took.
    ///   - buckets: Into so many parts the stock is divided, at least 1.
    public init(redis: Redis, clock: C, buckets: Int) {
        self.redis = redis
        self.clock = clock
        moves = BucketMoves(redis: redis, bucketCount: max(buckets, 1))
    }

    public func reserve(_ reservation: Reservation) async throws(StrategyError) -> ReserveOutcome {
        try StrategyError.checkQuantity(reservation)
        let began = clock.now
        var evidence = Evidence()
        do throws(StrategyError) {
            let taken = try await take(reservation, &evidence)
            evidence.held = began.duration(to: clock.now)
            return ReserveOutcome(taken.decision, evidence: evidence, epoch: taken.epoch)
        } catch {
            evidence.held = began.duration(to: clock.now)
            throw error.adding(evidence)
        }
    }

    public func cancel(
        _ id: ReservationID, of product: ProductID, deadline: ContinuousClock.Instant
    ) async throws(StrategyError) -> Int {
        let bucket = id.bucket(of: moves.bucketCount)
        if bucket != 0 {
            let keys = ProductKeys(product, bucket: bucket)
            var cost = Evidence()
            let units: Int64
            do throws(RedisError) {
                units =
                    try await redis.run(
                        EmbeddedScripts.returnToBucket,
                        keys: [keys.reservations, keys.moves, keys.ended(id)],
                        arguments: [id.description, ProductKeys.endedHoldsMilliseconds], &cost
                    ).integer ?? 0
            } catch {
                throw StrategyError(
                    error, during: "returning reservation \(id) of product \(product)", evidence: cost)
            }
            if units > 0 {
                // Where this fails, the units wait in the bucket for the next who gathers.
                _ = try? await moves.bringHome(from: bucket, of: product, &cost)
                return Int(units)
            }
            do throws(StrategyError) {
                return try await StockSection(redis: redis).cancel(id, of: product)
            } catch {
                throw error.adding(cost)
            }
        }
        return try await StockSection(redis: redis).cancel(id, of: product)
    }

    private func take(
        _ reservation: Reservation, _ evidence: inout Evidence
    ) async throws(StrategyError) -> TakenUnits {
        let bucket = reservation.id.bucket(of: moves.bucketCount)
        if bucket != 0 {
            evidence.attempts += 1
            let answer = try await run(
                EmbeddedScripts.luaAtomic, ProductKeys(reservation.product, bucket: bucket), [],
                reservation, &evidence)
            let decision = try answer.decision.meaning(for: reservation.product)
            if case .reserved = decision {
                return TakenUnits(decision: decision, epoch: answer.decision.epoch)
            }
        }
        return try await takeAtHome(reservation, &evidence)
    }

    private func takeAtHome(
        _ reservation: Reservation, _ evidence: inout Evidence
    ) async throws(StrategyError) -> TakenUnits {
        let keys = ProductKeys(reservation.product)
        var wereEmpty = false
        while true {
            evidence.attempts += 1
            let answer = try await run(
                EmbeddedScripts.takeAtHome, keys, [keys.drained], reservation, &evidence)
            let decision = try answer.decision.meaning(for: reservation.product)
            let taken = TakenUnits(decision: decision, epoch: answer.decision.epoch)
            guard case .soldOut = decision else { return taken }
            if answer.isDrained { return taken }
            if wereEmpty {
                // Short after a look at all the others: what anybody moved meanwhile has arrived and is gone.
                try await noteEmptiness(keys, &evidence)
                return taken
            }
            guard clock.now < reservation.deadline else {
                return TakenUnits(decision: .contended, epoch: nil)
            }
            wereEmpty = try await !moves.gather(reservation.product, &evidence)
        }
    }

    private func noteEmptiness(
        _ keys: ProductKeys, _ evidence: inout Evidence
    ) async throws(StrategyError) {
        let milliseconds = Int64(Self.emptinessHolds / .milliseconds(1))
        do throws(RedisError) {
            _ = try await redis.send(
                RedisCommand("SET", keys.drained, "1", "PX", String(milliseconds)), &evidence)
        } catch {
            // It only saves the next buyers a look; but a buyer who left wants to know.
            guard error.code != .cancelled else {
                throw StrategyError(error, during: "noting that the buckets are empty")
            }
        }
    }

    private func run(
        _ script: RedisScript, _ keys: ProductKeys, _ further: [String], _ reservation: Reservation,
        _ evidence: inout Evidence
    ) async throws(StrategyError) -> (decision: ScriptDecision, isDrained: Bool) {
        let reply: RESPValue
        do throws(RedisError) {
            reply = try await redis.run(
                script,
                keys: [keys.stock, keys.reservations, keys.epoch, keys.ended(reservation.id)] + further,
                arguments: [reservation.id.description, String(reservation.quantity)], &evidence)
        } catch {
            throw StrategyError(error, during: "reserving product \(reservation.product)")
        }
        let values = reply.array ?? []
        guard let decision = ScriptDecision(values), values.count == 3 + further.count else {
            throw StrategyError(.outcomeUnknown, "the script \(script.name) answered \(reply)")
        }
        return (decision, !further.isEmpty && values[3].integer == 1)
    }
}

extension ReservationID {
    /// The bucket in which a divided stock is asked first: the same for every process and every repetition.
    func bucket(of count: Int) -> Int {
        // FNV-1a, 32 bits (Fowler, Noll, Vo).
        var hash: UInt32 = 2_166_136_261
        for byte in description.utf8 { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
        return Int(hash) % max(count, 1)
    }
}

extension StrategyEntry {
    /// The strategy `sharded`: see ``Sharded``.
    public static let sharded = StrategyEntry(
        "sharded",
        traits: StrategyTraits(
            summary:
                "no lock: stock in 8 buckets on slots of their own, gathered in one when a bucket is short",
            criticalSection: "one script on one bucket", abilities: [.stallSafety],
            stockLayout: .buckets(ShardedFactory.buckets)),
        factory: ShardedFactory())
}

private struct ShardedFactory: StrategyFactory {
    static let buckets = 8

    func make<Redis: RedisPort, C: MonotonicClock>(
        from parts: StrategyParts<Redis, C>
    ) throws(StrategyConfigurationError) -> StrategyMechanism {
        .lockFree(Sharded(redis: parts.stock, clock: parts.clock, buckets: Self.buckets))
    }
}
