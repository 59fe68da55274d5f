import FaultInjection
import LabProcesses
import LockStrategies

extension Clause {
    static let expiry = Clause(
        "expiry", [15], "A key whose holder was killed is free after its time to live, and not before."
    ) { scene in
        let servers = try await scene.servers()
        let one = try await scene.client("A", on: servers)
        let other = try await scene.client("B", on: servers)
        let held = try await scene.granted(one, "key", ttl: Scene.short, "a free key")
        await one.kill()
        let reply = await other.acquire("key", wait: .seconds(6))
        if reply.isContended { await scene.look(servers) }
        try scene.demand(
            !reply.isContended,
            "the holder was killed, and 5 s after its time to live of 1 s the key was still taken")
        guard let next = reply.held else {
            throw Judged.undecided("B waited for the key of a dead holder and was answered: \(reply.words)")
        }
        // A lock counts from when Redis got its command, which was later than this.
        let after = held.asked.duration(to: next.arrived)
        try scene.demand(
            after >= Scene.short - .milliseconds(5),
            "B was granted the key \(Words.time(after)) after A had asked for it with a time to live of 1 s")
    }

    static let killedClient = Clause(
        "killed-client", [13], "The key has a time to live wherever its client dies."
    ) { scene in
        let servers = try await scene.servers()
        let other = try await scene.client("B", on: servers)
        // As if the client died after each of its first commands.
        let dead = try await withThrowingTaskGroup(of: String.self) { group in
            for count in 0..<4 {
                group.addTask { try await die(afterReplies: count, servers, scene) }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        for key in dead.sorted() {
            let reply = await other.acquire(key, wait: .seconds(6))
            if reply.isContended { await scene.look(servers) }
            try scene.demand(
                !reply.isContended,
                "the client died while it acquired \"\(key)\", and 5 s after its time to live of 1 s the key was still taken"
            )
            guard reply.held != nil else {
                throw Judged.undecided(
                    "B waited for the key of a dead client and was answered: \(reply.words)")
            }
        }
    }

    /// - Returns: The key that it was about to acquire.
    private static func die(
        afterReplies count: Int, _ servers: [RedisServerProcess], _ scene: Scene
    ) async throws -> String {
        let key = "key \(count)"
        let proxies = try await scene.proxies(servers)
        let client = try await scene.client("A\(count)", through: proxies)
        try await scene.warm(client, key: "warm \(count)")
        for proxy in proxies { proxy.set(.vanish(after: count)) }
        let when = count == 0 ? "before a reply" : count == 1 ? "after a reply" : "after \(count) replies"
        scene.trace.add("bench", "A\(count) dies \(when) of Redis, in the midst of acquire \"\(key)\"")
        let asked = Task { await client.acquire(key, ttl: Scene.short, isNoted: false) }
        _ = await FirstAnswer.within(SceneClient.bound) { await end(of: asked, proxies) }
        asked.cancel()
        // Nothing of it comes through any more.
        for proxy in proxies {
            proxy.set(.refuse)
            proxy.reset()
        }
        await client.kill()
        return key
    }

    /// Returns when the call was answered, or when it is cut off from all servers.
    private static func end(of call: Task<Reply<Acquired>, Never>, _ proxies: [FaultProxy]) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await withTaskCancellationHandler {
                    _ = await call.value
                } onCancel: {
                    call.cancel()
                }
            }
            group.addTask {
                while !Task.isCancelled, !proxies.allSatisfy(\.isRefusing) {
                    try? await Task.sleep(for: .milliseconds(5))
                }
            }
            await group.next()
            group.cancelAll()
        }
    }

    static let lostReply = Clause(
        "lost-reply", [24],
        "A client whose grant was lost on the way takes its key back: the next one waits less than a time to live."
    ) { scene in
        let servers = try await scene.servers()
        let next = try await scene.client("B", on: servers)
        for count in 0..<3 {
            let key = "key \(count)"
            let proxies = try await scene.proxies(servers)
            let client = try await scene.client("A", through: proxies)
            try await scene.warm(client, key: "warm \(count)")
            for proxy in proxies { proxy.set(.cutReply(after: count)) }
            scene.trace.add("bench", "A's connection is cut instead of reply \(count + 1) of Redis")
            let reply = await client.acquire(key)
            for proxy in proxies { proxy.set(.pass) }
            if let held = reply.held {
                _ = await client.release(held, key)
                continue
            }
            let taken = try await scene.polled(next, key, within: .seconds(6))
            if taken == nil { await scene.look(servers) }
            try scene.demand(
                taken != nil,
                "A lost the reply and was answered \(reply.words); its key of 30 s was still taken 6 s later")
        }
    }
}
