import BenchModel
package import FaultInjection
import LockStrategies

/// A fault in the middle of each trial's load.
package struct PlannedStrike: Sendable, Equatable {
    package let fault: Fault
    /// From the begin of the measured window.
    package let at: Duration
    package let lasts: Duration

    /// Faults that have a begin and an end that can be told to them, under a server.
    package static let possible = Fault.allCases.filter { fault in
        switch fault {
        // The first ones are for other processes; these need their own disk, or a moment of their own; the
        // last one has no end.
        case .none, .slowHolder, .killBuyer, .powerCut, .diskFull, .nodeEmptyRestart, .loseServer: false
        case .pauseBuyer, .killServer, .pauseRedis, .killRedisAOF, .killRedisEmpty, .failoverLostWrite,
            .delay, .jitter, .replyLost, .reset, .halfOpen, .nodeDown, .nodeHang, .nodesDownMajority,
            .clockJump, .scriptFlush, .outOfMemory, .readOnly, .cutPostgres, .pausePostgres, .killBackend,
            .killPostgres:
            true
        }
    }

    /// Seconds. What is left of the window after it must show whether buyers buy again.
    private static let leastAfter = 0.5

    /// - Returns: Nil when none was asked for, or what was asked for cannot be.
    init?(
        _ options: RunOptions, mode: RunMode, _ database: LedgerEngine, duration: Duration,
        strategies: [StrategyEntry], _ problems: inout [String]
    ) {
        guard let name = options.fault else {
            for (option, isGiven) in [("--at", options.at != nil), ("--for", options.lasts != nil)]
            where isGiven {
                problems.append("\(option) is for --fault: name a fault too, or leave it out")
            }
            return nil
        }
        guard let fault = Fault(rawValue: name), Self.possible.contains(fault) else {
            let names = Self.possible.map(\.rawValue)
            let meant = NearName.suggestion(for: name, among: names).map { "did you mean \($0)? " } ?? ""
            problems.append(
                "\"\(name)\" cannot strike a run: \(meant)Possible are \(names.joined(separator: ", "))")
            return nil
        }
        let before = problems.count
        Self.check(options, mode, &problems)
        if fault.strikesPostgres && database != .postgres {
            problems.append(
                "\(fault.rawValue) strikes PostgreSQL: add --database postgres, or --servers 2")
        }
        let isNodeFault = [.nodeDown, .nodeHang, .nodesDownMajority].contains(fault)
        for strategy in strategies where isNodeFault && !strategy.needsLockNodes {
            problems.append("\(fault.rawValue) cannot strike \(strategy): it asks no lock nodes")
        }
        // A third of the window before it, and as much after it as before.
        let window = duration / .seconds(1)
        let (begin, length) = (options.at ?? window / 3, options.lasts ?? min(window / 5, 1))
        // Also false for NaN, which is no time.
        let fits = begin >= 0.5 && length >= 0.05 && begin + length + Self.leastAfter <= window
        if !fits {
            problems.append(
                "--at \(Text.number(begin)) --for \(Text.number(length)) does not fit into \(Text.number(window)) s: "
                    + "half a second must be left before the fault and after it")
        }
        guard problems.count == before, fits else { return nil }
        self.fault = fault
        (at, lasts) = (.seconds(begin), .seconds(length))
    }

    private static func check(_ options: RunOptions, _ mode: RunMode, _ problems: inout [String]) {
        if mode != .http {
            problems.append("--fault is for --mode http: without a server nothing can be struck alone")
        }
        let beside: [(String, Bool)] = [
            ("--target", options.target != nil), ("--redis", options.redis != nil),
            ("--sweep", options.sweep != nil), ("--quick", options.isQuick),
            ("--scenario journey", options.scenario == Scenario.journey.rawValue),
        ]
        for (name, isGiven) in beside where isGiven {
            problems.append("--fault strikes servers that the bench has started: leave out \(name)")
        }
    }
}

/// What a strike was, on the clock of the load.
package struct Strike: Sendable, Equatable {
    package let fault: Fault
    /// Nanoseconds since the first request.
    package let struck: Int64
    package let healed: Int64
}
