package import RedisClient

/// A release that makes the next task in line the owner, instead of nobody.
extension NotifyLock {
    /// Makes the heir the owner of the lock, in the place of this lease, and reads for it: one round trip for
    /// both of them.
    ///
    /// - Returns: What became of the lease; nil when it still has to be released.
    func handOver(
        _ lease: Lease, to heir: WaitingRoom.Place, _ evidence: inout Evidence
    ) async throws(StrategyError) -> ReleaseOutcome? {
        let next = Heir(heir, LeaseToken(random: random), asked: clock.now)
        let replies: [RESPValue]
        do throws(RedisError) {
            let reply = try await redis.finishing { () throws(RedisError) in
                try await redis.run(
                    heir.reading == nil ? EmbeddedScripts.handOverLock : EmbeddedScripts.handOverAndRead,
                    keys: [lease.key.description] + next.keys,
                    arguments: [lease.token.description] + next.arguments, &evidence)
            }
            replies = reply.array ?? [reply]
        } catch {
            room.notHandedOver(to: heir)
            // A Redis that is full takes no new owner. It still deletes.
            if error.code == .refused { return nil }
            let isEnded =
                error.mayHaveBeenApplied
                ? await delete(lease.key, of: [lease.token, next.token], &evidence) != nil : false
            await unsubscribe(room.released(lease, isKnown: isEnded))
            if !isEnded {
                leases.finishLater(
                    until: max(lease.validUntil, next.asked.advanced(by: heir.timeToLive)),
                    {
                        var uncounted = Evidence()
                        return await delete(lease.key, of: [lease.token, next.token], &uncounted)
                    },
                    then: { await unsubscribe(room.released(lease, isKnown: true)) })
            }
            throw StrategyError(error, during: "handing \(lease.key) over")
        }
        return await settle(lease, next, replies, &evidence)
    }

    /// A task that is to have the lock next, and what it gets.
    private struct Heir: Sendable {
        let place: WaitingRoom.Place
        let token: LeaseToken
        /// Its validity counts from here, before Redis can have set its key.
        let asked: ContinuousClock.Instant

        init(_ place: WaitingRoom.Place, _ token: LeaseToken, asked: ContinuousClock.Instant) {
            self.place = place
            self.token = token
            self.asked = asked
        }

        /// Behind the key of the lock; likewise the arguments behind the token of the holder.
        var keys: [String] { place.reading?.keys ?? [] }
        var arguments: [String] {
            [token.description, String(Int64(place.timeToLive / .milliseconds(1)))]
                + (place.reading?.arguments ?? [])
        }
    }

    /// Puts the waiting room in order after a hand-over that Redis has answered.
    ///
    /// - Parameter replies: Of the hand-over, and of the read for the heir.
    private func settle(
        _ lease: Lease, _ heir: Heir, _ replies: [RESPValue], _ evidence: inout Evidence
    ) async -> ReleaseOutcome {
        let answer = NodeAnswer(replies[0])
        guard answer == .done else {
            room.notHandedOver(to: heir.place)
            await unsubscribe(room.released(lease, isKnown: true))
            return ReleaseOutcome(answer)
        }
        let grant = Lease(
            key: lease.key, token: heir.token, fence: nil,
            validUntil: leases.validity.end(asked: heir.asked, timeToLive: heir.place.timeToLive))
        let stock = replies.count > 1 && replies[1] != .null ? replies[1] : nil
        if !room.handedOver(grant, stock, to: heir.place) {
            // It has left while the command was under way.
            _ = await uncancelled(&evidence) { [leases] cost in try? await leases.release(grant, &cost) }
            await unsubscribe(room.released(lease, isKnown: true))
        }
        return .released
    }

    /// Deletes the key if one of these tokens owns it, when nobody knows which does. In one step, so that a
    /// hand-over by one of them that is carried out after this finds no owner and makes no key.
    ///
    /// - Returns: What Redis has answered; nil when it has not.
    private func delete(
        _ key: LockKey, of tokens: [LeaseToken], _ evidence: inout Evidence
    ) async -> NodeAnswer? {
        await uncancelled(&evidence) { [redis] cost in
            let reply = try? await redis.finishing { () throws(RedisError) in
                try await redis.send(
                    RedisCommand(
                        "EVAL",
                        [EmbeddedScripts.releaseAndTell.source, "1", key.description]
                            + tokens.map(\.description)), &cost)
            }
            return reply.map { NodeAnswer($0) }
        }
    }
}

extension NotifyLock: CarryingLock {
    package func acquire(
        _ key: LockKey, timeToLive: Duration, deadline: ContinuousClock.Instant, reading read: SectionCall
    ) async throws(StrategyError) -> (outcome: AcquireOutcome, stock: RESPValue?) {
        try await take(key, timeToLive, deadline, reading: read)
    }

    /// A hand-over takes the write before it and the read for the heir along: in a chain of hand-overs a
    /// purchase is one round trip.
    package func release(
        _ lease: Lease, after write: SectionCall, _ evidence: inout Evidence
    ) async throws(StrategyError) -> (written: RESPValue, release: ReleaseOutcome?) {
        if let heir = room.heir(of: lease) {
            return try await handOver(lease, to: heir, after: write, &evidence)
        }
        let (written, answer) = try await leases.write(write, thenRelease: lease, &evidence)
        guard let answer else { return (written, await releaseAgain(lease, &evidence)) }
        await unsubscribe(room.released(lease, isKnown: true))
        return (written, ReleaseOutcome(answer))
    }

    private func handOver(
        _ lease: Lease, to heir: WaitingRoom.Place, after write: SectionCall, _ evidence: inout Evidence
    ) async throws(StrategyError) -> (written: RESPValue, release: ReleaseOutcome?) {
        let next = Heir(heir, LeaseToken(random: random), asked: clock.now)
        let replies: [RESPValue]
        do throws(StrategyError) {
            replies = try await leases.answers(
                to: heir.reading == nil
                    ? EmbeddedScripts.writeAndHandOver : EmbeddedScripts.writeHandOverAndRead,
                keys: write.keys + [lease.key.description] + next.keys,
                arguments: write.arguments + [lease.token.description] + next.arguments, under: lease,
                &evidence)
        } catch {
            room.notHandedOver(to: heir)
            if error.code == .outcomeUnknown { await takeBack(next, after: lease, &evidence) }
            throw error
        }
        guard replies.count > 1, replies[1] != .null else {
            room.notHandedOver(to: heir)
            return (replies[0], await releaseAgain(lease, &evidence))
        }
        let (release, cost) = await SendPermit.lifted {
            var cost = Evidence()
            return (await settle(lease, next, Array(replies[1...]), &cost), cost)
        }
        evidence = evidence + cost
        return (replies[0], release)
    }

    /// After a write without a reply that was to hand the lock over. The heir's token is there only when all
    /// of it was carried out: then nothing is under way, and the lock is free. The holder's token stays: the
    /// write may still come.
    private func takeBack(_ heir: Heir, after lease: Lease, _ evidence: inout Evidence) async {
        let (answer, cost) = await SendPermit.lifted {
            var cost = Evidence()
            return (await delete(lease.key, of: [heir.token], &cost), cost)
        }
        evidence = evidence + cost
        if answer == .done { await unsubscribe(room.released(lease, isKnown: true)) }
    }
}
