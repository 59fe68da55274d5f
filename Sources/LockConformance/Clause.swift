/// One sentence that a lock is held to, and what decides it: calls of a few clients on real servers.
///
/// A clause sees the lock through the `LeaseLock` contract alone; what it finds in Redis is evidence, never
/// the verdict. Two clauses share nothing, so each can be run alone, in any order, and beside others.
public struct Clause: Sendable {
    /// Its name: small letters and hyphens.
    public let id: String
    /// The clauses of this package's test suite that it repeats from outside.
    public let numbers: [Int]
    /// What must hold, in one sentence.
    public let title: String
    /// Abilities without which it says nothing of a lock.
    public let needs: Set<LockUnderTest.Ability>
    let body: @Sendable (Scene) async throws -> Void

    init(
        _ id: String, _ numbers: [Int], _ title: String, needs: Set<LockUnderTest.Ability> = [],
        _ body: @escaping @Sendable (Scene) async throws -> Void
    ) {
        self.id = id
        self.numbers = numbers
        self.title = title
        self.needs = needs
        self.body = body
    }

    /// Every clause, in the order of reports.
    public static let all: [Clause] = [
        exclusion, separateKeys, lateRelease, secondRelease, validity, lateGrant, longWait, expiry,
        killedClient, wallClock, lostReply, deadRedis, hangingRedis, refusingRedis, deadline, cancelledWait,
        releaseEnds, releaseAgain, extend, lateExtend, quorum, fences,
    ]

    /// The clause of this name.
    public static func named(_ id: String) -> Clause? { all.first { $0.id == id } }

    /// What a clause takes at most; then it is unknown.
    static let longest = Duration.seconds(90)

    /// Judges one lock: starts servers and clients, asks, and ends them, whatever happened.
    public func judge(_ lock: LockUnderTest) async -> Finding {
        if let reason = obstacle(lock) {
            return Finding(lock: lock.name, clause: self, .notApplicable, reason)
        }
        let began = ContinuousClock.now
        let scene = Scene(lock)
        let judged: Judged? = await FirstAnswer.within(Self.longest) {
            do {
                try await body(scene)
                return Judged.passed
            } catch let judged as Judged {
                return judged
            } catch {
                return .undecided("\(error)")
            }
        }
        let steps = scene.trace.shown
        // Also when this task is cancelled: nothing stays.
        await Task { await scene.close() }.value
        let took = began.duration(to: .now)
        let (name, longest) = (lock.name, Words.time(Self.longest))
        switch judged {
        case .passed: return Finding(lock: name, clause: self, .pass, took: took)
        case .failed(let why): return Finding(lock: name, clause: self, .fail, why, steps: steps, took: took)
        case .undecided(let why):
            return Finding(lock: name, clause: self, .unknown, why, steps: steps, took: took)
        case nil:
            return Finding(
                lock: name, clause: self, .unknown, "the clause was not decided within \(longest)",
                steps: steps, took: took)
        }
    }

    private func obstacle(_ lock: LockUnderTest) -> String? {
        let missing = LockUnderTest.Ability.allCases.first {
            needs.contains($0) && !lock.abilities.contains($0)
        }
        return switch missing {
        case .extend: "its leases cannot be extended"
        case .fence: "its grants carry no fence"
        case .quorum: "it asks one server, and no majority"
        case .validity: "its grants do not say how long they are valid"
        case .ownProcess: "it runs in the process of the bench, whose wall clock cannot be moved"
        case nil: nil
        }
    }
}

extension Clause: Hashable {
    public static func == (one: Clause, other: Clause) -> Bool { one.id == other.id }

    public func hash(into hasher: inout Hasher) { hasher.combine(id) }
}

/// How a clause ends before its last line, and that it came there.
enum Judged: Error {
    case passed
    case failed(String)
    case undecided(String)
}
