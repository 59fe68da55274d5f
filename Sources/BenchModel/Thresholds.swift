import Foundation

/// What a run must reach and what a change may cost: from a file, or the defaults. The targets are the wish
/// list's.
package struct Thresholds: Sendable, Codable, Equatable {
    package static let currentSchema = "1.0"

    package var schemaVersion = Thresholds.currentSchema
    /// p95 of a single purchase.
    package var p95Ms = 100.0
    /// Share of the purchases that must succeed when 100 users buy.
    package var successPercent = 95.0
    /// A strategy that got slower by more than this, and significantly so, is a regression.
    package var regressionPercent = 5.0
    /// A difference below this means nothing on this machine; `lab-bench selftest` measures it.
    package var noiseFloorPercent = 2.0
    /// Where nothing was found but a slowdown by so much is not excluded, nothing is known.
    /// Nil: ``standardUnresolvedPercent``.
    var unresolvedPercent: Double?
    /// The targets that a file asks for: a run that misses one of them fails. Nil: none, the defaults are
    /// only shown.
    package var demanded: [Target]?

    package init() {}

    package enum Target: String, Sendable, Codable, CaseIterable {
        case p95Ms = "p95_ms"
        case successPercent = "success_percent"
    }

    static let standardUnresolvedPercent = 20.0
    /// As a share.
    package var unresolved: Double { (unresolvedPercent ?? Self.standardUnresolvedPercent) / 100 }

    /// Reads a thresholds file; a field that it leaves out has its default.
    package static func read(_ path: String) throws(BenchError) -> Thresholds {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw BenchError(.badInput, "the file \(path) cannot be read (--thresholds)")
        }
        return try parse(data)
    }

    static func parse(_ data: Data) throws(BenchError) -> Thresholds {
        guard let fields = try? JSONSerialization.jsonObject(with: data) as? [String: Any] else {
            throw BenchError(.badInput, "the thresholds must be a JSON object")
        }
        var thresholds = Thresholds()
        for (name, value) in fields.sorted(by: { $0.key < $1.key }) {
            if name == "schema_version" {
                guard let text = value as? String, text.hasPrefix("1.") else {
                    throw BenchError(.badInput, "the thresholds have another schema version than 1.x")
                }
                continue
            }
            guard let number = (value as? NSNumber)?.doubleValue, number >= 0 else {
                throw BenchError(.badInput, "the threshold \(name) must be a number that is not negative")
            }
            if let target = Target(rawValue: name) {
                thresholds.demanded = (thresholds.demanded ?? []) + [target]
            }
            switch name {
            case "p95_ms": thresholds.p95Ms = number
            case "success_percent": thresholds.successPercent = number
            case "regression_percent": thresholds.regressionPercent = number
            case "noise_floor_percent": thresholds.noiseFloorPercent = number
            case "unresolved_percent": thresholds.unresolvedPercent = number
            default: throw BenchError(.badInput, "unknown threshold \(name)")
            }
        }
        return thresholds
    }
}
