import Foundation
import HTTPTypes
import InventoryService
import LabProcesses
import LabTesting
import LockStrategies
import PostgresClient
import Synchronization
import Testing

@testable import LabServerKit

/// Buyers at two servers, who ask again under their key until they have an answer; one of the servers has a
/// bad time meanwhile. Afterwards rows, stock and answers are counted.
@Suite(
    "Two servers sell exactly, whatever becomes of one of them", .serialized,
    .enabled(if: PostgresDatabases.canBeMade, "\(PostgresDatabases.absence)"))
struct ManyServersExactTests {
    enum Strike: String, Sendable, CaseIterable {
        case none
        /// SIGSTOP, and SIGCONT before the others take over.
        case stopped
        /// SIGSTOP for longer than a server may give no sign of life.
        case stoppedPastItsLease
        case killed
        /// Killed, and another one started.
        case restarted
        /// Another one started, and then this one ended by SIGTERM: a step of a rolling restart.
        case replaced
    }

    /// A strategy, what becomes of one of its servers, and how often it was tried before.
    struct Case: Sendable, CustomTestStringConvertible {
        let strategy: StrategyEntry
        let strike: Strike
        var round = 1

        var testDescription: String { "\(strategy), \(strike), round \(round)" }
    }

    static let strategies = StrategyRegistry.builtIn.entries.filter { !$0.isNegativeControl }
    /// Two strategies with every strike, and five cases of the others, which are other ones each day. With
    /// `LAB_LONG_TESTS=1` all of them, ten times: for more than an hour. `LAB_LONG_STRATEGIES` and
    /// `LAB_LONG_ROUNDS` take less.
    static let cases: [Case] = {
        let environment = ProcessInfo.processInfo.environment
        let strikes = Strike.allCases.dropFirst()
        func cases(_ strategies: [StrategyEntry], _ round: Int = 1) -> [Case] {
            strategies.flatMap { strategy in
                strikes.map { Case(strategy: strategy, strike: $0, round: round) }
            }
        }
        guard environment["LAB_LONG_TESTS"] != nil else {
            let usual: [StrategyEntry] = [.luaAtomic, .fenced]
            let others = cases(strategies.filter { !usual.contains($0) })
            let day = Int(Date().timeIntervalSince1970 / 86_400)
            return cases(usual) + (0..<5).map { others[(5 * day + $0) * 7 % others.count] }
        }
        let names = environment["LAB_LONG_STRATEGIES"]?.split(separator: ",").map(String.init)
        let named = strategies.filter { names?.contains($0.name) ?? true }
        let rounds = environment["LAB_LONG_ROUNDS"].flatMap { Int($0) } ?? 10
        return (1...max(rounds, 1)).flatMap { cases(named, $0) }
    }()
    private static let units = 150

    /// Where servers are reached; a buyer takes them in turn.
    private final class Addresses: Sendable {
        private let ports: Mutex<[Int]>

        init(_ ports: [Int]) { self.ports = Mutex(ports) }

        func port(_ turn: Int) -> Int { ports.withLock { $0[turn % $0.count] } }

        func replace(_ old: Int, by new: Int?) {
            ports.withLock { ports in
                ports.removeAll { $0 == old }
                if let new { ports.append(new) }
            }
        }
    }

    @Test("Every strategy, with both of them whole", arguments: strategies)
    func whole(strategy: StrategyEntry) async throws {
        let sold = try await run(strategy, .none)
        #expect(sold == Self.units)
    }

    @Test("While one is stopped, killed or restarted", arguments: cases)
    func whileStruck(one: Case) async throws {
        _ = try await run(one.strategy, one.strike)
    }

