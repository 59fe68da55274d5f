/// What is broken while buyers buy. The names are those of the command line and of faults.json.
public enum Fault: String, Sendable, Codable, CaseIterable {
    case none
    case slowHolder = "slow-holder"
    case pauseBuyer = "pause-buyer"
    case killBuyer = "kill-buyer"
    case killServer = "kill-server"
    case pauseRedis = "pause-redis"
    case killRedisAOF = "kill-redis-aof"
    case killRedisEmpty = "kill-redis-empty"
    case failoverLostWrite = "failover-lost-write"
    case delay
    case jitter
    case replyLost = "reply-lost"
    case reset
    case halfOpen = "half-open"
    case nodeDown = "node-down"
    case nodeHang = "node-hang"
    case nodesDownMajority = "nodes-down-majority"
    case nodeEmptyRestart = "node-empty-restart"
    case clockJump = "clock-jump"
    case powerCut = "power-cut"
    case scriptFlush = "script-flush"
    case outOfMemory = "oom"
    case readOnly = "readonly"
    case diskFull = "disk-full"
    case loseServer = "lose-server"
    case cutPostgres = "cut-postgres"
    case pausePostgres = "pause-postgres"
    case killBackend = "kill-backend"
    case killPostgres = "kill-postgres"

    /// Needs several servers on one PostgreSQL, or the PostgreSQL itself.
    public var isOfSeveralServers: Bool { self == .loseServer || strikesPostgres }

    /// Strikes a ledger on PostgreSQL, or the way to it.
    public var strikesPostgres: Bool {
        switch self {
        case .cutPostgres, .pausePostgres, .killBackend, .killPostgres: true
        default: false
        }
    }

    /// What happens, in one sentence.
    public var summary: String {
        switch self {
        case .none: "Nothing is broken: the control."
        case .slowHolder:
            "Now and then the work inside the lock takes twice the lease, after the last look at the clock."
        case .pauseBuyer:
            "A process that buys is stopped (SIGSTOP), then goes on; at the level of the strategy longer than the lease."
        case .killBuyer: "A process that buys is killed (SIGKILL)."
        case .killServer: "The server is killed (SIGKILL) and started again."
        case .pauseRedis: "Redis is stopped (SIGSTOP), then goes on."
        case .killRedisAOF: "Redis is killed and started again; it had synced every write."
        case .killRedisEmpty: "Redis is killed and starts again empty: it keeps nothing on disk."
        case .failoverLostWrite:
            "Redis dies while its replica is cut off, and the replica takes its place: acknowledged writes are gone."
        case .delay: "Every reply of Redis, and of each lock node, comes 20 ms late."
        case .jitter:
            "Every reply of Redis, and of each lock node, comes up to 60 ms late, each by another time."
        case .replyLost:
            "Redis carries out commands, and connections to it and to the lock nodes are cut before the replies."
        case .reset: "Connections to Redis and to the lock nodes are reset, again and again."
        case .halfOpen:
            "Connections to Redis and to the lock nodes stay open, and nothing that is sent arrives."
        case .nodeDown: "One of the five lock nodes is killed, and started again empty."
        case .nodeHang: "One of the five lock nodes is stopped (SIGSTOP), then goes on."
        case .nodesDownMajority: "Three of the five lock nodes are killed, and started again empty."
        case .nodeEmptyRestart:
            "Two lock nodes are out of reach; one of the three that hold a lock starts again empty inside the lease, and the two come back."
        case .clockJump: "The wall clock of a Redis that holds locks jumps past the lease, again and again."
        case .powerCut: "The power goes: what was written and not synced is gone."
        case .scriptFlush: "Redis forgets all scripts (SCRIPT FLUSH), again and again."
        case .outOfMemory: "Redis is out of memory (maxmemory) and refuses to write."
        case .readOnly: "Redis became a replica and refuses to write."
        case .diskFull: "The disk of the ledger is full."
        case .loseServer:
            "One of several servers is killed (SIGKILL), and the others have to do without it."
        case .cutPostgres:
            "Connections of one server to PostgreSQL stay open, and nothing that is sent arrives."
        case .pausePostgres: "PostgreSQL is stopped (SIGSTOP) with all its processes, then goes on."
        case .killBackend:
            "A process of PostgreSQL that serves a server is killed (SIGKILL), once a second: PostgreSQL ends all others and recovers."
        case .killPostgres: "PostgreSQL is killed (SIGKILL) and started again."
        }
    }
}
