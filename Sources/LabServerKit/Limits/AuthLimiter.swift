import HTTPTypes
import Synchronization

/// How often one address may ask the auth routes, and how often one account's password may be guessed. Kept
/// in this process: it works while Redis is away, and ends with the process.
final class AuthLimiter: Sendable {
    typealias Instant = ContinuousClock.Instant

    struct Settings: Sendable, Hashable {
        /// Requests to the auth routes from one address in a minute; nil: no limit.
        var requestsPerMinute: Int?
        /// Wrong passwords for one account in a minute; nil: no limit.
        var guessesPerMinute: Int?

        static let off = Settings(requestsPerMinute: nil, guessesPerMinute: nil)
    }

    private struct State {
        var addresses: TokenBuckets?
        var accounts: TokenBuckets?
    }

    private let state: Mutex<State>
    /// Requests refused because of their address, and guesses because of their account.
    let refusedAddresses = Counter()
    let refusedAccounts = Counter()
    private let now: @Sendable () -> Instant

    init(_ settings: Settings, now: @escaping @Sendable () -> Instant = { .now }) {
        func buckets(_ perMinute: Int?) -> TokenBuckets? {
            perMinute.map { TokenBuckets(.init(burst: $0, interval: .seconds(60) / $0)) }
        }
        state = Mutex(
            State(
                addresses: buckets(settings.requestsPerMinute), accounts: buckets(settings.guessesPerMinute)))
        self.now = now
    }

    /// Counts a request of the address.
    ///
    /// - Returns: The headers that tell the client how many are left.
    /// - Throws: ``Problem`` 429.
    func admit(address: String) throws(Problem) -> HTTPFields {
        let now = now()
        let (decision, policy) = state.withLock { state in
            (state.addresses?.take(address, at: now), state.addresses?.policy)
        }
        if decision?.isAllowed == false { refusedAddresses.add() }
        return try Self.headers("address", decision, policy)
    }

    /// Counts a guess at the account's password, before it is known to be right: many at once are many.
    ///
    /// - Throws: ``Problem`` 429.
    func guess(account: String) throws(Problem) {
        let now = now()
        let (decision, policy) = state.withLock { state in
            (state.accounts?.take(account, at: now), state.accounts?.policy)
        }
        if decision?.isAllowed == false { refusedAccounts.add() }
        _ = try Self.headers("account", decision, policy)
    }

    /// The guess was right: the account's earlier ones count no more.
    func wasRight(account: String) {
        state.withLock { $0.accounts?.refill(account) }
    }

    /// The fields of draft-ietf-httpapi-ratelimit-headers.
    private static func headers(
        _ name: String, _ decision: TokenBuckets.Decision?, _ policy: TokenBuckets.Policy?
    ) throws(Problem) -> HTTPFields {
        guard let decision, let policy else { return [:] }
        let wait = Int((decision.wait / .seconds(1)).rounded(.up))
        let fields: HTTPFields = [
            .rateLimitPolicy: "\"\(name)\";q=\(policy.burst);w=60",
            .rateLimit: "\"\(name)\";r=\(decision.remaining);t=\(wait)",
        ]
        guard decision.isAllowed else {
            throw Problem.tooManyAttempts(retryAfter: wait).with(fields)
        }
        return fields
    }
}

extension HTTPField.Name {
    static let rateLimit = HTTPField.Name("RateLimit")!
    static let rateLimitPolicy = HTTPField.Name("RateLimit-Policy")!
}
