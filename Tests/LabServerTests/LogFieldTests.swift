import Foundation
import HTTPTypes
import LabProcesses
import LabTesting
import LockStrategies
import RedisClient
import Testing

@testable import LabServerKit

/// By which names a line of the log is found, on the lines of a real process.
@Suite struct LogFieldTests {
    private static let trace = "0af7651916cd43dd8448eb211c80319c"
    private static let caller = "00-\(trace)-b7ad6b7169203331-01"

    @Test("Every line of a purchase has the request, its trace, user, product, strategy and reservation")
    func purchase() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-fields")
        try await RunningServer.run(
            database: directory.file("l.sqlite"), units: 9,
            arguments: [
                "--log-format", "json", "--log-level", "debug", "--strategy", "setnx-spin",
            ]
        ) { server async throws in
            let headers: HTTPFields = [.requestID: "the-purchase", .traceparent: Self.caller]
            let bought = try await server.buyer.buy(server.product, headers: headers)
            #expect(bought.status == 200)
            let step = try #require(bought.headers.trace?.spanIDText)
            _ = try await server.events("lock_released", atLeast: 1)
            let lines = try server.log.filter { $0["request_id"] as? String == "the-purchase" }
            #expect(
                Set(lines.compactMap { $0["event"] as? String }).isSuperset(of: ["purchase", "lock_released"])
            )
            let reservations = Set(lines.compactMap { $0["reservation_id"] as? String })
            #expect(reservations.count == 1 && reservations.first?.isEmpty == false)
            for line in lines {
                #expect(line["trace_id"] as? String == Self.trace)
                #expect(line["span_id"] as? String == step)
                #expect(line["user_id"] as? String == "1")
                #expect(line["product_id"] as? String == "\(server.product)")
                #expect(line["strategy"] as? String == "setnx-spin")
                #expect(line["reservation_id"] is String)
                #expect((line["time"] as? String)?.hasSuffix("Z") == true)
                #expect(line["hb.request.id"] == nil)
            }
            // What the service below the routes writes belongs to the request, too.
            let redis = RedisClient(server.redis.endpoint, limits: .patient)
            let epoch = ProductKeys(ProductID(Int64(server.product))).epoch
            // The stock is said to be of a filling that the ledger does not know.
            let name = try #require(try await redis.send(RedisCommand("GET", epoch)).string)
            _ = try await redis.send(RedisCommand("SET", epoch, name + "9"))
            await redis.close()
            let refused = try await server.buyer.buy(server.product, headers: [.requestID: "one-too-many"])
            #expect(refused.status == 503)
            _ = try await server.events("purchase", atLeast: 2)
            let returned = try #require(
                try server.log.first { $0["message"] as? String == "reservation ended without a sale" })
            #expect(returned["request_id"] as? String == "one-too-many")
            #expect(returned["trace_id"] as? String == refused.headers.trace?.traceIDText)
            for name in ["product_id", "reservation_id", "strategy"] { #expect(returned[name] is String) }
        }
        directory.remove()
    }
}
