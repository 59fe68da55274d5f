/// A command with its rule: what Redis knows of it before it looks at any key.
struct RedisCall: Sendable {
    enum Verb: Sendable {
        case get, set, mget, incr, incrby, decr, decrby
        case del, exists, pttl, ttl, pexpire, persist
        case hget, hset, hdel, hgetall, hincrby, hlen, hscan
        case publish, subscribe, unsubscribe
        case watch, unwatch, multi, exec, discard
        case eval, evalsha, script, scriptLoad, scriptFlush, scriptExists, ping
    }

    /// The flags of COMMAND INFO that matter here.
    struct Flags: OptionSet, Sendable {
        let rawValue: Int
        static let write = Flags(rawValue: 1)
        /// Refused when memory is short.
        static let denyOutOfMemory = Flags(rawValue: 2)
        /// Not for scripts.
        static let noScript = Flags(rawValue: 4)
        static let loading = Flags(rawValue: 8)
        static let allowBusy = Flags(rawValue: 16)
        /// Carried out at once also in a transaction. Not of COMMAND INFO.
        static let neverQueued = Flags(rawValue: 32)
        /// Allowed to a connection that listens. Not of COMMAND INFO.
        static let forSubscribers = Flags(rawValue: 64)

        static let growing: Flags = [.write, .denyOutOfMemory]
        static let transaction: Flags = [.noScript, .loading, .allowBusy, .neverQueued]
        static let subscription: Flags = [.noScript, .loading, .forSubscribers]
    }

    struct Rule: Sendable {
        let verb: Verb
        let name: String
        /// The number of words with the command's name; negative: at least so many.
        let arity: Int
        let flags: Flags

        func accepts(_ count: Int) -> Bool { arity < 0 ? count >= -arity : count == arity }
    }

    let rule: Rule
    let arguments: [String]

    init(_ arguments: [String]) throws(UnknownRedisCommand) {
        let name = arguments.first ?? ""
        guard var rule = Self.byName[name] ?? Self.byName[name.lowercased()] else {
            throw UnknownRedisCommand("command \(name)")
        }
        if rule.verb == .script, arguments.count > 1 {
            let whole = "script|" + arguments[1].lowercased()
            guard let subcommand = Self.byName[whole] else { throw UnknownRedisCommand("command \(whole)") }
            rule = subcommand
        }
        self.rule = rule
        self.arguments = arguments
    }

    var hasRightArity: Bool { rule.accepts(arguments.count) }

    static let rules: [Rule] = [
        Rule(verb: .get, name: "get", arity: 2, flags: []),
        Rule(verb: .set, name: "set", arity: -3, flags: .growing),
        Rule(verb: .mget, name: "mget", arity: -2, flags: []),
        Rule(verb: .incr, name: "incr", arity: 2, flags: .growing),
        Rule(verb: .incrby, name: "incrby", arity: 3, flags: .growing),
        Rule(verb: .decr, name: "decr", arity: 2, flags: .growing),
        Rule(verb: .decrby, name: "decrby", arity: 3, flags: .growing),
        Rule(verb: .del, name: "del", arity: -2, flags: .write),
        Rule(verb: .exists, name: "exists", arity: -2, flags: []),
        Rule(verb: .pttl, name: "pttl", arity: 2, flags: []),
        Rule(verb: .ttl, name: "ttl", arity: 2, flags: []),
        Rule(verb: .pexpire, name: "pexpire", arity: -3, flags: .write),
        Rule(verb: .persist, name: "persist", arity: 2, flags: .write),
        Rule(verb: .hget, name: "hget", arity: 3, flags: []),
        Rule(verb: .hset, name: "hset", arity: -4, flags: .growing),
        Rule(verb: .hdel, name: "hdel", arity: -3, flags: .write),
        Rule(verb: .hgetall, name: "hgetall", arity: 2, flags: []),
        Rule(verb: .hincrby, name: "hincrby", arity: 4, flags: .growing),
        Rule(verb: .hlen, name: "hlen", arity: 2, flags: []),
        Rule(verb: .hscan, name: "hscan", arity: -3, flags: []),
        Rule(verb: .publish, name: "publish", arity: 3, flags: .loading),
        Rule(verb: .subscribe, name: "subscribe", arity: -2, flags: .subscription),
        Rule(verb: .unsubscribe, name: "unsubscribe", arity: -1, flags: .subscription),
        Rule(verb: .watch, name: "watch", arity: -2, flags: .transaction),
        Rule(verb: .unwatch, name: "unwatch", arity: 1, flags: [.noScript, .loading, .allowBusy]),
        Rule(verb: .multi, name: "multi", arity: 1, flags: .transaction),
        Rule(verb: .exec, name: "exec", arity: 1, flags: [.noScript, .loading, .neverQueued]),
        Rule(verb: .discard, name: "discard", arity: 1, flags: .transaction),
        Rule(verb: .eval, name: "eval", arity: -3, flags: .noScript),
        Rule(verb: .evalsha, name: "evalsha", arity: -3, flags: .noScript),
        Rule(verb: .script, name: "script", arity: -2, flags: []),
        Rule(verb: .scriptLoad, name: "script|load", arity: 3, flags: .noScript),
        Rule(verb: .scriptFlush, name: "script|flush", arity: -2, flags: .noScript),
        Rule(verb: .scriptExists, name: "script|exists", arity: -3, flags: .noScript),
        Rule(verb: .ping, name: "ping", arity: -1, flags: .forSubscribers),
    ]

    private static let byName: [String: Rule] = {
        var found: [String: Rule] = [:]
        for rule in rules {
            found[rule.name] = rule
            found[rule.name.uppercased()] = rule
        }
        return found
    }()
}
