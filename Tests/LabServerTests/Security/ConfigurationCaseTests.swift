import HTTPTypes
import Hummingbird
import HummingbirdTesting
import InventoryService
import LabProcesses
import LabTesting
import LockStrategies
import Testing

@testable import LabServerKit

/// What a server may be started with, and which of its pages are for whom.
@Suite("Configuration")
struct ConfigurationCaseTests {
    private static let secret = "c8f1a0e4b7d29356f0a1c3e5d7b9082461"

    private func plan(
        _ flags: [Setting: String] = [:], _ environment: [String: String] = [:]
    ) throws -> ServePlan {
        try ServePlan(
            SettingValues(
                flags: flags,
                environment: ["LAB_JWT_SECRET": Self.secret].merging(environment) { $1 },
                readFile: { _ in nil }))
    }

    @Test("S17 · in development a server without a secret makes one of chance, and warns of it")
    func randomSecret() async throws {
        let open = try ServePlan(
            SettingValues(flags: [.dev: "true"], environment: [:], readFile: { _ in nil }))
        #expect(open.secret == .random)
        let failure = #expect(throws: StartFailure.self) {
            try ServePlan(SettingValues(flags: [:], environment: [:], readFile: { _ in nil }))
        }
        #expect(failure?.code == .unsafeSecret)
        let directory = try TemporaryDirectory(prefix: "lab-secret")
        try await RunningServer.run(database: directory.file("l.sqlite"), units: 1) { server async throws in
            let warning = await server.process.line(of: .standardError, within: .seconds(60)) {
                $0.contains("warning") && $0.contains("the token secret is random")
            }
            #expect(warning != nil)
        }
        directory.remove()
    }

    @Test(
        "variables that Kubernetes makes for Services of these names are no settings",
        arguments: ["LAB", "LAB_SERVER", "LAB_REDIS", "LAB_METRICS", "LAB_REDIS_2"])
    func serviceVariables(service: String) throws {
        let url = "tcp://10.0.0.11:6379"
        var variables = [
            "\(service)_SERVICE_HOST": "10.0.0.11", "\(service)_SERVICE_PORT": "6379",
            "\(service)_SERVICE_PORT_HTTP_MAIN": "6379", "\(service)_PORT": url,
        ]
        for transport in ["TCP", "UDP", "SCTP"] {
            variables["\(service)_PORT_6379_\(transport)"] = url
            variables["\(service)_PORT_6379_\(transport)_PROTO"] = transport.lowercased()
            variables["\(service)_PORT_6379_\(transport)_PORT"] = "6379"
            variables["\(service)_PORT_6379_\(transport)_ADDR"] = "10.0.0.11"
        }
        let plan = try plan([:], variables)
        #expect(plan.port == 8080)
        #expect(plan.metricsPort == nil)
    }

    @Test(
        "a variable that only resembles those of Kubernetes is a mistake",
        arguments: [
            ("LAB_SERVICE", "x"), ("LAB_REDIS_PORT", "6379"), ("LAB_REDIS_PORT_TCP", "x"),
            ("LAB_PORT", "tcp:8080"), ("LAB_REDIS_PORT_6379_HTTP", "x"), ("LAB_SERVICES_HOST", "x"),
        ])
    func resemblingVariables(name: String, value: String) {
        let failure = #expect(throws: StartFailure.self) { try plan([:], [name: value]) }
        #expect(failure?.description.contains(name) == true)
    }

    @Test("a variable without text is one that is not set, whether it is known or not")
    func emptyVariables() throws {
        let empty = Dictionary(
            uniqueKeysWithValues: Setting.allCases.map { ($0.environmentName, "") }
                + [("LAB_REDIS_FILE", ""), ("LAB_JWT_SECRET_FILE", ""), ("LAB_UNKNOWN", "")])
        let plan = try plan([:], empty.merging(["LAB_JWT_SECRET": Self.secret]) { $1 })
        #expect(plan.tls == nil)
        #expect(plan.port == 8080)
        #expect(plan.redis == .embedded)
        let failure = #expect(throws: StartFailure.self) {
            try ServePlan(SettingValues(flags: [:], environment: empty, readFile: { _ in nil }))
        }
        #expect(failure?.code == .unsafeSecret, "an empty secret is none")
    }

    @Test("S39 · the metrics have an address of their own, of this machine unless somebody says else")
    func separatePages() async throws {
        #expect(try plan().metricsPort == nil)
        #expect(try plan([.metricsPort: "9090"]).metricsHost == "127.0.0.1")
        #expect(try plan().host == "127.0.0.1")
        try await withLab { lab async throws in
            let client = try await lab.client.signedIn()
            for path in [
                "/metrics", "/debug", "/debug/pprof", "/config", "/env", "/actuator", "/server-status",
            ] {
                #expect(try await client.send(.get, path).status == 404, "\(path)")
            }
            let page = buildMetricsApplication(
                lab.metrics, address: .hostname("127.0.0.1", port: 0), gauges: lab.gauges, logger: .silent)
            try await page.test(.live) { metrics async throws in
                let other = ApiClient(port: metrics.port ?? 0)
                #expect(try await other.send(.get, "/metrics").status == 200)
                for route in RouteTable.all {
                    let path = route.path.replacing("{id}", with: "1")
                    #expect(try await other.send(route.method, path).status == 404, "\(path)")
                }
            }
        }
    }

    @Test(
        "S40 · a Redis of another machine is spoken to in plain text only where somebody allowed it",
        arguments: [
            ("redis://10.0.0.1:6379", true), ("redis://redis:6379", true), ("redis://[fe80::1]:6379", true),
            ("redis://user:hunter2@203.0.113.7", true), ("redis://127.0.0.1.example:6379", true),
            ("redis://localhost.example", true), ("redis://0.0.0.0:6379", true),
            ("redis+sentinel://127.0.0.1:26379,10.0.0.2:26379/stock", true),
            ("redis+cluster://10.0.0.1:7000", true),
            ("redis://127.0.0.1:6379,redis://10.0.0.1:6379", true),
            ("redis://127.0.0.1:6379", false), ("redis://localhost", false), ("redis://127.8.9.1", false),
            ("redis://[::1]:6379", false), ("redis+unix:///run/redis.sock", false),
            ("rediss://lab:hunter2@redis.example:6379", false),
            ("redis+sentinel://127.0.0.1:26379/stock", false),
            ("redis+cluster://127.0.0.1:7000,[::1]:7001", false),
        ])
    func plaintextRedis(url: String, isOpen: Bool) throws {
        #expect(throws: Never.self) { try plan([.redis: url, .allowPlaintextRedis: "true"]) }
        #expect(throws: Never.self) { try plan([.redis: url], ["LAB_ALLOW_PLAINTEXT_REDIS": "true"]) }
        guard isOpen else {
            #expect(throws: Never.self) { try plan([.redis: url]) }
            return
        }
        let failure = #expect(throws: StartFailure.self) { try plan([.redis: url]) }
        #expect(failure?.code == .usage)
        #expect(failure?.description.contains("rediss://") == true)
        #expect(failure?.description.contains("--allow-plaintext-redis") == true)
        #expect(failure?.description.contains("hunter2") == false)
    }

    @Test(
        "S40 · a Redis of another machine is used without a password only where somebody allowed it",
        arguments: [
            "rediss://redis.example:6379", "rediss+sentinel://10.0.0.1:26379/stock",
            "rediss+cluster://10.0.0.1:7000", "rediss://lab:hunter2@redis.example,rediss://10.0.0.2",
        ])
    func redisWithoutPassword(url: String) throws {
        #expect(throws: Never.self) { try plan([.redis: url, .allowPlaintextRedis: "true"]) }
        let failure = #expect(throws: StartFailure.self) { try plan([.redis: url]) }
        #expect(failure?.code == .usage)
        #expect(failure?.description.contains("has no password") == true)
        #expect(failure?.description.contains("hunter2") == false)
    }

    @Test(
        "The limit of a user is a whole number from 1, or none",
        arguments: ["0", "-1", "x", "", "1000000001"])
    func userLimit(text: String) throws {
        #expect(try plan().settings.perUserLimit == nil)
        #expect(try plan([.perUserLimit: "1"]).settings.perUserLimit == 1)
        let failure = #expect(throws: StartFailure.self) { try plan([.perUserLimit: text]) }
        #expect(failure?.code == .usage)
        #expect(failure?.description.contains("--per-user-limit") == true)
    }
}