    /// - Returns: Units that were sold.
    private func run(_ strategy: StrategyEntry, _ strike: Strike) async throws -> Int {
        var sold = 0
        try await ManyServersLab.run(strategy) { lab in
            let servers = [
                try await lab.start(["--reconcile-interval-s", "2"]),
                try await lab.start(["--reconcile-interval-s", "2"]),
            ]
            let buyer = try await servers[0].client.signedIn()
            let product = try await buyer.product(units: Self.units)
            let addresses = Addresses(servers.map(\.client.port))
            let answered = Recorder<Int>()
            let soldOut = Recorder<String>()
            var replacement: ManyServersLab.Member?
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<16 {
                    group.addTask {
                        for round in 0..<14 {
                            let key = "\(number)-\(round)"
                            let id = try await Self.buy(product, key, number, buyer.token, addresses)
                            if let id { answered.note(id) } else { soldOut.note(key) }
                        }
                    }
                }
                try await waitUntil { answered.values.count >= 30 }
                replacement = try await Self.strike(strike, servers[1], lab, addresses)
                try await group.waitForAll()
            }
            let ended = [servers[0], replacement ?? servers[1]]
            for server in ended where server.process.isRunning {
                #expect(await server.process.terminate(grace: .seconds(40)) == .exited(0))
            }
            sold = try await Self.audit(lab, strategy, product, answered.values)
            print("\(strategy) \(strike): \(sold) sold, \(soldOut.values.count) told sold out")
        }
        return sold
    }

    private static func strike(
        _ strike: Strike, _ server: ManyServersLab.Member, _ lab: ManyServersLab, _ addresses: Addresses
    ) async throws -> ManyServersLab.Member? {
        let port = server.client.port
        switch strike {
        case .none: return nil
        case .stopped, .stoppedPastItsLease:
            server.process.signal(SIGSTOP)
            try await Task.sleep(for: strike == .stopped ? .seconds(2) : .seconds(13))
            server.process.signal(SIGCONT)
            return nil
        case .killed:
            addresses.replace(port, by: nil)
            _ = await server.process.killNow()
            return nil
        case .restarted:
            addresses.replace(port, by: nil)
            _ = await server.process.killNow()
            let new = try await lab.start(["--reconcile-interval-s", "2"])
            addresses.replace(port, by: new.client.port)
            return new
        case .replaced:
            let new = try await lab.start(["--reconcile-interval-s", "2"])
            addresses.replace(port, by: new.client.port)
            #expect(await server.process.terminate(grace: .seconds(40)) == .exited(0))
            return new
        }
    }

    /// Asks one server after the other until one of them says what became of the purchase.
    ///
    /// - Returns: The number of the purchase; nil: sold out.
    private static func buy(
        _ product: Int, _ key: String, _ number: Int, _ token: String?, _ addresses: Addresses
    ) async throws -> Int? {
        let end = ContinuousClock.now + .seconds(120)
        var turn = number
        let header = try #require(HTTPField.Name("Idempotency-Key"))
        while ContinuousClock.now < end {
            let client = ApiClient(port: addresses.port(turn), token: token)
            turn += 1
            let asked = await reply(within: .seconds(3)) {
                try await client.buy(product, headers: [header: key])
            }
            guard let answer = asked else { continue }
            switch answer.status {
            case 200: return answer.id ?? -1
            case 400: return nil
            case 409, 429, 503: try await Task.sleep(for: .milliseconds(20))
            default: throw Unexpected(text: "\(answer.status): \(answer.text)")
            }
        }
        throw Unexpected(text: "no answer in two minutes under \(key)")
    }

    private struct Unexpected: Error {
        let text: String
    }

    /// Nil when the server did not answer.
    private static func reply(
        within limit: Duration, _ ask: @escaping @Sendable () async throws -> ApiClient.Answer
    ) async -> Reply? {
        await withTaskGroup(of: Reply?.self) { group in
            group.addTask {
                guard let answer = try? await ask() else { return nil }
                return Reply(status: answer.status, id: answer.body["id"] as? Int, text: answer.text)
            }
            group.addTask {
                try? await Task.sleep(for: limit)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
    }

    private struct Reply: Sendable {
        let status: Int
        let id: Int?
        let text: String
    }

    /// Counts with SQL of its own.
    ///
    /// - Returns: Units that were sold.
    private static func audit(
        _ lab: ManyServersLab, _ strategy: StrategyEntry, _ product: Int, _ answered: [Int]
    ) async throws -> Int {
        let checked = try await lab.command([
            "reconcile", "--fix", "--strategy", strategy.name, "--redis",
            lab.redis.map(\.url).joined(separator: ","),
        ])
        #expect(checked.status == .exited(0), "\(checked)")
        let again = try await lab.command([
            "reconcile", "--strategy", strategy.name, "--redis",
            lab.redis.map(\.url).joined(separator: ","),
        ])
        #expect(again.status == .exited(0), "\(again)")
        let pool = PostgresPool(try PostgresEndpoint(parsing: lab.database.url()), .init(connections: 1))
        defer { pool.close() }
        let rows = try await pool.run(
            PostgresStatement(nil, "SELECT id FROM purchases ORDER BY id").with()
        )[0].rows.map { Int(try $0.number(0)) }
        let sums = try await pool.run(
            PostgresStatement(nil, "SELECT sold, supplied FROM products").with())[0].rows
        #expect(Set(answered).count == answered.count, "a purchase was answered twice")
        #expect(answered.sorted() == rows, "answers and rows differ")
        #expect(try sums.map { try $0.int(0) } == [rows.count])
        #expect(rows.count <= units)
        return rows.count
    }
}
