import HTTPTypes
import InventoryService
import LockStrategies

/// All that the server counts. Every series exists from the start, and labels come from closed sets.
final class ServerMetrics: Sendable {
    /// The end of a purchase, as a label.
    static let outcomes = PurchaseOutcome.Kind.allCases.map(\.rawValue) + ["error"]

    private struct RouteStatus: Hashable {
        let route: OperationID
        let status: Int
    }

    private let strategy: StrategyID
    private let purchases: [String: Counter]
    private let http: [RouteStatus: Histogram]
    private let otherStatuses: [OperationID: Histogram]
    private let unknownRoutes = Counter()
    private let lockWait = Histogram(bounds: Histogram.fine)
    private let lockHold = Histogram(bounds: Histogram.fine)
    private let redis = Histogram(bounds: Histogram.fine)
    private let ledger = Histogram(bounds: Histogram.fine)
    private let lockAttempts = Counter()
    private let lockExpired = Counter()
    private let fenceRejected = Counter()
    private let failedReleases = Counter()
    private let redisMeter: RedisMeter
    private let ledgerMeter: LedgerMeter
    private let lag: LoopLag
    private let process = ProcessFacts()
    private let redisCommands = Counter()
    /// Requests that are being answered.
    let inFlight = Counter()
    private let inFlightByRoute: [OperationID: Counter]
    /// Requests refused because too many were being answered: by the server, by one route.
    let refusedByServer = Counter()
    let refusedByRoute = Counter()
    /// Connections of clients.
    let connections = Counter()
    private let frontAnswers: [String: Counter]
    /// Statuses of answers that no route gives.
    private static let frontStatuses =
        [204, 400, 404, 405, 408, 413, 417, 431, 500, 503].map(String.init) + ["other"]

    init(
        strategy: StrategyID, redis: RedisMeter = RedisMeter(), ledger: LedgerMeter = LedgerMeter(),
        lag: LoopLag = LoopLag()
    ) {
        self.strategy = strategy
        redisMeter = redis
        ledgerMeter = ledger
        self.lag = lag
        purchases = Dictionary(uniqueKeysWithValues: Self.outcomes.map { ($0, Counter()) })
        var http: [RouteStatus: Histogram] = [:]
        for route in RouteTable.all {
            for status in Set(route.answers.map(\.status.code) + route.refusals.map(\.status.code)) {
                http[RouteStatus(route: route.id, status: status)] = Histogram(bounds: Histogram.http)
            }
        }
        self.http = http
        frontAnswers = Dictionary(uniqueKeysWithValues: Self.frontStatuses.map { ($0, Counter()) })
        inFlightByRoute = Dictionary(uniqueKeysWithValues: RouteTable.all.map { ($0.id, Counter()) })
        otherStatuses = Dictionary(
            uniqueKeysWithValues: RouteTable.all.map { ($0.id, Histogram(bounds: Histogram.http)) })
    }

    func answered(_ route: OperationID, _ status: Int, in duration: Duration) {
        (http[RouteStatus(route: route, status: status)] ?? otherStatuses[route])?.observe(duration)
    }

    /// Requests to one route that are being answered.
    func inFlight(of route: OperationID) -> Counter {
        guard let counter = inFlightByRoute[route] else {
            preconditionFailure("\(route) is not in the table of routes")
        }
        return counter
    }

    /// Before a route, or in place of one.
    func answeredByFront(_ status: Int) { (frontAnswers[String(status)] ?? frontAnswers["other"])?.add() }

    func answeredUnknownRoute() { unknownRoutes.add() }

    /// - Parameters:
    ///   - outcome: Nil where the question could not be answered.
    ///   - isLeaseLost: Whether that was because the lock had ended.
    func purchased(
        _ outcome: PurchaseOutcome.Kind?, _ timings: PurchaseTimings, isLeaseLost: Bool = false
    ) {
        purchases[outcome?.rawValue ?? "error"]?.add()
        lockWait.observe(timings.evidence.waited)
        lockHold.observe(timings.evidence.held)
        redis.observe(timings.redis)
        ledger.observe(timings.sql)
        lockAttempts.add(timings.evidence.attempts)
        redisCommands.add(timings.evidence.commandsSent)
        // A lock that ended before its work began was never given back late.
        lockExpired.add(max(timings.evidence.lostLeases, isLeaseLost ? 1 : 0))
        fenceRejected.add(timings.evidence.refusedWrites)
        failedReleases.add(timings.evidence.failedReleases)
    }

