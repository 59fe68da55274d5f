import Foundation
import HTTPTypes
import LabProcesses
import LabTesting
import LockStrategies
import Testing

@testable import LabServerKit

/// What was right in one process has to be right in two.
@Suite(
    "Two servers on one PostgreSQL and one Redis", .serialized,
    .enabled(if: PostgresDatabases.canBeMade, "\(PostgresDatabases.absence)"))
struct ManyServersTests {
    private struct Word: Hashable {
        let status: Int
        let type: String?
    }

    @Test("A reservation that one server works on is left alone by the comparisons of the other")
    func reservations() async throws {
        try await ManyServersLab.run { lab in
            let servers = [try await lab.start(), try await lab.start()]
            let buyer = try await servers[0].client.signedIn()
            let boss = try await lab.administrator(at: servers[0])
            let product = try await buyer.product(units: 1_000_000)
            let end = ContinuousClock.now + .seconds(5)
            let words = try await withThrowingTaskGroup(of: [Word: Int].self) { group in
                for number in 0..<24 {
                    group.addTask {
                        let client = ApiClient(
                            port: servers[number % 2].client.port, token: buyer.token)
                        var words: [Word: Int] = [:]
                        while ContinuousClock.now < end {
                            let answer = try await client.buy(product)
                            let type = answer.body["type"] as? String
                            words[Word(status: answer.status, type: type), default: 0] += 1
                        }
                        return words
                    }
                }
                // Each compares again and again.
                for server in servers {
                    group.addTask {
                        let client = ApiClient(port: server.client.port, token: boss.token)
                        while ContinuousClock.now < end {
                            let answer = try await client.send(.post, "/api/admin/reconcile")
                            #expect(answer.status == 200)
                        }
                        return [:]
                    }
                }
                return try await group.reduce(into: [:]) { $0.merge($1, uniquingKeysWith: +) }
            }
            #expect(Set(words.keys) == [Word(status: 200, type: nil)], "\(words)")
            for server in servers {
                #expect(await server.process.terminate(grace: .seconds(30)) == .exited(0))
            }
            let checked = try await lab.command(["reconcile", "--redis", lab.redis[0].url])
            #expect(checked.status == .exited(0), "\(checked)")
        }
    }

    @Test("A token that was ended at one server is refused by the other within three seconds")
    func revocation() async throws {
        try await ManyServersLab.run { lab in
            let servers = [try await lab.start(), try await lab.start()]
            let first = try await servers[0].client.signedIn()
            let second = ApiClient(port: servers[1].client.port, token: first.token)
            #expect(try await second.send(.get, "/api/auth/me").status == 200)
            #expect(try await first.send(.post, "/api/auth/logout").status == 204)
            try await waitUntil(limit: .seconds(30)) {
                try await second.send(.get, "/api/auth/me").status == 401
            }
            for server in servers { await server.process.terminate(grace: .seconds(30)) }
        }
    }

    @Test("Nobody is told that a product is sold out whose units another server left on their way")
    func supply() async throws {
        try await ManyServersLab.run { lab in
            let whole = try await lab.start(["--reconcile-interval-s", "0"])
            let dying = try await lab.start(
                ["--reconcile-interval-s", "0"], crashAt: "after-supply")
            let boss = try await lab.administrator(at: whole)
            let product = try await boss.product(units: 1)
            #expect(try await boss.buy(product).status == 200)
            #expect(try await boss.buy(product).status == 400)
            let other = ApiClient(port: dying.client.port, token: boss.token)
            _ = try? await other.send(
                .post, "/api/admin/products/\(product)/stock", #"{"delta":5,"reason":"more"}"#)
            _ = await dying.process.waitUntilExit(within: .seconds(30))
            // The ledger has five more units, and Redis does not know them.
            let statuses = Recorder<Int>()
            try await waitUntil(limit: .seconds(60)) {
                let status = try await boss.buy(product).status
                statuses.note(status)
                return status == 200
            }
            #expect(!statuses.values.contains(400), "\(Set(statuses.values))")
            #expect(try await boss.stock(product) == 4)
            await whole.process.terminate(grace: .seconds(30))
        }
    }
}
