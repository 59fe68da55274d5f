import HTTPTypes
import Hummingbird
import InventoryService
import LockStrategies
import Logging
import Synchronization

/// One thing that the server needs in order to sell.
struct ReadinessCheck: Sendable {
    let name: String
    /// Throws when it is out of reach.
    let run: @Sendable () async throws -> Void
}

/// Whether the server can sell: the one decision behind `GET /health/ready` and the metric `lab_ready`.
struct Readiness: Sendable {
    /// Why the server cannot sell; the error is nil where nothing failed.
    struct Obstacle: Sendable {
        let name: String
        var error: (any Error)?
    }

    let checks: [ReadinessCheck]
    /// Held until the first comparison of stock and ledger is through.
    let gate: SalesGate
    /// Set when the server was asked to end: no balancer should send it more.
    let draining: DrainFlag

    /// What stands between the server and a sale now; empty when it is ready.
    var obstacles: [Obstacle] {
        get async {
            var found: [Obstacle] = draining.isSet ? [Obstacle(name: "draining")] : []
            if gate.isHeld { found.append(Obstacle(name: "starting")) }
            for check in checks {
                do {
                    try await check.run()
                } catch {
                    found.append(Obstacle(name: check.name, error: error))
                }
            }
            return found
        }
    }

    /// The decision as a metric.
    var gauge: Gauge {
        get async {
            Gauge(
                name: "lab_ready", help: "Whether the server can sell, as GET /health/ready says: 1 or 0.",
                value: await obstacles.isEmpty ? 1 : 0)
        }
    }
}

/// Set once, when the server begins to end.
final class DrainFlag: Sendable {
    private let flag = Atomic<Bool>(false)

    var isSet: Bool { flag.load(ordering: .relaxed) }

    func set() { flag.store(true, ordering: .relaxed) }
}

/// Whether the process lives, whether it has started, and whether it can sell.
struct HealthRoutes {
    let strategy: StrategyID
    let readiness: Readiness

    func add(to routes: RouteRegistrar<some Ledger>) {
        routes.on(.live) { _, _ in
            Response.json(JSONText.object { $0.field("status", "live") })
        }
        routes.on(.startup) { _, _ in
            let isStarting = readiness.gate.isHeld
            let body = JSONText.object { $0.field("status", isStarting ? "starting" : "started") }
            return Self.response(body, isGood: !isStarting)
        }
        routes.on(.ready) { _, context in
            let obstacles = await readiness.obstacles
            for obstacle in obstacles {
                guard let error = obstacle.error else { continue }
                context.log.warning(
                    "not ready", metadata: ["check": "\(obstacle.name)", "error": "\(error)"])
            }
            let failed = obstacles.map(\.name)
            let body = JSONText.object { json in
                json.field("status", failed.isEmpty ? "ready" : "not ready")
                json.field("strategy", strategy.rawValue)
                json.field("out_of_reach", failed)
            }
            return Self.response(body, isGood: failed.isEmpty)
        }
    }

    private static func response(_ body: ByteBuffer, isGood: Bool) -> Response {
        .json(
            body, status: isGood ? .ok : .serviceUnavailable, headers: isGood ? [:] : [.retryAfter: "1"])
    }
}
