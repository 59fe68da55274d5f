import Foundation
import NIOHTTP1

/// What a trial needs from the server before the load: users that are logged in, and one product.
struct Shop: Sendable, Equatable {
    let product: Int64
    /// One for each user.
    let tokens: [String]

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
    static func open(_ target: LoadTarget, users: Int, stock: Int) async throws -> Shop {
        try await APIClient.with(target) { client in
            var tokens: [String] = []
            for number in 1...users {
                try Task.checkCancellation()
                let who = try encode(
                    Credentials(username: "buyer-\(number)", password: "lab-bench-\(number)"))
                _ = try expect(
                    201, try await client.send(.POST, "/api/auth/register", body: who), "registering a user")
                let login = try expect(
                    200, try await client.send(.POST, "/api/auth/login", body: who), "logging in a user")
                tokens.append(try decode(Login.self, login, "logging in a user").accessToken)
            }
            let offer = try encode(
                NewProduct(name: "lab product", price: 1000, initialStock: stock))
            let answer = try expect(
                201, try await client.send(.POST, "/api/products", token: tokens[0], body: offer),
                "creating the product")
            let product = try decode(Product.self, answer, "creating the product")
            return Shop(product: product.id, tokens: tokens)
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
