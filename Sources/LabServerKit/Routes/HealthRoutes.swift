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

/// Set once, when the server begins to end.
final class DrainFlag: Sendable {
    private let flag = Atomic<Bool>(false)

    var isSet: Bool { flag.load(ordering: .relaxed) }

    func set() { flag.store(true, ordering: .relaxed) }
}

/// Whether the process lives, whether it has started, and whether it can sell.
struct HealthRoutes {
    let strategy: StrategyID
    let checks: [ReadinessCheck]
    /// Held until the first comparison of stock and ledger is through.
    let gate: SalesGate
    /// Set when the server was asked to end: no balancer should send it more.
    let draining: DrainFlag

    func add(to routes: RouteRegistrar<some Ledger>) {
        routes.on(.live) { _, _ in
            Response.json(JSONText.object { $0.field("status", "live") })
        }
        routes.on(.startup) { _, _ in
            let isStarting = gate.isHeld
            let body = JSONText.object { $0.field("status", isStarting ? "starting" : "started") }
            return Self.response(body, isGood: !isStarting)
        }
        routes.on(.ready) { _, context in
            var failed: [String] = draining.isSet ? ["draining"] : []
            if gate.isHeld { failed.append("starting") }
            for check in checks {
                do {
                    try await check.run()
                } catch {
                    failed.append(check.name)
                    context.log.warning(
                        "not ready", metadata: ["check": "\(check.name)", "error": "\(error)"])
                }
            }
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
