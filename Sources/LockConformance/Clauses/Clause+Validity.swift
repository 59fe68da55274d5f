import FaultInjection
import LockStrategies

extension Clause {
    /// Overlaps below this are not judged: an answer is under way for a while, and the bench counts from its
    /// arrival.
    private static let tolerance = Duration.milliseconds(100)

    static let validity = Clause(
        "validity", [10],
        "A grant is never valid for longer than the servers keep it, also when its answer came late.",
        needs: [.validity]
    ) { scene in
        let servers = try await scene.servers()
        let proxies = try await scene.proxies(servers)
        let one = try await scene.client("A", on: servers)
        let late = try await scene.client("B", through: proxies)
        let next = try await scene.client("C", on: servers)
        try await scene.warm(late)
        for proxy in proxies { proxy.set(.holdReplies) }
        scene.trace.add("bench", "the replies of Redis to B are held back for 500 ms")
        async let lateReply = late.acquire("late", ttl: Scene.short)
        try await Task.sleep(for: .milliseconds(500))
        for proxy in proxies { proxy.set(.pass) }
        let reply = await lateReply
        // Refused is right, too: nothing of the validity may be left.
        if let held = reply.held {
            try await judge(held, of: late, "late", against: next, scene)
        }
        let held = try await scene.granted(one, "plain", ttl: Scene.short, "a free key")
        try scene.demand(
            held.lease.validUntil <= held.arrived + Scene.short,
            "the grant is valid for longer than its time to live of 1 s")
        try await judge(held, of: one, "plain", against: next, scene)
    }

    private static func judge(
        _ held: Held, of holder: SceneClient, _ key: String, against next: SceneClient, _ scene: Scene
    ) async throws {
        guard let successor = try await scene.polled(next, key, within: .seconds(6)) else {
            throw Judged.undecided("the lease did not end (see the clause expiry)")
        }
        let overlap = successor.arrived.duration(to: held.lease.validUntil)
        try scene.demand(
            overlap <= tolerance,
            "\(next.name) was granted the key, and \(holder.name)'s grant was valid for \(Words.time(overlap)) more"
        )
    }

    static let lateGrant = Clause(
        "late-grant", [9], "A grant whose answer came after its time to live is none."
    ) { scene in
        let servers = try await scene.servers()
        let proxies = try await scene.proxies(servers)
        let late = try await scene.client("A", through: proxies)
        let next = try await scene.client("B", on: servers)
        try await scene.warm(late)
        for proxy in proxies { proxy.set(.holdReplies) }
        scene.trace.add("bench", "the replies of Redis to A are held back for 1,250 ms")
        async let lateReply = late.acquire("key", ttl: Scene.short)
        try await Task.sleep(for: .milliseconds(1_250))
        for proxy in proxies { proxy.set(.pass) }
        guard let held = await lateReply.held, held.arrived < held.lease.validUntil else { return }
        // The proof: somebody else gets the key. A lock that asked again holds it now.
        guard let other = await next.acquire("key").held else { return }
        try scene.demand(
            other.arrived >= held.lease.validUntil,
            "A was granted the key with a time to live of 1 s after 1,250 ms, and B was granted it beside A")
    }

    static let longWait = Clause(
        "long-wait", [11, 15],
        "A waiter gets the key after its release, and its validity counts from the try that was granted."
    ) { scene in
        let servers = try await scene.servers()
        let one = try await scene.client("A", on: servers)
        let other = try await scene.client("B", on: servers)
        let held = try await scene.granted(one, "key", "a free key")
        async let later = other.acquire("key", ttl: .seconds(2), wait: .seconds(8))
        try await Task.sleep(for: .milliseconds(1_200))
        let release = await one.release(held, "key")
        let released = ContinuousClock.now
        try scene.demand(release.isReleased, "the release of a key that A held said \(release.words)")
        let reply = await later
        try scene.demand(
            !reply.isContended, "B waited 8 s for a key that was free after 1.2 s, and was told contended")
        guard let granted = reply.held else {
            throw Judged.undecided("B waited for the key and was answered: \(reply.words)")
        }
        let late = released.duration(to: granted.arrived)
        try scene.demand(late < .seconds(4), "B was granted the key \(Words.time(late)) after its release")
        guard scene.has(.validity) else { return }
        let left = granted.arrived.duration(to: granted.lease.validUntil)
        try scene.demand(
            left > .milliseconds(1_400),
            "B's grant had a time to live of 2 s, and was valid for \(Words.time(left)) after a wait of 1.2 s"
        )
    }

    static let wallClock = Clause(
        "wall-clock", [12], "A jump of a client's wall clock by an hour changes nothing.",
        needs: [.ownProcess]
    ) { scene in
        let shim: ClockShim
        do {
            shim = try await ClockShim.build()
        } catch {
            throw Judged.undecided("the wall clock cannot be moved: \(error)")
        }
        let servers = try await scene.servers()
        let proxies = try await scene.proxies(servers)
        let moved = try await scene.client("A", through: proxies, environment: shim.variables)
        let other = try await scene.client("B", on: servers)
        try await scene.warm(moved)
        let held = try await scene.granted(other, "other", "a free key")
        let own = try await scene.granted(moved, "own", "a free key")
        for hours in [1, -1] {
            let direction = hours > 0 ? "forward" : "back"
            try shim.jump(to: Int64(hours) * 3_600)
            scene.trace.add("bench", "the wall clock of A stands an hour \(direction)")
            try await scene.demandTaken(
                moved, "other", "A was granted a key that B held, after its wall clock jumped \(direction)")
            try await scene.demandTaken(
                other, "own", "B was granted a key that A held, after A's wall clock jumped \(direction)")
            try shim.jump(to: 0)
            try await acquireMeanwhile(hours, shim, proxies, moved, scene)
        }
        let ends = [await other.release(held, "other"), await moved.release(own, "own")]
        for end in ends {
            try scene.demand(end.isReleased, "the release of a key that was held said \(end.words)")
        }
    }

    /// The clock jumps while an answer is under way.
    private static func acquireMeanwhile(
        _ hours: Int, _ shim: ClockShim, _ proxies: [FaultProxy], _ moved: SceneClient, _ scene: Scene
    ) async throws {
        let key = "jump \(hours)"
        for proxy in proxies { proxy.set(.holdReplies) }
        async let later = moved.acquire(key)
        try await Task.sleep(for: .milliseconds(200))
        try shim.jump(to: Int64(hours) * 3_600)
        scene.trace.add(
            "bench",
            "the wall clock of A jumps an hour \(hours > 0 ? "forward" : "back"), then its answer comes")
        for proxy in proxies { proxy.set(.pass) }
        let reply = await later
        guard let held = reply.held else {
            throw Judged.failed(
                "A asked for a free key, its wall clock jumped meanwhile, and the answer was: \(reply.words)")
        }
        let left = held.arrived.duration(to: held.lease.validUntil)
        try scene.demand(
            left > Scene.long / 2 && left <= Scene.long,
            "A's grant of 30 s was valid for \(Words.time(left)) after its wall clock jumped")
        let release = await moved.release(held, key)
        try scene.demand(release.isReleased, "the release of a key that A held said \(release.words)")
        try shim.jump(to: 0)
    }
}