    /// - Parameter gauges: What is read at the moment of asking.
    func text(gauges: [Gauge]) -> String {
        var page = Exposition()
        let strategy = [("strategy", strategy.rawValue)]
        page.family("lab_build_info", "gauge", "The program that answers; always 1.")
        page.sample(
            "lab_build_info", [("version", LabServer.version), ("build", LabServer.buildMode)] + strategy, 1)
        page.family("lab_purchases_total", "counter", "Purchases by how they ended.")
        for outcome in Self.outcomes {
            page.sample(
                "lab_purchases_total", strategy + [("outcome", outcome)], purchases[outcome]?.value ?? 0)
        }
        for (name, help, histogram) in [
            ("lab_lock_acquire_seconds", "Time a purchase waited for its lock.", lockWait),
            ("lab_lock_hold_seconds", "Time a purchase held its lock.", lockHold),
            ("lab_redis_seconds", "Time a purchase spent with Redis, waiting for the lock included.", redis),
            ("lab_ledger_write_seconds", "Time a purchase waited for its durable record.", ledger),
        ] {
            page.family(name, "histogram", help)
            page.histogram(name, strategy, histogram)
        }
        for (name, help, counter) in [
            ("lab_lock_attempts_total", "Attempts at locks.", lockAttempts),
            ("lab_lock_expired_total", "Locks that had ended before their holder was done.", lockExpired),
            (
                "lab_lock_release_failed_total", "Locks that were left to their time to live.",
                failedReleases
            ),
            (
                "lab_fence_rejected_total", "Writes that Redis refused because of a newer grant.",
                fenceRejected
            ), ("lab_redis_commands_total", "Commands that purchases sent to Redis.", redisCommands),
        ] {
            page.family(name, "counter", help)
            page.sample(name, strategy, counter.value)
        }
        redisMeter.write(to: &page)
        ledgerMeter.write(to: &page)
        lag.write(to: &page)
        process.write(to: &page)
        load(on: &page)
        page.family("lab_http_unknown_route_total", "counter", "Requests to no route of this server.")
        page.sample("lab_http_unknown_route_total", [], unknownRoutes.value)
        for gauge in gauges {
            page.family(gauge.name, gauge.kind.rawValue, gauge.help)
            for sample in gauge.samples { page.sample(gauge.name, sample.labels, sample.value) }
        }
        requests(on: &page)
        return page.text
    }

    /// What the limits of the front are about.
    private func load(on page: inout Exposition) {
        page.family("lab_http_connections", "gauge", "Connections of clients.")
        page.sample("lab_http_connections", [], connections.value)
        page.family("lab_http_requests_in_flight", "gauge", "Requests that are being answered.")
        page.sample("lab_http_requests_in_flight", [], inFlight.value)
        page.family("lab_http_route_requests_in_flight", "gauge", "Requests that a route is answering.")
        for route in RouteTable.all {
            let labels = [("http_request_method", route.method.rawValue), ("http_route", route.path)]
            page.sample("lab_http_route_requests_in_flight", labels, inFlight(of: route.id).value)
        }
        page.family(
            "lab_http_front_answers_total", "counter", "Answers given before a route, or in place of one.")
        for status in Self.frontStatuses {
            page.sample(
                "lab_http_front_answers_total", [("http_response_status_code", status)],
                frontAnswers[status]?.value ?? 0)
        }
        page.family(
            "lab_http_refused_total", "counter", "Requests refused because too many were being answered.")
        page.sample("lab_http_refused_total", [("limit", "server")], refusedByServer.value)
        page.sample("lab_http_refused_total", [("limit", "route")], refusedByRoute.value)
    }

    private func requests(on page: inout Exposition) {
        let name = "http_server_request_duration_seconds"
        page.family(name, "histogram", "Time from a request's headers to its answer.")
        for route in RouteTable.all {
            func labels(_ status: String) -> [(String, String)] {
                [
                    ("http_request_method", route.method.rawValue), ("http_route", route.path),
                    ("http_response_status_code", status),
                ]
            }
            for (key, histogram) in http.filter({ $0.key.route == route.id })
                .sorted(by: { $0.key.status < $1.key.status }) where histogram.reading.cumulative.last != 0
            {
                page.histogram(name, labels(String(key.status)), histogram)
            }
            if let other = otherStatuses[route.id], other.reading.cumulative.last != 0 {
                page.histogram(name, labels("other"), other)
            }
        }
    }
}
