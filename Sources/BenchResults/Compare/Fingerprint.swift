import BenchModel

/// What must be equal for two results to be comparable.
package enum Fingerprint {
    package static func differences(_ base: RunResults, _ new: RunResults) -> [String] {
        var found: [String] = []
        func look(_ name: String, _ before: some Equatable, _ after: some Equatable) {
            if "\(before)" != "\(after)" { found.append("\(name): \(before) and \(after)") }
        }
        look("host", base.env.host, new.env.host)
        look("processor", base.env.cpu, new.env.cpu)
        look("cores", base.env.cores, new.env.cores)
        look("memory (MiB)", base.env.memoryMib, new.env.memoryMib)
        look("kernel", base.env.kernel, new.env.kernel)
        look("system", base.env.os, new.env.os)
        look("governor", base.env.governor ?? "-", new.env.governor ?? "-")
        look("virtualisation", base.env.virtualisation ?? "-", new.env.virtualisation ?? "-")
        look("Swift", base.env.swift, new.env.swift)
        look("build", base.env.buildMode, new.env.buildMode)
        look("mode", base.workload.mode.rawValue, new.workload.mode.rawValue)
        look("scenario", base.workload.scenario.rawValue, new.workload.scenario.rawValue)
        look("products", base.workload.products, new.workload.products)
        look("skew", base.workload.skew, new.workload.skew)
        look("sweep", base.sweep?.kind.rawValue ?? "none", new.sweep?.kind.rawValue ?? "none")
        look("target", base.workload.target, new.workload.target)
        look("fault", base.workload.fault ?? "none", new.workload.fault ?? "none")
        look("stock", base.workload.stock, new.workload.stock)
        look("users", base.workload.users, new.workload.users)
        look("measured seconds", base.workload.durationSeconds, new.workload.durationSeconds)
        look("warm-up seconds", base.workload.warmupSeconds, new.workload.warmupSeconds)
        look("version of lab-bench", base.run.toolVersion ?? "-", new.run.toolVersion ?? "-")
        look("lease (ms)", base.systemUnderTest.leaseTtlMs, new.systemUnderTest.leaseTtlMs)
        look(
            "purchase deadline (ms)", base.systemUnderTest.purchaseDeadlineMs,
            new.systemUnderTest.purchaseDeadlineMs)
        look("lock nodes", base.systemUnderTest.lockNodes, new.systemUnderTest.lockNodes)
        for before in base.systemUnderTest.conditions {
            guard let after = new.systemUnderTest.conditions.first(where: { $0.id == before.id }) else {
                continue
            }
            look("conditions of \(before.id)", before.words, after.words)
        }
        look("Redis", base.systemUnderTest.redis?.version ?? "-", new.systemUnderTest.redis?.version ?? "-")
        look(
            "appendfsync", base.systemUnderTest.redis?.appendfsync ?? "-",
            new.systemUnderTest.redis?.appendfsync ?? "-")
        look("SQLite", base.systemUnderTest.sqliteVersion ?? "-", new.systemUnderTest.sqliteVersion ?? "-")
        // Results of before had one server on SQLite.
        look("servers", base.systemUnderTest.servers ?? 1, new.systemUnderTest.servers ?? 1)
        look(
            "PostgreSQL", base.systemUnderTest.postgresVersion ?? "-",
            new.systemUnderTest.postgresVersion ?? "-")
        let flags = [base, new].map { results in
            results.systemUnderTest.serverArguments.map {
                RunResults.sharedArguments($0).joined(separator: " ")
            }
                ?? "none"
        }
        look("flags of lab-server", flags[0], flags[1])
        if base.env.buildMode != "release" { found.append("the base is no release build") }
        return found
    }

    /// What keeps a comparison from being concluded, whatever its figures say.
    static func doubts(_ base: RunResults, _ new: RunResults) -> [String] {
        var found: [String] = []
        for (side, results) in [("base", base), ("new", new)] where results.run.status != "complete" {
            found.append("the \(side) run is \(results.run.status)")
        }
        if [.invalid, .violation, .inconclusive].contains(base.verdict.exit) {
            found.append("the base is \(base.verdict.word)")
        }
        return found
    }
}

extension StrategyConditions {
    /// All of it in a few words.
    fileprivate var words: String {
        func number(_ value: Double?) -> String { value.map { Text.number($0) } ?? "none" }
        let pause = retry.map { retry in
            "\(retry.delay) \(number(retry.baseMs)) to \(number(retry.capMs)) ms, retries "
                + "\(retry.maximumRetries.map { "\($0)" } ?? "unlimited")"
        }
        return "lease \(number(leaseTtlMs)) ms, \(pause ?? "no retry"), \(criticalSection)"
    }
}
