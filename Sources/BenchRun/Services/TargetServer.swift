import BenchAudit
package import BenchLoad
package import BenchModel
import BenchResults
import Foundation
package import LockStrategies
import NIOHTTP1
import Synchronization

/// A server that was running before the bench came and goes on afterwards (`--target`).
package final class TargetServer: Sendable {
    package let target: LoadTarget
    /// As the server says it.
    package let strategy: StrategyEntry?
    /// Begins the names of the users that this run makes there: no run before it has taken them.
    package let prefix: String
    /// Told when the server makes the set-up wait.
    private let notice: @Sendable (String) -> Void
    /// Tokens of the users that are logged in.
    private let tokens = Mutex<[String]>([])

    private init(
        _ target: LoadTarget, _ strategy: StrategyEntry?, _ notice: @escaping @Sendable (String) -> Void
    ) {
        self.notice = notice
        self.target = target
        self.strategy = strategy
        prefix = "lab-\(String(UInt64.random(in: 0...UInt64.max), radix: 36))-"
    }

    private struct Readiness: Decodable, Sendable {
        let strategy: String?
    }

    /// Looks whether the server is there and ready, and what it says about itself.
    ///
    /// - Parameter notice: Told when the server makes the set-up of a trial wait.
    /// - Throws: ``BenchError`` `.unreachable`.
    package static func find(
        _ target: LoadTarget, notice: @escaping @Sendable (String) -> Void = { _ in }
    ) async throws(BenchError) -> TargetServer {
        let answer: APIClient.Answer
        do {
            answer = try await APIClient.with(target) { try await $0.send(.GET, "/health/ready") }
        } catch {
            throw error as? BenchError ?? BenchError(.unreachable, "\(error)")
        }
        guard answer.status == 200 else {
            throw BenchError(
                .unreachable,
                "the server at \(target.authority) is not ready (\(answer.status)): \(answer.detail)")
        }
        let said = try? JSONDecoder().decode(Readiness.self, from: answer.body)
        return TargetServer(target, said?.strategy.flatMap(StrategyRegistry.builtIn.entry(named:)), notice)
    }

    /// Registers and logs in what is missing of `count` users.
    package func users(_ count: Int) async throws -> [String] {
        let known = tokens.withLock { $0 }
        guard known.count < count else { return Array(known.prefix(count)) }
        let more = try await Shop.signIn(
            target, numbers: known.count + 1...count, prefix: prefix, notice: notice)
        tokens.withLock { $0 += more }
        return known + more
    }
}

/// One trial at a server that was running before: products of its own, the users of the whole run.
struct TargetVisit: TrialService {
    let server: TargetServer
    /// Place of the trial in the run.
    let trial: Int
    /// Visitors of another attempt have other names: those of the first one are taken.
    let attempt: Int

    var processIdentifiers: [Int32] { [] }
    var shownArguments: [String]? { nil }

    func openShop(_ order: ShopOrder) async throws -> OpenShop {
        let tokens = try await server.users(order.scenario == .journey ? 1 : order.users)
        let shop = try await Shop.offer(server.target, order, tokens: tokens)
        return shop.openShop(at: server.target, order, prefix: "\(server.prefix)\(trial)-\(attempt)-")
    }

    /// Nobody stops a server that others may use.
    func stop() async -> ServiceEnd {
        do {
            let answer = try await APIClient.with(server.target) { try await $0.send(.GET, "/health/ready") }
            return ServiceEnd(
                description: "/health/ready answers \(answer.status) at the end", isGood: answer.status == 200
            )
        } catch {
            return ServiceEnd(description: "no answer at the end: \(error)", isGood: false)
        }
    }
}

extension TargetVisit {
    private static let noSight = "the ledger of a running server cannot be looked into"

    /// Why a check cannot be made from outside.
    private static let outOfSight = [
        "rows-are-sold": "\(noSight): its sums are not in the API",
        "sold-within-supply": "\(noSight): its sums are not in the API",
        "supply-is-initial": "\(noSight): its sums are not in the API",
        "redis-saw-commands": "the server's Redis is not known to the bench",
        "redis-counted-sales": "the server's Redis is not known to the bench",
        "equal-conditions": "the settings of the server are not known to the bench",
    ]

    /// What the API says about stock and purchases.
    func reading(_ products: [Int64], _ record: LoadRecord, scenario: Scenario) async -> ShopReading {
        var reading = ShopReading(notChecked: Self.outOfSight)
        if EnvironmentInfo.isReleaseBuild {
            reading.notChecked["release-build"] =
                "the bench is one, and the server does not say how it was built"
        }
        let token = try? await server.users(1).first
        let units: [Int]? = try? await APIClient.with(server.target) { client in
            var units: [Int] = []
            for product in products { units.append(try await Self.stock(of: product, token, client)) }
            return units
        }
        reading.stock = units.map { .init(stocks: $0.map { .init(units: $0, reservations: [:]) }) }
        guard scenario == .purchase else {
            let reason = "\(Self.noSight), and the visitors of a journey are gone with their tokens"
            for id in [
                "answers-are-rows", "stock-is-conserved", "no-duplicates", "enough-stock",
                "registered-are-users",
            ] { reading.notChecked[id] = reason }
            return reading
        }
        reading.ledger = try? await histories(products, users: record.users)
        return reading
    }

    private struct Stock: Decodable, Sendable {
        let quantity: Int
    }

    private static func stock(of product: Int64, _ token: String?, _ client: APIClient) async throws -> Int {
        let answer = try await client.send(.GET, "/api/products/\(product)/stock", token: token)
        guard answer.status == 200 else {
            throw BenchError(.unexpectedAnswer, "the stock was answered \(answer.status)")
        }
        return try JSONDecoder().decode(Stock.self, from: answer.body).quantity
    }

    private struct Row: Decodable, Sendable {
        let id: Int64
        let productId: Int64
        let quantity: Int
    }

    private static let page = 100

    /// All purchases of the trial, as the histories of its users show them.
    private func histories(_ products: [Int64], users count: Int) async throws -> LedgerReader.Reading {
        let tokens = try await server.users(count)
        let places = Dictionary(uniqueKeysWithValues: products.enumerated().map { ($0.element, $0.offset) })
        var books = products.map { _ in LedgerReader.Book(ledger: .init(), reservations: []) }
        try await APIClient.with(server.target) { client in
            for token in tokens {
                var skip = 0
                var goesOn = true
                while goesOn {
                    try Task.checkCancellation()
                    let path = "/api/purchases/me?skip=\(skip)&limit=\(Self.page)"
                    let answer = try await client.send(.GET, path, token: token)
                    guard answer.status == 200 else {
                        throw BenchError(.unexpectedAnswer, "a history was answered \(answer.status)")
                    }
                    let decoder = JSONDecoder()
                    decoder.keyDecodingStrategy = .convertFromSnakeCase
                    let rows = try decoder.decode([Row].self, from: answer.body)
                    // Newest first: what is of no product of this trial is of an earlier one.
                    for row in rows {
                        guard let place = places[row.productId] else { continue }
                        books[place].add(row.id, row.quantity)
                    }
                    goesOn = rows.count == Self.page && rows.contains { places[$0.productId] != nil }
                    skip += rows.count
                }
            }
        }
        return LedgerReader.Reading(books: books)
    }
}

extension LedgerReader.Book {
    /// The number of the row stands for the reservation, which the API does not show.
    fileprivate mutating func add(_ id: Int64, _ units: Int) {
        ledger.rows += 1
        ledger.units += units
        ledger.sold += units
        if !reservations.insert("\(id)").inserted { ledger.duplicates += 1 }
    }
}
