/// The numbers of the protocol, version 1 (docs/DRIVERS.md).
package struct DriverLimits: Sendable, Hashable {
    package static let protocolVersion = 1

    /// From the start of a driver to its hello.
    package var hello = Duration.seconds(10)
    /// From a request to its answer; an acquisition has its `wait_ms` on top.
    package var answer = Duration.seconds(10)
    /// From `quit`, or from the end of its standard input, to its own end.
    package var quit = Duration.seconds(5)
    /// Bytes of a line, its newline not counted.
    package var line = 65_536
    /// Bytes of a handle.
    package var handle = 4_096

    package init() {}
}

/// What a driver says of itself, once, before anything else.
package struct DriverHello: Sendable, Hashable, Codable {
    /// Names of the abilities that the bench knows; a driver may name others.
    package enum Ability: String, Sendable, CaseIterable {
        /// A lease can be extended.
        case extend
        /// Each grant carries a number that rises.
        case fence
        /// All of `LAB_REDIS` are asked, and a majority decides.
        case quorum
        /// Another process than the one that acquired may extend or release.
        case portableHandle = "portable_handle"
    }

    package let `protocol`: Int
    /// The library, in the reader's words.
    package let name: String
    package let version: String
    package let abilities: [String]
    /// How the library is set up: `defaults`, say.
    package let setting: String?

    package init(
        protocol number: Int = DriverLimits.protocolVersion, name: String, version: String,
        abilities: [String] = [], setting: String? = nil
    ) {
        self.protocol = number
        self.name = name
        self.version = version
        self.abilities = abilities
        self.setting = setting
    }

    package func has(_ ability: Ability) -> Bool { abilities.contains(ability.rawValue) }
}

/// What the bench asks of a driver.
package enum DriverOperation: Sendable, Hashable {
    case acquire(key: String, ttlMilliseconds: Int64, waitMilliseconds: Int64)
    case extend(key: String, handle: String, ttlMilliseconds: Int64)
    case release(key: String, handle: String)

    var key: String {
        switch self {
        case .acquire(let key, _, _), .extend(let key, _, _), .release(let key, _): key
        }
    }

    /// For messages: what was asked, on which key.
    var words: String {
        switch self {
        case .acquire: "acquire \"\(key)\""
        case .extend: "extend \"\(key)\""
        case .release: "release \"\(key)\""
        }
    }

    /// Every word that answers it.
    var results: [DriverResult] {
        switch self {
        case .acquire: [.granted, .contended, .error]
        case .extend: [.extended, .notOwner, .absent, .lost, .error]
        case .release: [.released, .notOwner, .absent, .lost, .error]
        }
    }

    /// How long its answer may take.
    func patience(_ limits: DriverLimits) -> Duration {
        switch self {
        case .acquire(_, _, let wait): .milliseconds(wait) + limits.answer
        case .extend, .release: limits.answer
        }
    }
}

/// The word of an answer.
package enum DriverResult: String, Sendable, Codable, CaseIterable {
    case granted, contended, extended, released
    /// Somebody else holds the key.
    case notOwner = "not_owner"
    /// Nobody holds the key.
    case absent
    /// One of the two, and the library cannot tell which.
    case lost
    /// The library failed.
    case error
}

/// A line to a driver.
package struct DriverRequest: Sendable, Hashable, Codable {
    /// Nil for `quit`, which has no answer.
    package var id: Int?
    package var op: String
    package var key: String?
    package var handle: String?
    package var ttlMilliseconds: Int64?
    package var waitMilliseconds: Int64?

    private enum CodingKeys: String, CodingKey {
        case id, op, key, handle
        case ttlMilliseconds = "ttl_ms"
        case waitMilliseconds = "wait_ms"
    }

    package static let quit = DriverRequest(op: "quit")

    private init(op: String) { self.op = op }

    package init(_ id: Int, _ operation: DriverOperation) {
        self.id = id
        key = operation.key
        switch operation {
        case .acquire(_, let ttl, let wait): (op, ttlMilliseconds, waitMilliseconds) = ("acquire", ttl, wait)
        case .extend(_, let handle, let ttl): (op, self.handle, ttlMilliseconds) = ("extend", handle, ttl)
        case .release(_, let handle): (op, self.handle) = ("release", handle)
        }
    }
}

/// A line from a driver: its hello, or an answer.
package struct DriverLine: Sendable, Hashable, Codable {
    package var hello: DriverHello?
    package var id: Int?
    package var result: String?
    package var handle: String?
    package var fence: Int64?
    package var validityMilliseconds: Int64?
    package var message: String?
    /// With `error`: it may have happened.
    package var unknown: Bool?

    private enum CodingKeys: String, CodingKey {
        case hello, id, result, handle, fence, message, unknown
        case validityMilliseconds = "validity_ms"
    }

    package init(hello: DriverHello) { self.hello = hello }

    package init(id: Int?, result: DriverResult, handle: String? = nil) {
        self.id = id
        self.result = result.rawValue
        self.handle = handle
    }
}

/// An answer that fits its request.
package struct DriverAnswer: Sendable, Hashable {
    package let result: DriverResult
    /// Empty unless `granted`.
    package let handle: String
    package let fence: Int64?
    package let validityMilliseconds: Int64?
    package let message: String
    package let isUnknown: Bool
    /// When its line arrived.
    package let arrival: ContinuousClock.Instant
}
