import FaultInjection
import LabProcesses
import LockStrategies

/// What the servers are while a lock with a majority asks them.
private struct Mix: Sendable, CustomStringConvertible {
    enum Node: String, Sendable {
        case free, taken, dead, hanging
    }

    let nodes: [Node]

    init(_ counts: [(Int, Node)]) {
        nodes = counts.flatMap { Array(repeating: $0.1, count: $0.0) }
    }

    var free: Int { nodes.count { $0 == .free } }
    var mustBeGranted: Bool { free >= nodes.count / 2 + 1 }

    var description: String {
        [Node.free, .taken, .dead, .hanging].compactMap { node in
            let count = nodes.count { $0 == node }
            return count == 0 ? nil : "\(count) \(node.rawValue)"
        }.joined(separator: ", ")
    }

    /// Around the majority of five and of four, with each kind of trouble.
    static let all = [
        Mix([(5, .free)]), Mix([(3, .free), (2, .taken)]), Mix([(3, .free), (2, .dead)]),
        Mix([(3, .free), (2, .hanging)]), Mix([(3, .free), (1, .dead), (1, .hanging)]),
        Mix([(2, .free), (3, .taken)]), Mix([(2, .free), (3, .dead)]), Mix([(2, .free), (3, .hanging)]),
        Mix([(2, .free), (1, .taken), (1, .dead), (1, .hanging)]), Mix([(5, .taken)]),
        Mix([(3, .free), (1, .taken)]), Mix([(2, .free), (2, .taken)]), Mix([(2, .free), (2, .dead)]),
    ]
}

extension Clause {
    static let quorum = Clause(
        "quorum", [29, 30, 31],
        "Of N servers N/2 + 1 decide: granted exactly when so many are free; a failed attempt leaves no key.",
        needs: [.quorum]
    ) { scene in
        let servers = try await scene.servers()
        // One client for each server alone: it makes the server taken, and sees whether it is free.
        var single: [SceneClient] = []
        for (place, server) in servers.enumerated() {
            single.append(try await scene.client("S\(place + 1)", on: [server]))
        }
        let alone = single
        let next = IndexQueue(Mix.all.count)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    while let number = next.take() {
                        try await judge(Mix.all[number], number, servers, alone, scene)
                    }
                }
            }
            // The first failure ends the others: its steps are the newest.
            try await group.waitForAll()
        }
    }

    private static func judge(
        _ mix: Mix, _ number: Int, _ servers: [RedisServerProcess], _ single: [SceneClient], _ scene: Scene
    ) async throws {
        let key = "key \(number)"
        let proxies = try await scene.proxies(Array(servers.prefix(mix.nodes.count)))
        let client = try await scene.client("A\(number)", through: proxies)
        try await scene.warm(client, key: "warm \(number)")
        for (place, node) in mix.nodes.enumerated() {
            switch node {
            case .free: break
            case .taken:
                let reply = await single[place].acquire(key, isNoted: false)
                guard reply.held != nil else {
                    throw Judged.undecided("a client of one server alone was answered: \(reply.words)")
                }
            case .dead:
                proxies[place].set(.refuse)
                proxies[place].reset()
            case .hanging: proxies[place].set(.swallowCommands)
            }
        }
        scene.trace.add("bench", "of \(mix.nodes.count) servers for \(client.name): \(mix)")
        let asked = ContinuousClock.now
        let reply = await client.acquire(key)
        let took = asked.duration(to: .now)
        let majority = mix.nodes.count / 2 + 1
        try scene.demand(
            took < SceneClient.bound,
            "with \(mix) the acquisition was not answered within \(Words.time(SceneClient.bound))")
        if mix.mustBeGranted {
            try scene.demand(
                reply.held != nil,
                "with \(mix) the key must be granted, because \(majority) decide; the answer was \(reply.words)"
            )
        } else {
            try scene.demand(
                reply.held == nil,
                "with \(mix) the key was granted, and \(majority) of \(mix.nodes.count) decide")
        }
        if let held = reply.held {
            let release = await client.release(held, key)
            try scene.demand(
                release.isReleased, "with \(mix) the release of a held key said \(release.words)")
        }
        for (place, node) in mix.nodes.enumerated() where node == .free {
            let free = try await scene.polled(single[place], key, within: .seconds(5))
            try scene.demand(
                free != nil,
                "with \(mix) \(client.name) \(reply.held == nil ? "was refused" : "released"), and 5 s later its key was still on server \(place + 1)"
            )
        }
    }
}
