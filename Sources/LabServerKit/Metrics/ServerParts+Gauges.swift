import InventoryService
import LockStrategies

extension ServerParts where Store: ServedLedger {
    /// What is read from the parts when somebody asks for the metrics.
    func gauges(readiness: Readiness) async -> [Gauge] {
        // Both wait for Redis, so they wait at the same time.
        async let ready = readiness.gauge
        let live = await stockGauges + [ready]
        // Last, so that it counts what the ledger was asked for just now.
        return live + ledgerGauges + reconcileGauges + processGauges
    }

    private var processGauges: [Gauge] {
        [
            Gauge(
                name: "lab_password_queue", help: "Passwords that are hashed or wait for it.",
                value: hasher.load),
            Gauge(
                name: "lab_password_refused_total",
                help: "Passwords refused with 503 because too many waited.", value: hasher.refused,
                kind: .counter),
            Gauge(
                name: "lab_auth_limited_total", help: "Requests to the auth routes refused with 429.",
                samples: [
                    .init(labels: [("limit", "address")], value: limiter.refusedAddresses.value),
                    .init(labels: [("limit", "account")], value: limiter.refusedAccounts.value),
                ], kind: .counter),
            Gauge(
                name: "lab_log_lines_dropped_total",
                help: "Lines of the log that could not be written.", value: droppedLines.value,
                kind: .counter),
            Gauge(
                name: "lab_tls_certificate_end_timestamp_seconds",
                help: "When the certificate ends that new connections are shown; nothing without TLS.",
                samples: tls.map { [.init(labels: [], value: Int($0.current.ends.seconds))] } ?? []),
        ]
    }

    private var ledgerGauges: [Gauge] {
        let load = store.load
        let engine = Store.engine
        return store.ownGauges + [
            Gauge(
                name: "lab_ledger_queue_length", help: "Writes that wait for the ledger.",
                value: load.waiting),
            Gauge(
                name: "lab_\(engine)_batch_rows", help: "Writes in the newest transaction.",
                value: load.lastBatch),
            Gauge(
                name: "lab_\(engine)_commits_total", help: "Transactions that became durable.",
                value: load.commits, kind: .counter),
            Gauge(
                name: "lab_\(engine)_rows_total", help: "Writes in them.", value: load.rows, kind: .counter),
            Gauge(
                name: "lab_\(engine)_failed_commits_total", help: "Transactions that did not become durable.",
                value: load.failedCommits, kind: .counter),
            Gauge(
                name: "lab_ledger_refused_total",
                help: "Writes refused because too many waited, or one had waited too long.",
                value: load.refused + load.expired, kind: .counter),
        ]
    }

    private var reconcileGauges: [Gauge] {
        let found = reconcileCounts.value
        return [
            Gauge(
                name: "lab_reconcile_runs_total", help: "Comparisons of stock and ledger.",
                value: found.runs, kind: .counter),
            Gauge(
                name: "lab_reconcile_cleared_total", help: "Open reservations whose purchase stood.",
                value: found.cleared, kind: .counter),
            Gauge(
                name: "lab_reconcile_returned_total",
                help: "Open reservations that nobody would have finished.", value: found.returned,
                kind: .counter),
            Gauge(
                name: "lab_reconcile_filled_total", help: "Stocks filled from the ledger.",
                value: found.filled, kind: .counter),
            Gauge(
                name: "lab_redis_runs_total", help: "Redis servers, or runs of them, that were not known.",
                value: found.distrusted, kind: .counter),
            Gauge(
                name: "lab_reconcile_drift_units",
                help: "Units that the newest comparison found missing or too many.",
                value: found.driftUnits),
            Gauge(
                name: "lab_reconcile_problems", help: "Products that it could not put right.",
                value: found.problems),
        ]
    }
}
