import FaultInjection
import LabProcesses
import LockStrategies
import RedisClient

extension Clause {
    static let deadRedis = Clause(
        "dead-redis", [28], "A Redis that is gone is an error in bounded time, and never \"contended\"."
    ) { scene in
        try await unanswered(scene, "Redis is killed") { await $0.kill() }
    }

    static let hangingRedis = Clause(
        "hanging-redis", [28], "A Redis that hangs is an error in bounded time, and never \"contended\"."
    ) { scene in
        try await unanswered(scene, "Redis is stopped (SIGSTOP)") { $0.pause() }
    }

    static let refusingRedis = Clause(
        "refusing-redis", [28], "A Redis that refuses to write is an error, and never \"contended\"."
    ) { scene in
        try await unanswered(scene, "Redis is out of memory (maxmemory) and refuses to write") { server in
            let client = RedisClient(
                server.endpoint, limits: .init(connect: .seconds(5), command: .seconds(5)))
            _ = try await client.send(RedisCommand("CONFIG", "SET", "maxmemory", "1"))
            await client.close()
        }
    }

    private static func unanswered(
        _ scene: Scene, _ what: String, _ strike: (RedisServerProcess) async throws -> Void
    ) async throws {
        let servers = try await scene.servers()
        let client = try await scene.client("A", on: servers)
        try await scene.warm(client)
        for server in servers { try await strike(server) }
        scene.trace.add("bench", what)
        let asked = ContinuousClock.now
        let wait = Duration.milliseconds(500)
        let reply = await client.acquire("key", wait: wait)
        let took = asked.duration(to: .now)
        // A client that is told to end need not wait for it.
        for server in servers { server.resume() }
        try scene.demand(!reply.isContended, "\(what), and A was told that somebody else holds the key")
        try scene.demand(reply.held == nil, "\(what), and A was granted the key")
        try scene.demand(
            took < wait + SceneClient.bound,
            "\(what), and A, which waits 0.5 s, was not answered within \(Words.time(wait + SceneClient.bound))"
        )
    }

    static let deadline = Clause(
        "deadline", [18], "An acquisition ends at its deadline, and one without patience after one try."
    ) { scene in
        let servers = try await scene.servers()
        let one = try await scene.client("A", on: servers)
        let other = try await scene.client("B", on: servers)
        _ = try await scene.granted(one, "key", "a free key")
        for wait in [Duration.zero, .milliseconds(700)] {
            let asked = ContinuousClock.now
            let reply = await other.acquire("key", wait: wait)
            let took = asked.duration(to: .now)
            try scene.demand(
                took < wait + .seconds(3),
                "B waits \(Words.time(wait)) at most, and was answered after \(Words.time(took))")
            try scene.demand(reply.held == nil, "B was granted a key that A held")
            guard reply.isContended else {
                throw Judged.undecided("B asked for a key that is held and was answered: \(reply.words)")
            }
        }
    }

    static let cancelledWait = Clause(
        "cancelled-wait", [19], "A wait that is cancelled ends at once and leaves nothing behind."
    ) { scene in
        let servers = try await scene.servers()
        let one = try await scene.client("A", on: servers)
        let other = try await scene.client("B", on: servers)
        let held = try await scene.granted(one, "key", "a free key")
        let waiter = Task { await other.acquire("key", wait: .seconds(20)) }
        try await Task.sleep(for: .milliseconds(400))
        waiter.cancel()
        let cancelled = ContinuousClock.now
        scene.trace.add("bench", "B's wait is cancelled")
        let reply = await waiter.value
        let took = cancelled.duration(to: .now)
        try scene.demand(
            took < .seconds(3), "B's wait went on for \(Words.time(took)) after it was cancelled")
        try scene.demand(reply.held == nil, "B was granted a key that A held")
        let release = await one.release(held, "key")
        try scene.demand(release.isReleased, "the release of a key that A held said \(release.words)")
        let next = try await scene.polled(one, "key", within: .seconds(6))
        try scene.demand(
            next != nil, "6 s after the release the key was still taken by a client that had left")
    }

    static let releaseEnds = Clause(
        "release-ends", [20], "A release ends by itself: also after its lease, and when Redis is gone."
    ) { scene in
        let servers = try await scene.servers()
        let client = try await scene.client("A", on: servers)
        let old = try await scene.granted(client, "old", ttl: Scene.short, "a free key")
        try await Task.sleep(for: Scene.short + .milliseconds(200))
        var asked = ContinuousClock.now
        let late = await client.release(old, "old")
        try scene.demand(
            asked.duration(to: .now) < .seconds(5),
            "the release of a lease that had ended was not answered within 5 s, but: \(late.words)")
        let held = try await scene.granted(client, "key", "a free key")
        for server in servers { await server.kill() }
        scene.trace.add("bench", "Redis is killed")
        asked = .now
        let reply = await client.release(held, "key")
        try scene.demand(!reply.isReleased, "Redis is gone, and a release said released")
        try scene.demand(
            asked.duration(to: .now) < SceneClient.bound,
            "Redis is gone, and the release was not answered within \(Words.time(SceneClient.bound))")
    }

    static let releaseAgain = Clause(
        "release-again", [20], "A release that failed can be tried again, and gives the key back then."
    ) { scene in
        let servers = try await scene.servers()
        let proxies = try await scene.proxies(servers)
        let client = try await scene.client("A", through: proxies)
        let next = try await scene.client("B", on: servers)
        let held = try await scene.granted(client, "key", "a free key")
        for proxy in proxies {
            proxy.set(.refuse)
            proxy.reset()
        }
        scene.trace.add("bench", "A is cut off from Redis")
        let first = await client.release(held, "key")
        try scene.demand(!first.isReleased, "A was cut off from Redis, and its release said released")
        for proxy in proxies { proxy.set(.pass) }
        scene.trace.add("bench", "A can reach Redis again")
        // The first call may find its old connection broken.
        for _ in 0..<3 {
            guard case .failed = await client.release(held, "key") else { break }
            try await Task.sleep(for: .milliseconds(300))
        }
        let taken = try await scene.polled(next, "key", within: .seconds(6))
        try scene.demand(
            taken != nil, "A released the key again when Redis was back, and 6 s later it was still taken")
    }
}
