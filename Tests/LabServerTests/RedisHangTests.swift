import Foundation
import HTTPTypes
import LabProcesses
import LabTesting
import Testing

/// F06 of the fault matrix: the built program above a Redis that stands still.
@Suite(.timeLimit(.minutes(5))) struct RedisHangTests {
    @Test(
        "F06 · while Redis stands still buyers are 503 within their time, live is 200, ready 503; then they buy"
    )
    func hang() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-hang")
        try await RunningServer.run(
            database: directory.file("lab.sqlite"), units: 1000,
            arguments: [
                "--redis-timeout-ms", "2000", "--metrics-port", "0", "--reconcile-interval-s", "1",
                "--log-format", "json",
            ]
        ) { server in
            let metrics = try await metricsPage(of: server)
            #expect(try await server.buyer.buy(server.product).status == 200)
            #expect(try await leftAlone(metrics) == 0)
            server.redis.pause()
            let refused = try await server.buy(20)
            #expect(refused.allSatisfy { $0.status == 503 }, "\(refused)")
            #expect(try await leftAlone(metrics) == 1)
            let anyone = ApiClient(port: server.buyer.port)
            #expect(try await anyone.send(.get, "/health/live").status == 200)
            #expect(try await anyone.send(.get, "/health/ready").status == 503)
            server.redis.resume()
            try await waitUntil { try await server.buyer.buy(server.product).status == 200 }
            #expect(try await leftAlone(metrics) == 0)
            #expect(try await anyone.send(.get, "/health/ready").status == 200)
            // What nobody knew about has gone back by then.
            let mine = try await server.buyer.send(.get, "/api/purchases/me?limit=100").list.count
            #expect(mine == 2)
            try await waitUntil {
                try await server.buyer.stock(server.product) == server.units - mine
            }
        }
        directory.remove()
    }

    private func metricsPage(of server: RunningServer) async throws -> ApiClient {
        let line = try #require(
            await server.process.line(of: .standardError, within: .seconds(60)) {
                $0.contains("metrics_listening")
            })
        let fields = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        return ApiClient(port: try #require((fields["port"] as? String).flatMap(Int.init)))
    }

    private func leftAlone(_ metrics: ApiClient) async throws -> Int {
        let page = try await metrics.send(.get, "/metrics").text
        let name = #"lab_redis_servers_left_alone{role="stock"} "#
        let line = try #require(page.split(separator: "\n").first { $0.hasPrefix(name) })
        return try #require(Int(line.dropFirst(name.count)))
    }
}
