import HTTPTypes
import LabProcesses
import LabTesting
import Testing

@testable import LabServerKit

/// Connections that take too long, or are too many.
@Suite("Limits of connections")
struct LimitTests {
    /// A whole request, to see whether a connection is served.
    private static let question = "GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"

    private enum SlowClient: CaseIterable {
        case silent
        case drippingHeaders
        case stalledBody
        case drippingBody
        case idle

        var opening: String {
            let post =
                "POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 5000"
                + "\r\n\r\n"
            return switch self {
            case .silent: ""
            case .drippingHeaders: "GET /health/live HTTP/1.1\r\nHost: x\r\nX-Drip: "
            case .stalledBody, .drippingBody: post
            case .idle: LimitTests.question
            }
        }

        var drips: Bool { self == .drippingHeaders || self == .drippingBody }

        /// What is said before the connection is closed.
        var answer: String {
            switch self {
            case .silent, .drippingHeaders: ""
            case .stalledBody, .drippingBody: "HTTP/1.1 408 "
            case .idle: "HTTP/1.1 200 "
            }
        }
    }

    private static func endure(_ client: SlowClient, _ port: Int) async throws -> String {
        let chunks = [client.opening] + (client.drips ? Array(repeating: " ", count: 100_000) : [])
        return try await RawClient.exchange(
            port, chunks.filter { !$0.isEmpty }, pause: client.drips ? .milliseconds(50) : .zero)
    }

    private static func check(_ answer: String, to client: SlowClient) {
        // Who is still sending when the server lets go gets a reset, and that may overtake the answer.
        if client == .drippingBody && answer.isEmpty { return }
        #expect(answer.hasPrefix(client.answer), "\(client): \(answer)")
        if client.answer.isEmpty { #expect(answer.isEmpty, "\(client): \(answer)") }
        if client.answer.contains("408") { #expect(answer.contains("application/problem+json")) }
    }

    @Test(
        "Who is silent, drips headers, stalls or drips a body, or idles, is ended by the limit; buyers go on meanwhile"
    )
    func slowClients() async throws {
        var front = FrontSettings()
        // Long enough that no buyer is taken for a slow one on a machine that is busy with other things.
        front.connection.head = .seconds(3)
        front.connection.body = .seconds(3)
        front.connection.idle = .seconds(3)
        try await withLab(front: front) { lab async throws in
            let port = lab.client.port
            let client = try await lab.client.signedIn()
            let product = try await client.product(units: 1000)
            let ends = Recorder<SlowClient>()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for slow in SlowClient.allCases {
                    group.addTask {
                        let answer = try await Self.endure(slow, port)
                        Self.check(answer, to: slow)
                        ends.note(slow)
                    }
                }
                var bought = 0
                repeat {
                    #expect(try await client.buy(product).status == 200)
                    bought += 1
                } while ends.values.count < SlowClient.allCases.count && bought < 900
                try await group.waitForAll()
            }
            #expect(Set(ends.values) == Set(SlowClient.allCases))
        }
    }

    /// On a process: the test framework's copy of an application's configuration leaves the limit out.
    @Test("More connections than allowed wait, and are served as soon as others end")
    func connectionLimit() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-limit")
        try await RunningServer.run(
            database: directory.file("l.sqlite"), units: 1,
            arguments: ["--max-connections", "4", "--head-timeout-ms", "600000"]
        ) { server async throws in
            var silent: [RawConnection] = []
            // The kernel takes the later ones, the server does not.
            for _ in 0..<40 { silent.append(try await RawConnection.open(server.buyer.port)) }
            let late = try await RawConnection.open(server.buyer.port)
            try await late.send(Self.question)
            let answered = Recorder<String>()
            let answer = Task { answered.note(await late.read(until: "live")) }
            // Without the limit the answer is there within moments.
            let start = ContinuousClock.now
            while start.duration(to: .now) < .seconds(1) && answered.values.isEmpty { await Task.yield() }
            #expect(answered.values.isEmpty)
            for connection in silent { await connection.close() }
            await answer.value
            #expect(answered.values.first?.hasPrefix("HTTP/1.1 200 ") == true)
            await late.close()
            // And from then on as before.
            for _ in 0..<10 { #expect(try await server.buyer.send(.get, "/health/live").status == 200) }
        }
        directory.remove()
    }

    @Test("A connection that is closed in the middle of anything leaves the server as it was")
    func cutAnywhere() async throws {
        try await withLab { lab async throws in
            let client = try await lab.client.signedIn()
            let product = try await client.product(units: 1000)
            let whole = RawConnection.purchase(product, token: client.token ?? "")
            for length in stride(from: 0, through: whole.utf8.count, by: 7) {
                let connection = try await RawConnection.open(lab.client.port)
                try await connection.send(String(whole.prefix(length)))
                if length.isMultiple(of: 2) { await connection.reset() } else { await connection.close() }
            }
            try await waitUntil { lab.metrics.inFlight.value == 0 }
            func bought() async throws -> Int {
                let mine = try await client.send(.get, "/api/purchases/me")
                return mine.headers[.totalCount].flatMap { Int($0) } ?? -1
            }
            // Every unit is in stock or in a purchase, and only a request that came whole can have bought.
            try await waitUntil { try await client.stock(product) == 1000 - bought() }
            #expect((0...1).contains(try await bought()))
            #expect(try await client.buy(product).status == 200)
        }
    }
}
