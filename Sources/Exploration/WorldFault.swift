package import BenchResults
import FaultInjection
import FaultLab
package import LockStrategies

/// What is broken in a simulated world. A name that the fault lab has too means the same thing there.
package enum WorldFault: String, Sendable, CaseIterable {
    case none
    case slowHolder = "slow-holder"
    case pauseBuyer = "pause-buyer"
    case killBuyer = "kill-buyer"
    case cancelBuyer = "cancel-buyer"
    case killServer = "kill-server"
    case ledgerRefuses = "ledger-refuses"
    case ledgerUnknown = "ledger-unknown"
    case clockDrift = "clock-drift"
    case pauseRedis = "pause-redis"
    case killRedisAOF = "kill-redis-aof"
    case killRedisEmpty = "kill-redis-empty"
    case failoverLostWrite = "failover-lost-write"
    case powerCut = "power-cut"
    case delay
    case jitter
    case slowReplies = "slow-replies"
    case requestLost = "request-lost"
    case replyLost = "reply-lost"
    case messageLost = "message-lost"
    case reset
    case halfOpen = "half-open"
    case nodeDown = "node-down"
    case nodeHang = "node-hang"
    case nodesDownMajority = "nodes-down-majority"
    case nodeEmptyRestart = "node-empty-restart"
    case clockJump = "clock-jump"
    case scriptFlush = "script-flush"
    case outOfMemory = "oom"
    case readOnly = "readonly"
    case loading
    case busy

    /// What happens, in one sentence.
    package var summary: String {
        switch self {
        case .none: "Nothing is broken; only the order of events varies."
        case .slowHolder: "Now and then the work before the write takes twice the lease."
        case .pauseBuyer: "A process stops for twice the lease, between any two steps of it."
        case .killBuyer: "A process ends, between any two steps of it."
        case .cancelBuyer: "The task of a buyer is cancelled, between any two steps of it."
        case .killServer:
            "The server is killed, up to three times and between any two steps of it, and starts again."
        case .ledgerRefuses: "The ledger writes nothing for a while, and says so."
        case .ledgerUnknown:
            "Half of what the ledger is told to write ends without an answer, written or not."
        case .clockDrift: "The clocks of processes go up to half a per cent too fast or too slow."
        case .pauseRedis: "Redis stops, then goes on."
        case .killRedisAOF: "Redis ends and starts again with all it had."
        case .killRedisEmpty: "Redis ends and starts again empty."
        case .failoverLostWrite: "A replica that lacks the last writes takes the place of Redis."
        case .powerCut: "Redis starts again with what was on the disk: the last writes are gone."
        case .delay: "Every reply comes 20 ms late."
        case .jitter: "Every reply comes up to 60 ms late, each another time."
        case .slowReplies:
            "Every reply comes up to 140 ms late, nearly the time limit of a call: work outlasts leases."
        case .requestLost: "Connections end before a command has arrived."
        case .replyLost: "Connections end after a command was carried out, before its reply."
        case .messageLost: "Half of the published messages do not arrive."
        case .reset: "All connections to Redis and to the lock nodes are reset, three times."
        case .halfOpen: "Connections stay open, and nothing that is sent arrives."
        case .nodeDown: "One of the five lock nodes ends, and starts again empty after the lease."
        case .nodeHang: "One of the five lock nodes stops, then goes on."
        case .nodesDownMajority: "Three of the five lock nodes end, and start again empty after the lease."
        case .nodeEmptyRestart:
            "Two lock nodes are away; one of the other three starts again empty within the lease, and the two come back."
        case .clockJump: "The wall clock of a Redis that holds locks jumps past the lease."
        case .scriptFlush: "Redis forgets all scripts, three times."
        case .outOfMemory: "Redis is out of memory and refuses to write."
        case .readOnly: "Redis became a replica and refuses to write."
        case .loading: "Redis is loading its data and refuses everything."
        case .busy: "A script of somebody else keeps Redis busy: it refuses everything."
        }
    }

    /// Why the strategy cannot be explored under it; nil: it can.
    package func obstacle(for strategy: StrategyEntry, at level: FaultLevel = .strategy) -> String? {
        if strategy.needsPostgres {
            return "\(strategy) takes its lock in PostgreSQL, which no simulated world has"
        }
        switch level {
        case .strategy:
            if strategy.traits.stockLayout == .ledger {
                return "\(strategy) takes its units in the ledger, which only the level service has"
            }
            if isOfService {
                return "\(rawValue) strikes a server or its ledger, which only the level service has"
            }
        case .service:
            if self == .killBuyer {
                return "buyers are clients of the server, see \(WorldFault.killServer.rawValue)"
            }
        }
        return isOfNodes && !strategy.needsLockNodes ? "\(strategy) asks no lock nodes" : nil
    }

    /// It strikes once, and chance has no part in it: all orders of a small world can be gone through.
    package var strikesOnce: Bool {
        switch self {
        case .none, .pauseBuyer, .killBuyer, .cancelBuyer, .killRedisAOF, .killRedisEmpty, .clockJump: true
        default: false
        }
    }

    /// No purchase in the service ends in doubt, so nobody is told "sold out" of units that come back.
    var keepsSales: Bool {
        switch self {
        case .none, .slowHolder, .cancelBuyer, .killServer, .clockDrift, .scriptFlush: true
        default: false
        }
    }

    /// Nothing that is sent is lost, so a lock that nobody holds any more is given back.
    var keepsReleases: Bool {
        switch self {
        case .none, .cancelBuyer, .clockDrift, .delay, .jitter, .messageLost, .scriptFlush: true
        default: false
        }
    }

    /// And nobody is slow: every lock is given back long before its time to live ends.
    var keepsLeases: Bool { keepsReleases && ![.delay, .jitter].contains(self) }

    /// It strikes the server of the service, or its ledger.
    private var isOfService: Bool { [.killServer, .ledgerRefuses, .ledgerUnknown].contains(self) }

    /// A release may get no answer, or be refused: then it is tried again after the answer of its call.
    var failsReleases: Bool {
        switch self {
        case .killRedisAOF, .killRedisEmpty, .failoverLostWrite, .powerCut, .requestLost, .replyLost, .reset,
            .halfOpen, .readOnly, .loading, .busy:
            true
        case .none, .slowHolder, .pauseBuyer, .killBuyer, .cancelBuyer, .clockDrift, .pauseRedis, .delay,
            .jitter, .slowReplies, .messageLost, .nodeDown, .nodeHang, .nodesDownMajority, .nodeEmptyRestart,
            .clockJump,
            .scriptFlush, .outOfMemory, .killServer, .ledgerRefuses, .ledgerUnknown:
            false
        }
    }

    /// Lock nodes end: nobody can be sent anything there.
    var endsNodes: Bool { [.nodeDown, .nodesDownMajority, .nodeEmptyRestart].contains(self) }

    /// It strikes lock nodes alone.
    var isOfNodes: Bool { [.nodeDown, .nodeHang, .nodesDownMajority, .nodeEmptyRestart].contains(self) }

    /// What must come out, or may. In the service the ledger has the last word: whatever a lock does, each
    /// purchase is exact.
    package func expectation(
        of strategy: StrategyEntry, at level: FaultLevel = .strategy
    ) -> FaultExpectation {
        if level == .service { return .safe }
        if let fault = Fault(rawValue: rawValue) { return fault.expectation(of: strategy, at: .strategy) }
        // These are of simulated worlds alone: none of them lets a lease end while its holder acts.
        return strategy.isNegativeControl ? .violated : .safe
    }

    /// Whether the ledger has nothing to refuse in the service: the lock alone gave no unit out twice.
    func leavesNothingToRefuse(_ strategy: StrategyEntry) -> Bool {
        if let fault = Fault(rawValue: rawValue) {
            // Here a stop outlasts the lease, so a holder and the next one may both be inside in one server.
            let level: FaultLevel = self == .pauseBuyer ? .strategy : .service
            return fault.expectation(of: strategy, at: level) == .safe
        }
        return !strategy.isNegativeControl
    }
}
