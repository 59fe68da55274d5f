import Synchronization

/// Keeps a server among the living of its ledger, and notices what the others did: a sign of life each
/// second, on a connection of its own.
///
/// While the ledger does not answer, nobody relies on what the others may have changed
/// (``isUpToDate``), and after the end of its lease others may take over what this server works on.
public final class ServerPresence: Sendable {
    private struct State: Sendable {
        var lastBeat: ContinuousClock.Instant?
        var userChanges: Int64?
        var dead: Set<ServerNumber> = []
    }

    private let company: any ServerCompany
    private let period: Duration
    private let now: @Sendable () -> ContinuousClock.Instant
    private let sleep: ReconcileLoop.Sleep
    private let onDeath: @Sendable () -> Void
    private let state = Mutex(State())
    private let forget = Mutex<(@Sendable () -> Void)?>(nil)

    /// How long what was learnt is relied on.
    private static var trust: Duration { .seconds(2) }

    /// - Parameters:
    ///   - company: Joined already.
    ///   - onDeath: Called when a server died that this one had not heard of: what it worked on is nobody's.
    ///   - sleep: Waits for the period.
    public init(
        in company: any ServerCompany, period: Duration = .seconds(1),
        now: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
        sleep: @escaping ReconcileLoop.Sleep = { try await Task.sleep(for: $0) },
        onDeath: @escaping @Sendable () -> Void
    ) {
        self.company = company
        self.period = period
        self.now = now
        self.sleep = sleep
        self.onDeath = onDeath
    }

    /// Whether changes of users by other servers are known that are older than ``trust``.
    var isUpToDate: Bool {
        let now = now()
        return state.withLock { state in state.lastBeat.map { now - $0 < Self.trust } ?? false }
    }

    /// Calls `action` when another server, or this one, has changed a user.
    func onUserChange(_ action: @escaping @Sendable () -> Void) {
        forget.withLock { $0 = action }
    }

    /// Returns when its task is cancelled.
    public func run() async {
        repeat { await beat() } while (try? await sleep(period)) != nil
    }

    /// One sign of life. A ledger that does not answer is asked again by the next one.
    func beat() async {
        let start = now()
        guard let news = try? await company.beat() else { return }
        let (isChanged, isDeath) = state.withLock { state in
            let isChanged = state.userChanges != news.userChanges
            let isDeath = !news.dead.isSubset(of: state.dead)
            state.userChanges = news.userChanges
            state.dead = news.dead
            return (isChanged, isDeath)
        }
        if isChanged { forget.withLock(\.self)?() }
        // Behind the change: who finds it up to date must not find what was changed.
        state.withLock { $0.lastBeat = start }
        if isDeath { onDeath() }
    }
}
