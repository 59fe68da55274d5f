import LockStrategies

extension Clause {
    static let lateRelease = Clause(
        "late-release", [5],
        "A release after the lease has ended does not say released, and leaves the next holder alone."
    ) { scene in
        let servers = try await scene.servers()
        let one = try await scene.client("A", on: servers)
        let other = try await scene.client("B", on: servers)
        let alone = try await scene.granted(one, "alone", ttl: Scene.short, "a free key")
        let old = try await scene.granted(one, "taken", ttl: Scene.short, "a free key")
        guard let new = try await scene.polled(other, "taken", within: .seconds(6)) else {
            throw Judged.undecided("the lease did not end, so no release was late (see the clause expiry)")
        }
        let late = await one.release(old, "taken")
        try scene.demand(!late.isReleased, "A's late release said released, while B held the key")
        try await scene.demandTaken(one, "taken", "B held the key, and A's late release set it free")
        let own = await other.release(new, "taken")
        try scene.demand(own.isReleased, "after A's late release, that of the holder B said \(own.words)")
        guard case .said = late else {
            throw Judged.undecided("A's late release was answered: \(late.words)")
        }
        let nobody = await one.release(alone, "alone")
        try scene.demand(
            !nobody.isReleased, "A's late release said released, while its lease had ended")
        guard case .said = nobody else {
            throw Judged.undecided("A's release after the end of its lease was answered: \(nobody.words)")
        }
    }

    static let secondRelease = Clause(
        "second-release", [6],
        "A second release of one lease is answered, and leaves the key of a successor alone."
    ) { scene in
        let servers = try await scene.servers()
        let one = try await scene.client("A", on: servers)
        let other = try await scene.client("B", on: servers)
        let old = try await scene.granted(one, "key", "a free key")
        let first = await one.release(old, "key")
        try scene.demand(first.isReleased, "the release of a key that A held said \(first.words)")
        // Some libraries answer "released" whatever Redis says; the clause judges what the release does.
        let second = await one.release(old, "key")
        let new = try await scene.granted(other, "key", "a key that was released")
        let third = await one.release(old, "key")
        try await scene.demandTaken(one, "key", "B held the key, and A's second release set it free")
        let own = await other.release(new, "key")
        try scene.demand(own.isReleased, "after A's second release, that of the holder B said \(own.words)")
        for reply in [second, third] {
            guard case .said = reply else {
                throw Judged.undecided("a second release was answered: \(reply.words)")
            }
        }
    }
}
