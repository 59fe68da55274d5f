import Hummingbird
import InventoryService
import Logging

/// How much the log tells, changed while the server runs.
struct LogRoutes {
    let threshold: LogThreshold

    func add(to routes: RouteRegistrar<some Ledger>) {
        routes.on(.getLogLevel) { _, _ in answer }
        routes.on(.setLogLevel) { request, context in
            let fields = try await Fields(of: request, for: .setLogLevel)
            guard let level = Logger.Level(rawValue: try fields.text("level")) else {
                throw Problem.invalid("level", "must be one of \(Self.names.joined(separator: ", "))")
            }
            let seconds = fields.isGiven("duration_s") ? try fields.integer("duration_s") : nil
            if let seconds, !Self.durations.contains(seconds) {
                throw Problem.invalid(
                    "duration_s",
                    "must be a whole number from \(Self.durations.lowerBound) to \(Self.durations.upperBound)"
                )
            }
            func set() {
                if let seconds { threshold.set(level, for: .seconds(seconds)) } else { threshold.set(level) }
            }
            // Written where either level shows it.
            let isQuieter = level > threshold.level
            if !isQuieter { set() }
            context.audit(
                "log level changed",
                ["log_level": level.rawValue, "duration_s": seconds.map { "\($0)" } ?? "lasting"])
            if isQuieter { set() }
            return answer
        }
    }

    static let names = Logger.Level.allCases.map(\.rawValue)
    /// Up to a day.
    static let durations = 1...86_400

    private var answer: Response {
        let reading = threshold.reading
        return .json(
            JSONText.object { json in
                json.field("level", reading.level.rawValue)
                json.field("next_level", reading.next?.level.rawValue)
                json.field("next_in_s", reading.next.map { Int($0.after / .seconds(1)) })
            })
    }
}
