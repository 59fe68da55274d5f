package import BenchResults

/// Whether all trials of a run met the same conditions: a strategy that may hold longer, give up later, or
/// need not write to the disk is not faster but excused.
package struct EqualConditions: Sendable, Equatable {
    /// By name, what a trial met; what does not apply to it, or could not be read, is missing.
    package let values: [String: String]

    package init(values: [String: String]) {
        self.values = values
    }

    /// The check of each trial against the first value that any trial has of each condition.
    package static func checks(_ all: [EqualConditions]) -> [Check] {
        var expected: [String: String] = [:]
        for conditions in all { expected.merge(conditions.values) { first, _ in first } }
        return all.map { conditions in
            let other = conditions.values.filter { $0.value != expected[$0.key] }.sorted { $0.key < $1.key }
            let words = other.map { "\($0.key): \($0.value), not \(expected[$0.key] ?? "-")" }
            return Check(
                id: "equal-conditions", kind: .measurement,
                statement:
                    "lease, retry budget, critical section, durability and settings are those of every trial",
                value: words.isEmpty
                    ? "\(conditions.values.count) conditions" : words.joined(separator: "; "),
                limit: "as in every other trial",
                state: conditions.values.isEmpty ? .unknown : words.isEmpty ? .pass : .fail)
        }
    }
}
