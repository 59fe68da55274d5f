import Testing

@testable import RedisClient

/// When a server is left alone, as a pure machine on a clock that the test moves.
@Suite("The circuit breaker")
struct CircuitBreakerTests {
    private typealias Ticket = CircuitBreaker.Ticket

    private let start = ContinuousClock.now
    private let policy = RedisClient.CircuitPolicy(
        silentCalls: 3, pauseBase: .seconds(1), pauseCap: .seconds(4))

    private func admitted(_ breaker: inout CircuitBreaker, at now: ContinuousClock.Instant) throws -> Ticket {
        guard case .admitted(let ticket) = breaker.admit(at: now) else { throw Refused() }
        return ticket
    }

    private struct Refused: Error {}

    /// A breaker that has just opened, and a call that began before.
    private func opened() throws -> (breaker: CircuitBreaker, old: Ticket) {
        var breaker = CircuitBreaker(policy)
        let old = try admitted(&breaker, at: start)
        for _ in 0..<3 {
            let ticket = try admitted(&breaker, at: start)
            breaker.note(.silent, of: ticket, at: start, jitter: 1)
        }
        return (breaker, old)
    }

    @Test("opens after so many silent calls in a row, and not when one between them was answered")
    func opens() throws {
        var breaker = CircuitBreaker(policy)
        for outcome in [CircuitBreaker.Outcome.silent, .silent, .replied, .silent, .untold, .silent] {
            let ticket = try admitted(&breaker, at: start)
            breaker.note(outcome, of: ticket, at: start, jitter: 1)
        }
        #expect(!breaker.isOpen)
        let ticket = try admitted(&breaker, at: start)
        breaker.note(.silent, of: ticket, at: start, jitter: 1)
        #expect(breaker.isOpen)
        #expect(breaker.refuses(at: start))
        #expect(breaker.admit(at: start) == .refused)
    }

    @Test("counts a lost connection once for all calls that were under way, and the next one again")
    func victims() throws {
        var breaker = CircuitBreaker(policy)
        for loss in 1...3 {
            let victims = try (0..<10).map { _ in try admitted(&breaker, at: start) }
            for victim in victims {
                #expect(!breaker.isOpen, "loss \(loss)")
                breaker.note(.lost, of: victim, at: start, jitter: 1)
                guard loss < 3 else { break }
            }
        }
        #expect(breaker.isOpen)
    }

    @Test("counts each call that waited its time for itself, also beside a lost connection")
    func waited() throws {
        var breaker = CircuitBreaker(policy)
        let calls = try (0..<4).map { _ in try admitted(&breaker, at: start) }
        for (call, outcome) in zip(calls, [CircuitBreaker.Outcome.lost, .lost, .silent, .silent]) {
            #expect(!breaker.isOpen)
            breaker.note(outcome, of: call, at: start, jitter: 1)
        }
        #expect(breaker.isOpen)
    }

    @Test("a call that is made although the server is left alone ends that by its reply, and tries nothing")
    func madeAlways() throws {
        var (breaker, _) = try opened()
        let silent = breaker.admitAlways()
        breaker.note(.silent, of: silent, at: start, jitter: 1)
        #expect(breaker.refuses(at: start + .milliseconds(999)))
        let answered = breaker.admitAlways()
        breaker.note(.replied, of: answered, at: start, jitter: 1)
        #expect(!breaker.isOpen)
    }

    @Test("lets one call try it after the pause, and refuses the others until that one knows")
    func trial() throws {
        var (breaker, _) = try opened()
        #expect(breaker.admit(at: start + .milliseconds(999)) == .refused)
        let trial = try admitted(&breaker, at: start + .seconds(1))
        #expect(breaker.admit(at: start + .seconds(1)) == .refused)
        #expect(breaker.refuses(at: start + .seconds(100)))
        breaker.note(.replied, of: trial, at: start + .seconds(2), jitter: 1)
        #expect(!breaker.isOpen)
        _ = try admitted(&breaker, at: start + .seconds(2))
    }

    @Test("pauses twice as long each time, up to the longest, and begins anew after a reply")
    func pauses() throws {
        var (breaker, _) = try opened()
        var now = start
        for pause in [1, 2, 4, 4] {
            now += .seconds(pause)
            #expect(breaker.refuses(at: now - .milliseconds(1)))
            let trial = try admitted(&breaker, at: now)
            breaker.note(.silent, of: trial, at: now, jitter: 1)
        }
        now += .seconds(4)
        let trial = try admitted(&breaker, at: now)
        breaker.note(.replied, of: trial, at: now, jitter: 1)
        for _ in 0..<3 {
            let ticket = try admitted(&breaker, at: now)
            breaker.note(.silent, of: ticket, at: now, jitter: 0)
        }
        #expect(breaker.refuses(at: now + .milliseconds(499)))
        #expect(!breaker.refuses(at: now + .milliseconds(500)))
    }

    @Test(
        "a call that began before the pause and is silent does not make it longer; one that is answered ends it"
    )
    func late() throws {
        var (breaker, old) = try opened()
        breaker.note(.silent, of: old, at: start + .milliseconds(900), jitter: 1)
        #expect(!breaker.refuses(at: start + .seconds(1)))
        let trial = try admitted(&breaker, at: start + .seconds(1))
        breaker.note(.silent, of: old, at: start + .seconds(1), jitter: 1)
        #expect(breaker.refuses(at: start + .seconds(1)), "the trial is still under way")
        breaker.note(.replied, of: old, at: start + .seconds(1), jitter: 1)
        #expect(!breaker.isOpen)
        breaker.note(.silent, of: trial, at: start + .seconds(1), jitter: 1)
        #expect(!breaker.isOpen, "one silent call is not three")
    }

    @Test("a trial whose caller leaves hands the trial to the next call")
    func abandonedTrial() throws {
        var (breaker, _) = try opened()
        let trial = try admitted(&breaker, at: start + .seconds(1))
        breaker.note(.untold, of: trial, at: start + .seconds(1), jitter: 1)
        #expect(!breaker.refuses(at: start + .seconds(1)))
        _ = try admitted(&breaker, at: start + .seconds(1))
        #expect(breaker.admit(at: start + .seconds(1)) == .refused)
    }
}

@Suite("The budget for retries")
struct RetryBudgetTests {
    @Test("gives its reserve, then one retry for ten calls, and never more than the reserve at once")
    func tenth() {
        var budget = RetryBudget(reserve: 3)
        func takes() -> Int { (0..<100).count { _ in budget.takeRetry() } }
        #expect(takes() == 3)
        for _ in 0..<9 { budget.noteCall() }
        #expect(takes() == 0)
        budget.noteCall()
        #expect(takes() == 1)
        for _ in 0..<1000 { budget.noteCall() }
        #expect(takes() == 3)
    }
}
