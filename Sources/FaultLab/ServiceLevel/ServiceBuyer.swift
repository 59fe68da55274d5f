import BenchRun
import FaultAudit
import Foundation
import LabProcesses
import NIOHTTP1

/// Buys one unit after the other. Each purchase has an idempotency key of its own, with which he asks again
/// until the answer says what became of it.
struct ServiceBuyer: Sendable {
    let number: Int
    let shop: FaultedServers.Shop
    let servers: FaultedServers
    let notes: PurchaseNotes
    let door: ShopDoor

    /// At one of several servers.
    private static let purchasesOfATurn = 25

    private struct Order: Encodable, Sendable {
        let productID: Int64
        let quantity: Int

        enum CodingKeys: String, CodingKey {
            case productID = "product_id"
            case quantity
        }
    }

    private struct Stock: Decodable, Sendable {
        let quantity: Int
    }

    func run() async {
        var count = 0
        var turn = number
        while door.isOpen && !Task.isCancelled {
            // A connection of its own, until it breaks; of several servers each has its turn.
            try? await APIClient.with(servers.target(turn)) { client in
                var left = servers.struck.count > 1 ? Self.purchasesOfATurn : .max
                while left > 0 && door.isOpen && !Task.isCancelled {
                    count += 1
                    left -= 1
                    try await buy(1, "b\(number)-\(count)", client, at: turn)
                }
            }
            turn += 1
            if door.isOpen { try? await Task.sleep(for: .milliseconds(20)) }
        }
    }

    /// What is left goes to one buyer: so a unit that the stock has and the ledger does not is found.
    ///
    /// - Throws: When nobody says how many are left, or they cannot be bought.
    func buyAll() async throws {
        for turn in 0..<20 {
            let left = try? await APIClient.with(servers.target(turn)) { client in
                let answer = try await client.send(
                    .GET, "/api/products/\(shop.product)/stock", token: token)
                return try JSONDecoder().decode(Stock.self, from: answer.body).quantity
            }
            guard let left else {
                try? await Task.sleep(for: .milliseconds(300))
                continue
            }
            guard left > 0 else { return }
            try? await APIClient.with(servers.target(turn)) { client in
                try await buy(min(left, shop.most), "last-\(turn)", client, at: turn)
            }
        }
        throw LabProcessError(.notReady, "what was left after the fault could not be bought")
    }

    private var token: String { shop.tokens[number % shop.tokens.count] }

    /// - Throws: When the connection is no use any more; the purchase has been asked for to its end then.
    ///
    /// - Parameter turn: Of the server that he is connected to. Who gets no word there asks the next one.
    private func buy(_ units: Int, _ key: String, _ client: APIClient, at turn: Int) async throws {
        let body = try JSONEncoder().encode(Order(productID: shop.product, quantity: units))
        let id = notes.begin(key, buyer: number, units: units, at: MachineClock.now)
        var isInDoubt = false
        var isBroken = false
        var turn = turn
        while true {
            let answer: APIClient.Answer?
            if isBroken {
                turn += 1
                answer = try? await APIClient.with(servers.target(turn)) { try await ask($0, key, body) }
            } else {
                answer = try? await ask(client, key, body)
            }
            if answer == nil || (answer?.status == 503 && servers.struck.count > 1) { isBroken = true }
            switch Self.meaning(answer, isInDoubt: isInDoubt) {
            case .some(let outcome):
                notes.end(id, outcome, at: MachineClock.now)
                if outcome != .ok { try? await Task.sleep(for: .milliseconds(10)) }
                if isBroken { throw CancellationError() }
                return
            case .none:
                isInDoubt = isInDoubt || answer.map { $0.status != 429 } ?? true
                guard !door.isOver && !Task.isCancelled else {
                    notes.end(id, .unknown, at: MachineClock.now)
                    throw CancellationError()
                }
                try? await Task.sleep(for: .milliseconds(50))
            }
        }
    }

    private func ask(_ client: APIClient, _ key: String, _ body: Data) async throws -> APIClient.Answer {
        try await client.send(
            .POST, "/api/purchases", token: token, body: body, idempotencyKey: key, limit: .seconds(4))
    }

    /// Nil: it is not known yet.
    ///
    /// - Parameter isInDoubt: An earlier answer left open what became of it.
    private static func meaning(
        _ answer: APIClient.Answer?, isInDoubt: Bool
    ) -> History.Operation.Outcome? {
        switch answer?.status {
        case 200, 201: .ok
        case 400: .refused
        // Not obtained this time; what became of an earlier time it does not say.
        case 409: isInDoubt ? nil : .nothing
        default: nil
        }
    }
}
