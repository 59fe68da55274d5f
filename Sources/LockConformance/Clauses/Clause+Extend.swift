import LockStrategies

extension Clause {
    static let extend = Clause(
        "extend", [14], "An extension moves the end of a lease that is held.", needs: [.extend]
    ) { scene in
        let servers = try await scene.servers()
        let one = try await scene.client("A", on: servers)
        let other = try await scene.client("B", on: servers)
        let held = try await scene.granted(one, "key", ttl: Scene.short, "a free key")
        let reply = await one.extend(held, "key", ttl: .seconds(10))
        guard let longer = reply.extended else {
            guard case .said = reply else {
                throw Judged.undecided("the extension of a held lease was answered: \(reply.words)")
            }
            throw Judged.failed("the extension of a held lease said \(reply.words)")
        }
        let left = ContinuousClock.now.duration(to: longer.validUntil)
        try scene.demand(
            left > Scene.short && left <= .seconds(10),
            "a lease that was extended to 10 s is valid for \(Words.time(left))")
        try await Task.sleep(for: Scene.short + .milliseconds(500))
        try await scene.demandTaken(
            other, "key", "B was granted the key 1.5 s after A's lease was extended to 10 s")
        let release = await one.release(longer, "key")
        try scene.demand(release.isReleased, "the release of an extended lease said \(release.words)")
        _ = try await scene.granted(other, "key", "a key that was released")
    }

    static let lateExtend = Clause(
        "late-extend", [14],
        "An extension after the lease has ended neither makes the key again nor takes it from the next holder.",
        needs: [.extend]
    ) { scene in
        let servers = try await scene.servers()
        let one = try await scene.client("A", on: servers)
        let other = try await scene.client("B", on: servers)
        let alone = try await scene.granted(one, "alone", ttl: Scene.short, "a free key")
        let old = try await scene.granted(one, "taken", ttl: Scene.short, "a free key")
        guard let new = try await scene.polled(other, "taken", within: .seconds(6)) else {
            throw Judged.undecided("the lease did not end (see the clause expiry)")
        }
        let late = await one.extend(old, "taken", ttl: Scene.long)
        try scene.demand(late.extended == nil, "A's lease was extended while B held the key")
        try await scene.demandTaken(one, "taken", "B held the key, and A's late extension set it free")
        let own = await other.release(new, "taken")
        try scene.demand(
            own.isReleased, "after A's late extension, the release of the holder B said \(own.words)")
        try await Task.sleep(until: alone.asked + Scene.short + .milliseconds(300), clock: .continuous)
        let lateAlone = await one.extend(alone, "alone", ttl: Scene.long)
        try scene.demand(lateAlone.extended == nil, "a lease that had ended was extended")
        let next = try await scene.polled(other, "alone", within: .seconds(2))
        if next == nil { await scene.look(servers) }
        try scene.demand(next != nil, "an extension that came too late made the key again")
        for reply in [late, lateAlone] {
            if case .silent(let limit) = reply {
                throw Judged.failed("a late extension was not answered within \(Words.time(limit))")
            }
        }
    }
}
