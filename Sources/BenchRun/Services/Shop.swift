package import BenchLoad
import BenchModel
import Foundation
import NIOHTTP1

/// What a trial needs from the server before the load: users that are logged in, and products.
package struct Shop: Sendable, Equatable {
    /// The hottest one first.
    package let products: [Int64]
    /// One for each user; in a journey of a single one, who owns the products.
    package let tokens: [String]

    private struct Credentials: Codable, Sendable {
        let username: String
        let password: String
    }

    private struct Login: Codable, Sendable {
        let accessToken: String
    }

    private struct Product: Codable, Sendable {
        let id: Int64
    }

    private struct NewProduct: Codable, Sendable {
        let name: String
        let price: Int
        let initialStock: Int
    }

    /// Registers and logs in the users, and puts the stock on sale.
    ///
    /// - Parameter prefix: Of the names of the users.
    package static func open(_ target: LoadTarget, _ order: ShopOrder, prefix: String) async throws -> Shop {
        let users = order.scenario == .journey ? 1 : order.users
        let tokens = try await signIn(target, numbers: 1...users, prefix: prefix)
        return try await offer(target, order, tokens: tokens)
    }

    /// Registers and logs in users.
    ///
    /// - Parameter notice: Told when the server makes this wait.
    /// - Returns: Their tokens.
    static func signIn(
        _ target: LoadTarget, numbers: ClosedRange<Int>, prefix: String,
        notice: (String) -> Void = { _ in }
    ) async throws -> [String] {
        try await APIClient.with(target) { client in
            var tokens: [String] = []
            for number in numbers {
                let who = try encode(
                    Credentials(username: "\(prefix)\(number)", password: "lab-bench-\(number)"))
                _ = try expect(
                    201, try await patiently(client, "/api/auth/register", who, notice), "registering a user")
                let login = try expect(
                    200, try await patiently(client, "/api/auth/login", who, notice), "logging in a user")
                tokens.append(try decode(Login.self, login, "logging in a user").accessToken)
            }
            return tokens
        }
    }

    /// Longest wait for a server that lets an address ask its auth routes so often only.
    private static let longestWait = 120

    /// Sends again what was refused for having asked too often, after the time that the server names.
    private static func patiently(
        _ client: APIClient, _ path: String, _ body: Data, _ notice: (String) -> Void
    ) async throws -> APIClient.Answer {
        var waited = 0
        while true {
            try Task.checkCancellation()
            let answer = try await client.send(.POST, path, body: body)
            let pause = answer.headers.first(name: "Retry-After").flatMap { Int($0) } ?? 1
            guard answer.status == 429, waited + pause <= longestWait else { return answer }
            if waited == 0 && pause > 1 {
                notice("the server limits how often users register and log in: waiting \(pause) s")
            }
            waited += max(pause, 1)
            try await Task.sleep(for: .seconds(max(pause, 1)))
        }
    }

    /// Puts the stock on sale.
    static func offer(_ target: LoadTarget, _ order: ShopOrder, tokens: [String]) async throws -> Shop {
        try await APIClient.with(target) { client in
            var products: [Int64] = []
            for number in 1...order.mix.count {
                try Task.checkCancellation()
                let name = order.mix.count == 1 ? "lab product" : "lab product \(number)"
                let offer = try encode(NewProduct(name: name, price: 1000, initialStock: order.stock))
                let answer = try expect(
                    201, try await client.send(.POST, "/api/products", token: tokens[0], body: offer),
                    "creating a product")
                products.append(try decode(Product.self, answer, "creating a product").id)
            }
            return Shop(products: products, tokens: tokens)
        }
    }

    /// How the users of a load buy here.
    func openShop(at target: LoadTarget, _ order: ShopOrder, prefix: String = "visitor-") -> OpenShop {
        openShop(at: [target], order, prefix: prefix)
    }

    /// The users are spread over the servers.
    func openShop(at targets: [LoadTarget], _ order: ShopOrder, prefix: String = "visitor-") -> OpenShop {
        let users: [any LoadUser]
        switch order.scenario {
        case .purchase:
            users = LoadTarget.buyers(
                at: targets, of: products, tokens: tokens, mix: order.mix, seed: order.seed)
        case .journey:
            let sites = targets.map { Visitor.Site($0, products: products, prefix: prefix) }
            users = (0..<order.users).map { user in
                Visitor(
                    sites[user % sites.count], user: user,
                    ProductMix.Wishes(order.mix, seed: order.seed, user: user))
            }
        }
        return OpenShop(products: products) { plan, progress in
            try await LoadGenerator.run(targets, users, plan, progress: progress)
        }
    }

    private static func encode(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        return try encoder.encode(value)
    }

    private static func expect(
        _ status: Int, _ answer: APIClient.Answer, _ what: String
    ) throws -> APIClient.Answer {
        guard answer.status == status else {
            throw BenchError(
                .unexpectedAnswer, "\(what) was answered \(answer.status): \(answer.detail)")
        }
        return answer
    }

    private static func decode<Value: Decodable>(
        _ type: Value.Type, _ answer: APIClient.Answer, _ what: String
    ) throws -> Value {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        do {
            return try decoder.decode(type, from: answer.body)
        } catch {
            throw BenchError(.unexpectedAnswer, "\(what) was answered with unknown JSON: \(answer.detail)")
        }
    }
}
