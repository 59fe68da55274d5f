import BenchModel

/// How many servers, on which database.
extension RunPlan {
    package static let serverCounts = 1...16

    /// Several servers need a database that they can share, so it is PostgreSQL unless it is named.
    static func servers(
        _ options: RunOptions, _ mode: RunMode, _ problems: inout [String]
    ) -> (Int, LedgerEngine) {
        let count = count(options.servers, "--servers", serverCounts, 1, &problems)
        if options.servers != nil { refuse("--servers", options, mode, &problems) }
        return (count, database(options, mode, &problems))
    }

    private static func database(_ options: RunOptions, _ mode: RunMode, _ problems: inout [String])
        -> LedgerEngine
    {
        let several = (options.servers ?? 1) > 1
        guard let text = options.database else { return several ? .postgres : .sqlite }
        guard let engine = LedgerEngine(rawValue: text) else {
            let known = LedgerEngine.allCases.map(\.rawValue).joined(separator: ", ")
            problems.append("unknown database \"\(text)\"; known are: \(known)")
            return .sqlite
        }
        if engine == .sqlite && several {
            problems.append(
                "--servers \(options.servers ?? 1) needs --database postgres: one server writes a SQLite file"
            )
        }
        if engine == .postgres { refuse("--database postgres", options, .http, &problems) }
        return engine
    }

    /// Only servers that the bench starts itself can be several. What it starts has a PostgreSQL if that is
    /// asked for, also the service in its own process.
    private static func refuse(
        _ name: String, _ options: RunOptions, _ mode: RunMode, _ problems: inout [String]
    ) {
        if mode.isOwnProcess {
            problems.append("\(name) is for --mode http: in \(mode.rawValue) mode there is no lab-server")
        }
        if options.target != nil {
            problems.append("\(name) is for servers that the bench starts: leave it out with --target")
        }
    }
}
