import HTTPTypes
import Hummingbird
import LockStrategies
import Logging

/// One thing that the server needs in order to sell.
struct ReadinessCheck: Sendable {
    let name: String
    /// Throws when it is out of reach.
    let run: @Sendable () async throws -> Void
}

/// Whether the process lives, and whether it can sell.
struct HealthRoutes {
    let strategy: StrategyID
    let checks: [ReadinessCheck]

    func add(to router: Router<LabRequestContext>) {
        router.get("/health/live") { _, _ in
            Response.json(JSONText.object { $0.field("status", "live") })
        }
        router.get("/health/ready") { _, context in
            var failed: [String] = []
            for check in checks {
                do {
                    try await check.run()
                } catch {
                    failed.append(check.name)
                    context.logger.warning(
                        "not ready", metadata: ["check": "\(check.name)", "error": "\(error)"])
                }
            }
            let body = JSONText.object { json in
                json.field("status", failed.isEmpty ? "ready" : "not ready")
                json.field("strategy", strategy.rawValue)
                json.field("out_of_reach", failed)
            }
            return Response.json(body, status: failed.isEmpty ? .ok : .serviceUnavailable)
        }
    }
}
