import Foundation
import InventoryService
import LabProcesses
import LabTesting
import LockStrategies
import NIOCore
import NIOPosix
import RedisClient
import Synchronization
import Testing

@testable import LabServerKit

/// Each metric moves with what it names.
@Suite struct MetricsSourcesTests {
    /// The value of one series; nil when the page has none of it.
    private func value(_ series: String, on page: String) -> Double? {
        for line in page.split(separator: "\n") where line.hasPrefix(series + " ") {
            return Double(line.dropFirst(series.count + 1))
        }
        return nil
    }

    @Test("Stock and open reservations follow Redis, the log's size and the times follow the work")
    func stocksAndTimes() async throws {
        try await withLab { lab async throws in
            let client = try await lab.client.signedIn()
            let product = try await client.product(units: 5)
            let before = await lab.page()
            #expect(value("lab_products", on: before) == 1)
            #expect(value("lab_stock_units{product=\"\(product)\"}", on: before) == 5)
            #expect(value("lab_reservations_open{product=\"\(product)\"}", on: before) == 0)
            #expect(try await client.buy(product, 2).status == 200)
            let reservations = ProductKeys(ProductID(Int64(product))).reservations
            // Its reservation is cleared behind the answer.
            try await waitUntil { try await lab.stock.send(RedisCommand("HLEN", reservations)).integer == 0 }
            _ = try await lab.stock.send(RedisCommand("HSET", reservations, "left-by-a-crash", "1:2"))
            let after = await lab.page()
            #expect(value("lab_stock_units{product=\"\(product)\"}", on: after) == 3)
            #expect(value("lab_reservations_open{product=\"\(product)\"}", on: after) == 1)
            #expect(try #require(value("lab_wal_bytes", on: after)) > 0)
            for series in [
                "lab_sqlite_commit_seconds_count", #"lab_redis_command_seconds_count{role="stock"}"#,
                #"lab_redis_command_seconds_sum{role="stock"}"#,
            ] {
                let (old, new) = (value(series, on: before), value(series, on: after))
                #expect(try #require(new) > (try #require(old)), "\(series)")
            }
            #expect(value(#"lab_redis_command_seconds_count{role="lock-node"}"#, on: after) == 0)
        }
    }

    @Test("However many products there are, the newest have a series each and the others none")
    func boundedSeries() async throws {
        try await withLab(metricsProducts: 2) { lab async throws in
            let client = try await lab.client.signedIn()
            var products: [Int] = []
            for units in 1...4 { products.append(try await client.product(units: units)) }
            let page = await lab.page()
            #expect(value("lab_products", on: page) == 4)
            let shown = page.matches(of: /lab_stock_units\{product="(\d+)"\}/).compactMap { Int($0.1) }
            #expect(shown == Array(products.suffix(2)))
            #expect(page.matches(of: /lab_reservations_open\{/).count == 2)
        }
        try await withLab(metricsProducts: 0) { lab async throws in
            _ = try await lab.client.signedIn().product(units: 1)
            let page = await lab.page()
            #expect(value("lab_products", on: page) == 1)
            #expect(!page.contains("lab_stock_units{"))
        }
    }

    @Test("The ledger's own stock is shown too where a strategy keeps it there")
    func ledgerStock() async throws {
        try await withLab(.sqlRow) { lab async throws in
            let client = try await lab.client.signedIn()
            let product = try await client.product(units: 5)
            #expect(try await client.buy(product).status == 200)
            #expect(value("lab_stock_units{product=\"\(product)\"}", on: await lab.page()) == 4)
        }
    }

    @Test("A Redis that is away is an error of its kind, and its stocks have no series instead of an old one")
    func redisErrors() async throws {
        try await withLab { lab async throws in
            let client = try await lab.client.signedIn()
            let product = try await client.product(units: 5)
            let kinds = RedisError.Code.allCases.map(\.rawValue)
            func errors(on page: String) -> Double {
                kinds.compactMap { value("lab_redis_errors_total{role=\"stock\",kind=\"\($0)\"}", on: page) }
                    .reduce(0, +)
            }
            let before = await lab.page()
            #expect(kinds.allSatisfy { before.contains("kind=\"\($0)\"") })
            #expect(errors(on: before) == 0)
            await lab.redis.kill()
            #expect(try await client.buy(product).status == 503)
            let after = await lab.page()
            #expect(errors(on: after) > 0)
            #expect(value(#"lab_redis_errors_total{role="stock",kind="refused"}"#, on: after) == 0)
            #expect(!after.contains("lab_stock_units{"))
        }
    }

