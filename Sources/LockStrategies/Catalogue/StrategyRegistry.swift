/// The strategies that a program knows, in the order in which it shows them. Each name stands there once.
public struct StrategyRegistry: Sendable {
    /// The strategies, in the order in which they are shown.
    public let entries: [StrategyEntry]

    /// The strategies of this package. The only list of them.
    public static let builtIn = StrategyRegistry(entries: [
        .unguarded, .setnxSpin, .setnxBackoff, .setnxNotify, .fenced, .optimistic, .luaAtomic, .combining,
        .sharded, .sqlRow, .redlock, .pgAdvisory,
    ])

    private init(entries: [StrategyEntry]) { self.entries = entries }

    /// These strategies and, after them, `more`.
    ///
    /// - Throws: When a name would stand there twice.
    public func adding(_ more: [StrategyEntry]) throws(StrategyConfigurationError) -> StrategyRegistry {
        var all = entries
        for entry in more {
            guard !all.contains(where: { $0.id == entry.id }) else {
                throw StrategyConfigurationError(
                    "there is a strategy \"\(entry.id)\" already; give the new one another name")
            }
            all.append(entry)
        }
        return StrategyRegistry(entries: all)
    }

    /// The strategy of this name; nil where none has it.
    public subscript(id: StrategyID) -> StrategyEntry? { entries.first { $0.id == id } }

    /// The strategy of this name; nil where none has it.
    public func entry(named name: String) -> StrategyEntry? {
        StrategyID(rawValue: name).flatMap { self[$0] }
    }

    /// The names of all, in their order.
    public var names: [String] { entries.map(\.name) }

    /// Those that oversell by design.
    public var negativeControls: [StrategyEntry] { entries.filter(\.isNegativeControl) }

    /// What is said of a name that no strategy has: the name that was meant, perhaps, and those that there
    /// are.
    public func complaint(about name: String) -> String {
        let known = names.joined(separator: ", ")
        let meant = suggestion(for: name).map { "did you mean \($0)? " } ?? ""
        return "unknown strategy \"\(name)\": \(meant)Known are \(known)"
    }

    /// The strategy that a mistyped name comes nearest to; nil where none is near.
    public func suggestion(for name: String) -> String? {
        NearName.suggestion(for: name, among: names)
    }
}
