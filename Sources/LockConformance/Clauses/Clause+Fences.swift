import LabProcesses
import LockStrategies

extension Clause {
    static let fences = Clause(
        "fences", [38],
        "Fences rise with each grant: over clients, after a lease that ended, and over a restart of Redis.",
        needs: [.fence]
    ) { scene in
        // It keeps every write: what it forgets is no fault of the lock.
        let servers = try await scene.servers(RedisServerOptions(persistence: .aofAlways))
        var newest: Fence?
        for round in 0..<2 {
            let clients = [
                try await scene.client(round == 0 ? "A" : "C", on: servers),
                try await scene.client(round == 0 ? "B" : "D", on: servers),
            ]
            for turn in 0..<6 {
                let client = clients[turn % 2]
                let isLeft = turn == 4
                let held = try await scene.granted(
                    client, "key", ttl: isLeft ? Scene.short : Scene.long, wait: .seconds(6),
                    "a key that is free or becomes free")
                guard let fence = held.lease.fence else { throw Judged.failed("a grant carried no fence") }
                if let newest {
                    try scene.demand(
                        fence > newest,
                        "the fence \(fence.rawValue) was granted after \(newest.rawValue), and must be higher"
                    )
                }
                newest = fence
                if !isLeft { _ = await client.release(held, "key") }
            }
            guard round == 0 else { break }
            for server in servers {
                await server.kill()
                try await server.restart()
            }
            scene.trace.add("bench", "Redis is killed and started again with all that it had written")
        }
    }
}