    @Test("A refusal of Redis is told apart from a Redis that is away")
    func refusedCommand() async throws {
        try await withLab { lab async throws in
            let client = try await lab.client.signedIn()
            let product = try await client.product(units: 5)
            _ = try await lab.stock.send(RedisCommand("CONFIG", "SET", "maxmemory", "1"))
            #expect(try await client.buy(product).status == 503)
            let refused = value(
                #"lab_redis_errors_total{role="stock",kind="refused"}"#, on: await lab.page())
            #expect(try #require(refused) > 0)
        }
    }

    @Test("Lock nodes have times and errors of their own")
    func lockNodes() async throws {
        try await withLab(.redlock) { lab async throws in
            let client = try await lab.client.signedIn()
            let product = try await client.product(units: 5)
            #expect(try await client.buy(product).status == 200)
            let count = value(
                #"lab_redis_command_seconds_count{role="lock-node"}"#, on: await lab.page())
            // Five nodes are asked for the lock and to give it back.
            #expect(try #require(count) >= 6)
        }
    }

    /// Somebody else at the same Redis, who steps in before a command of the strategy.
    private final class Intruder: Sendable {
        private let redis = Mutex<RedisClient?>(nil)
        private let command: String
        private let part: String

        /// - Parameters:
        ///   - command: What is done to the first key whose name holds `part`.
        init(_ command: String, keyWith part: String) {
            self.command = command
            self.part = part
        }

        func begin(at client: RedisClient) { redis.withLock { $0 = client } }

        func stepIn() async {
            guard let client = redis.withLock({ $0 }),
                let keys = try? await client.send(RedisCommand("KEYS", "*")).array?.compactMap(\.string),
                let key = keys.first(where: { $0.contains(part) })
            else { return }
            _ = try? await client.send(RedisCommand(command, key))
        }
    }

    @Test("A lock that is gone when its holder gives it back is counted, and logged, as expired")
    func expiredLock() async throws {
        let intruder = Intruder("DEL", keyWith: "lock")
        let hook = { @Sendable (name: String) in if name.hasSuffix("release-lock") { await intruder.stepIn() }
        }
        try await withLab(.setnxSpin, beforeCommand: hook) { lab async throws in
            let client = try await lab.client.signedIn()
            let product = try await client.product(units: 5)
            #expect(try await client.buy(product).status == 200)
            let series = #"lab_lock_expired_total{strategy="setnx-spin"}"#
            #expect(value(series, on: await lab.page()) == 0)
            intruder.begin(at: lab.stock)
            #expect(try await client.buy(product).status == 200)
            #expect(value(series, on: await lab.page()) == 1)
        }
    }

    @Test("A write that comes after a newer grant is refused by its fence, counted, and nothing is sold")
    func refusedWrite() async throws {
        let intruder = Intruder("INCR", keyWith: "fence")
        let hook = { @Sendable (name: String) in
            if name.hasPrefix("write-stock-fenced") { await intruder.stepIn() }
        }
        try await withLab(.fenced, beforeCommand: hook) { lab async throws in
            let client = try await lab.client.signedIn()
            let product = try await client.product(units: 5)
            #expect(try await client.buy(product).status == 200)
            let series = #"lab_fence_rejected_total{strategy="fenced"}"#
            #expect(value(series, on: await lab.page()) == 0)
            intruder.begin(at: lab.stock)
            #expect(try await client.buy(product).status == 503)
            #expect(try #require(value(series, on: await lab.page())) >= 1)
            #expect(try await client.stock(product) == 4)
        }
    }

    @Test("Locks that ended too early, refused writes and withheld releases are counted, once each")
    func lostLocks() {
        let metrics = ServerMetrics(strategy: StrategyEntry.fenced.id)
        func timings(_ evidence: Evidence) -> PurchaseTimings { PurchaseTimings(evidence: evidence) }
        metrics.purchased(.purchased, timings(Evidence(lostLeases: 1)))
        metrics.purchased(nil, timings(Evidence(lostLeases: 1)), isLeaseLost: true)
        metrics.purchased(nil, timings(Evidence()), isLeaseLost: true)
        metrics.purchased(.contended, timings(Evidence(failedReleases: 1, refusedWrites: 2)))
        let page = metrics.text(gauges: [])
        #expect(value(#"lab_lock_expired_total{strategy="fenced"}"#, on: page) == 3)
        #expect(value(#"lab_fence_rejected_total{strategy="fenced"}"#, on: page) == 2)
        #expect(value(#"lab_lock_release_failed_total{strategy="fenced"}"#, on: page) == 1)
    }

    @Test("Open files and CPU time of the process are those of the system")
    func processFacts() throws {
        func read() -> String {
            var page = Exposition()
            ProcessFacts().write(to: &page)
            return page.text
        }
        let before = read()
        let files = try (0..<50).map { _ in try #require(FileHandle(forReadingAtPath: "/dev/null")) }
        let end = ContinuousClock.now + .milliseconds(50)
        while ContinuousClock.now < end {}
        let after = read()
        func both(_ name: String) throws -> (Double, Double) {
            (try #require(value(name, on: before)), try #require(value(name, on: after)))
        }
        let (few, many) = try both("process_open_fds")
        // Other tests of this process open and close files too.
        #expect(many >= few + 25)
        let (early, late) = try both("process_cpu_seconds_total")
        #expect(late > early)
        #expect(try #require(value("process_resident_memory_bytes", on: after)) > 1_000_000)
        #expect(try #require(value("process_max_fds", on: after)) >= many)
        #expect(try #require(value("process_start_time_seconds", on: after)) > 1_700_000_000)
        for file in files { try file.close() }
    }

    @Test("An event loop that is held up is seen")
    func loopLag() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let lag = LoopLag()
        let watch = Task { await lag.watch(group, every: .milliseconds(10)) }
        func text() -> String {
            var page = Exposition()
            lag.write(to: &page)
            return page.text
        }
        try await waitUntil { (value("lab_event_loop_lag_seconds_count", on: text()) ?? 0) > 2 }
        // Longer than anything between two timers; whatever is due meanwhile comes late by the rest.
        let block = Duration.milliseconds(300)
        let end = ContinuousClock.now + block
        try await group.next().submit { while ContinuousClock.now < end {} }.get()
        try await waitUntil { (value("lab_event_loop_lag_seconds_sum", on: text()) ?? 0) > 0.25 }
        #expect(try #require(value("lab_task_lag_seconds_count", on: text())) > 0)
        watch.cancel()
        await watch.value
        try await group.shutdownGracefully()
    }

    @Test("promtool finds nothing to say about the page of a server at work")
    func promtool() async throws {
        try await withLab { lab async throws in
            let client = try await lab.client.signedIn()
            let product = try await client.product(units: 1)
            for _ in 0..<2 { _ = try await client.buy(product) }
            let directory = try TemporaryDirectory(prefix: "lab-metrics")
            func check(_ page: String) async throws -> (LabProcesses.ExitStatus?, [String]) {
                try page.write(toFile: directory.file("page"), atomically: true, encoding: .utf8)
                let child = try await ChildProcess.start(
                    "/bin/sh", ["-c", "exec promtool check metrics < \(directory.file("page"))"])
                return (await child.waitUntilExit(within: .seconds(60)), child.lines())
            }
            let page = await lab.page()
            let (status, words) = try await check(page)
            #expect(status == .exited(0) && words == [], "\(words)")
            // It would say something about a counter without its ending.
            let (bad, complaint) = try await check(
                page.replacing("lab_purchases_total", with: "lab_purchases"))
            #expect(bad != .exited(0) && !complaint.isEmpty)
            directory.remove()
        }
    }

    @Test("Dashboard and alerts ask only for metrics that the server has, with labels that they have")
    func dashboards() async throws {
        let pages = Recorder<String>()
        try await withLab { lab async throws in
            let client = try await lab.client.signedIn()
            let product = try await client.product(units: 1)
            _ = try await client.buy(product)
            pages.note(await lab.page())
        }
        let page = try #require(pages.values.first)
        let deploy = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../deploy")
        let dashboard = try Data(contentsOf: deploy.appending(path: "grafana/lab-server.json"))
        let rules = deploy.appending(path: "prometheus/lab-server.rules.yml")
        let alerts = try String(contentsOf: rules, encoding: .utf8)
            .replacing(/(?m)^ *(summary|- alert|- name):.*$|^#.*$/, with: "")
            // These are numbers of Prometheus, about the job of this name.
            .replacing(/up\{job="lab-server"\}/, with: "")
        let expressions = Self.expressions(try JSONSerialization.jsonObject(with: dashboard))
        #expect(expressions.count >= 20)
        var asked: Set<String> = []
        for expression in expressions + [alerts] {
            for match in expression.matches(of: /\b((?:lab|http)_[a-z0-9_]+)(\{([^}]*)\})?/) {
                let metric = String(match.1)
                // What stands in `by (…)` is a label.
                if page.contains("\(metric)=\"") { continue }
                asked.insert(metric)
                let isThere = page.contains("\n\(metric)") || page.contains("\n# TYPE \(metric) ")
                #expect(isThere, "there is no \(metric)")
                // Prometheus itself adds the label instance.
                for label in (match.3 ?? "").matches(of: /([a-z_]+)(=|!=)/)
                where label.1 != "instance" {
                    #expect(page.contains("\(label.1)=\""), "\(metric) has no \(label.1)")
                }
            }
        }
        #expect(asked.count >= 20)
        let child = try await ChildProcess.start("promtool", ["check", "rules", rules.path])
        #expect(await child.waitUntilExit(within: .seconds(60)) == .exited(0), "\(child.lines())")
    }

    /// Every `expr` in the tree.
    private static func expressions(_ value: Any) -> [String] {
        if let object = value as? [String: Any] {
            let own = (object["expr"] as? String).map { [$0] } ?? []
            return own + object.values.flatMap { expressions($0) }
        }
        return (value as? [Any])?.flatMap { expressions($0) } ?? []
    }
}
