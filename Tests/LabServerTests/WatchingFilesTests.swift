import Foundation
import HTTPTypes
import LabProcesses
import LabTesting
import Testing

@testable import LabServerKit

/// What docs/DEPLOYMENT.md and the files under `deploy` say about watching a server.
@Suite struct WatchingFilesTests {
    private let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")

    private func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    @Test("The table of metrics in DEPLOYMENT has each metric of the page, and no other")
    func metricsTable() async throws {
        let table = try text("docs/DEPLOYMENT.md").split(separator: "\n", omittingEmptySubsequences: false)
            .drop { !$0.hasPrefix("| metric |") }.prefix { $0.hasPrefix("|") }
        let names = table.flatMap { row in
            row.split(separator: "|")[0].matches(of: /`([a-z_]+)(\{[^`]*\})?`/).map { String($0.1) }
        }
        #expect(Set(names).count == names.count, "a metric has two rows")
        let pages = Recorder<String>()
        try await withLab { lab async throws in pages.note(await lab.page()) }
        let families = try #require(pages.values.first).matches(of: /TYPE ([a-z_]+)/)
            .map { String($0.1) }
        #expect(families.count > 40)
        // This server's ledger is on SQLite.
        let ofSQLite = names.filter { !$0.hasPrefix("lab_postgres_") }
        #expect(ofSQLite.count < names.count)
        #expect(Set(ofSQLite).symmetricDifference(families).sorted() == [])
    }

    @Test("lab_ready is the decision of GET /health/ready: 1, and 0 when the server ends or Redis is away")
    func readinessGauge() async throws {
        let draining = DrainFlag()
        try await withLab(draining: draining) { lab async throws in
            func isReady(_ expected: Bool) async throws {
                let status = try await lab.client.send(.get, "/health/ready").status
                #expect(status == (expected ? 200 : 503))
                #expect(await lab.page().contains("\nlab_ready \(expected ? 1 : 0)\n"))
            }
            try await isReady(true)
            await lab.redis.kill()
            try await isReady(false)
        }
        try await withLab(draining: draining) { lab async throws in
            #expect(await lab.page().contains("\nlab_ready 1\n"))
            draining.set()
            #expect(await lab.page().contains("\nlab_ready 0\n"))
        }
    }

    @Test(
        "promtool accepts Prometheus' configuration, and the alerts for down, absent and not ready fire as tested"
    )
    func promtool() async throws {
        let folder = root.appending(path: "deploy/prometheus")
        func promtool(_ arguments: [String]) async throws -> (LabProcesses.ExitStatus?, [String]) {
            let child = try await ChildProcess.start("promtool", arguments)
            return (await child.waitUntilExit(within: .seconds(60)), child.lines())
        }
        let config = try await promtool(["check", "config", folder.appending(path: "prometheus.yml").path])
        #expect(config.0 == .exited(0), "\(config.1)")
        let tests = folder.appending(path: "lab-server.rules.test.yml").path
        let good = try await promtool(["test", "rules", tests])
        #expect(good.0 == .exited(0), "\(good.1)")
        // Rules that never fire fail the tests.
        let directory = try TemporaryDirectory(prefix: "lab-rules")
        for (alert, expression, dead) in [
            ("LabServerDown", #"up{job="lab-server"} == 0"#, #"up{job="lab-server"} == 2"#),
            ("LabServerAbsent", #"absent(up{job="lab-server"})"#, #"up{job="nobody"} == 5"#),
            ("LabServerNotReady", "lab_ready == 0", "lab_ready == 5"),
        ] {
            let rules = try text("deploy/prometheus/lab-server.rules.yml")
            #expect(rules.contains(expression))
            try rules.replacing(expression, with: dead).write(
                toFile: directory.file("lab-server.rules.yml"), atomically: true, encoding: .utf8)
            try text("deploy/prometheus/lab-server.rules.test.yml").write(
                toFile: directory.file("tests.yml"), atomically: true, encoding: .utf8)
            let bad = try await promtool(["test", "rules", directory.file("tests.yml")])
            #expect(bad.0 == .exited(1) && bad.1.contains { $0.contains(alert) }, "\(alert): \(bad.1)")
        }
        directory.remove()
    }

    @Test("The dashboard has rows, tiles of status, a choice of instances, and says what each panel shows")
    func dashboard() throws {
        let data = Data(try text("deploy/grafana/lab-server.json").utf8)
        let dashboard = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        let panels = try #require(dashboard["panels"] as? [[String: Any]])
        let kinds = panels.compactMap { $0["type"] as? String }
        #expect(kinds.count { $0 == "row" } >= 5 && kinds.first == "row")
        #expect(kinds.count { $0 == "stat" } >= 4)
        #expect(Set(panels.compactMap { $0["id"] as? Int }).count == panels.count)
        let variables = (dashboard["templating"] as? [String: Any])?["list"] as? [[String: Any]]
        #expect(variables?.contains { $0["name"] as? String == "instance" } == true)
        for panel in panels where panel["type"] as? String != "row" {
            let title = panel["title"] as? String ?? ""
            #expect((panel["description"] as? String)?.hasSuffix(".") == true, "\(title) has no description")
            for target in panel["targets"] as? [[String: Any]] ?? [] {
                let (expression, legend) = (target["expr"] as? String, target["legendFormat"] as? String)
                let asked = try #require(expression)
                #expect(asked.contains(#"instance=~"$instance""#), "\(title): \(asked)")
                guard let quantile = asked.firstMatch(of: /histogram_quantile\(0\.(\d+),/)?.1 else {
                    continue
                }
                let name = quantile.count == 1 ? "p\(quantile)0" : "p\(quantile)"
                #expect(legend?.contains(name) == true, "\(title): \(legend ?? "") is not \(name)")
            }
        }
    }

    @Test(
        "The profile monitoring has Prometheus and Grafana with the files of deploy, and can reach the metrics"
    )
    func monitoringProfile() throws {
        let compose = try text("compose.yaml")
        // The job asks the name and the port that every server of compose.yaml has.
        let prometheus = try text("deploy/prometheus/prometheus.yml")
        #expect(prometheus.contains("names: [lab-server], type: A, port: 9090}"))
        #expect(prometheus.contains("names: [haproxy], type: A, port: 8404}"))
        #expect(compose.contains("      WATCH: \":8404\"\n"))
        for line in [
            "  networks: {default: {aliases: [lab-server]}}", "    LAB_METRICS_HOST: 0.0.0.0",
            "  networks: {default: {aliases: [lab-server]}, front: {}}",
            "    networks: {front: {ipv4_address: 172.31.222.10}, watch: {}}",
            "    networks: [default, watch]",
            #"    LAB_METRICS_PORT: "9090""#, "  profiles: [monitoring]",
        ] { #expect(compose.contains(line + "\n"), "\(line)") }
        for service in ["prometheus", "grafana"] {
            #expect(compose.contains("\n  \(service):\n    <<: *monitoring\n"), "\(service)")
        }
        let mounted = compose.matches(of: /\.\/(deploy\/(?:grafana|prometheus)[^:]*):/).map { String($0.1) }
        #expect(mounted.count == 3)
        for path in mounted {
            #expect(FileManager.default.fileExists(atPath: root.appending(path: path).path), "\(path)")
        }
        let source = try text("deploy/grafana/provisioning/datasources/prometheus.yml")
        #expect(source.contains("url: http://prometheus:9090\n"))
        let dashboards = try text("deploy/grafana/provisioning/dashboards/lab-server.yml")
        let folder = try #require(dashboards.firstMatch(of: /path: ([^}]+)\}/)?.1)
        #expect(compose.contains(":\(folder)/lab-server.json:ro"))
    }
}
