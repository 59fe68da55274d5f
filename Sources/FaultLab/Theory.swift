package import BenchResults
package import FaultAudit
package import FaultInjection
package import LockStrategies

/// What theory says of a strategy under a fault, before anything is tried.
extension Fault {
    /// Why the fault cannot strike there; nil: it can.
    ///
    /// - Parameter servers: At the level of the service.
    package func obstacle(
        for strategy: StrategyEntry, at level: FaultLevel, servers: Int = 1
    ) -> String? {
        let isNodeFault = [.nodeDown, .nodeHang, .nodesDownMajority, .nodeEmptyRestart].contains(self)
        if strategy.needsPostgres {
            return "\(strategy) takes its lock in PostgreSQL, and the fault lab breaks none"
        }
        if isNodeFault && !strategy.needsLockNodes { return "\(strategy) asks no lock nodes" }
        switch level {
        case .strategy:
            if strategy.traits.stockLayout == .ledger { return "the stock of \(strategy) is in the ledger" }
            if [.killServer, .diskFull].contains(self) || isOfSeveralServers {
                return "this level has no server and no ledger"
            }
        case .service:
            if !strategy.isBuiltIn { return "a lab-server does not know \(strategy)" }
            if self == .slowHolder { return "the server cannot be told to be slow inside a lock" }
            if self == .killBuyer {
                return "buyers are clients of the server, see \(Fault.killServer.rawValue)"
            }
            if servers == 1 && isOfSeveralServers {
                return "one server keeps its ledger in a file: add --servers 2"
            }
            if servers > 1 && [.powerCut, .diskFull].contains(self) {
                return "the ledger of several servers is on PostgreSQL, whose disk is not ours to break"
            }
        }
        return nil
    }

    /// What must come out, or may.
    ///
    /// Alone, a strategy has its stock in Redis, so a Redis that loses what it had acknowledged breaks it. In
    /// the service the ledger has the last word: there a violation is a sale that the ledger had to refuse.
    package func expectation(of strategy: StrategyEntry, at level: FaultLevel) -> FaultExpectation {
        if strategy.isNegativeControl { return .violated }
        if level == .strategy && losesWrites { return .violated }
        if strategy.traits.abilities.contains(.stallSafety) { return .safe }
        return lease(hasNodes: strategy.needsLockNodes, at: level)
    }

    /// What no fault excuses, although another violation is expected: a Redis that loses the stock is not one
    /// of the lock nodes.
    package func inexcusable(of strategy: StrategyEntry, at level: FaultLevel) -> Set<Auditor.Invariant> {
        level == .strategy && losesWrites && strategy.needsLockNodes ? [.noOverlap] : []
    }

    /// Acknowledged writes of the stock's Redis are gone.
    private var losesWrites: Bool {
        [.killRedisEmpty, .failoverLostWrite, .powerCut].contains(self)
    }

    /// Of a lock with a time to live, whose holder writes without a number that Redis could refuse.
    private func lease(hasNodes: Bool, at level: FaultLevel) -> FaultExpectation {
        let shown: FaultExpectation = level == .strategy ? .violated : .mayBeViolated
        return switch self {
        case .slowHolder, .nodeEmptyRestart: shown
        // A server is stopped for a shorter time than its leases.
        case .pauseBuyer: level == .strategy ? .violated : .safe
        // One Redis forgets its locks. Of five nodes one may, unless the lock is held by a bare majority:
        // buyers that ask at the same time get such ones (Kleppmann 2016).
        case .clockJump: hasNodes ? .mayBeViolated : shown
        case .killRedisEmpty, .failoverLostWrite, .powerCut: hasNodes ? .safe : .mayBeViolated
        // What was sent before the stop is carried out after it, when the lease is over.
        case .pauseRedis: .mayBeViolated
        // Restarted after the lease at one level, within it at the other one, whose leases are longer.
        case .nodeDown, .nodesDownMajority: level == .strategy ? .safe : .mayBeViolated
        case .none, .killBuyer, .killServer, .killRedisAOF, .delay, .jitter, .replyLost, .reset, .halfOpen,
            .nodeHang, .scriptFlush, .outOfMemory, .readOnly, .diskFull, .loseServer, .cutPostgres,
            .pausePostgres, .killBackend, .killPostgres:
            .safe
        }
    }
}
