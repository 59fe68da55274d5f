package import LockStrategies
import Synchronization

/// The lock of a driver, as a ``LeaseLock``: acquisitions go to its processes in turn, a release or extension
/// to the process that acquired.
///
/// What breaks it: whatever breaks the driver's own library. A holder may rely on the lease for the validity
/// that the library tells, else for the time to live less the drift, both from the arrival of the grant. One
/// round trip over the pipe each; the commands to Redis are not seen, so ``Evidence/commandsSent`` is 0.
package struct DriverLock: LeaseLock {
    private let fleet: DriverFleet
    private let validity: LeaseValidity
    private let grants = GrantCounter()

    package init(_ fleet: DriverFleet, validity: LeaseValidity = LeaseValidity()) {
        self.fleet = fleet
        self.validity = validity
    }

    package func acquire(
        _ key: LockKey, timeToLive: Duration, deadline: ContinuousClock.Instant
    ) async throws(StrategyError) -> AcquireOutcome {
        let ttl = try milliseconds(timeToLive)
        let asked = ContinuousClock.now
        let wait = max(.zero, asked.duration(to: deadline))
        let place = fleet.next()
        let answer: DriverAnswer
        do throws(DriverSilence) {
            answer = try await fleet.processes[place].ask(
                .acquire(
                    key: key.description, ttlMilliseconds: ttl,
                    waitMilliseconds: Int64(wait / .milliseconds(1))))
        } catch {
            throw StrategyError(error, "acquiring \(key)", attempts: 1, since: asked)
        }
        let evidence = Evidence(attempts: 1, waited: asked.duration(to: answer.arrival))
        switch answer.result {
        case .contended: return .contended(evidence: evidence)
        case .granted:
            let lease = Lease(
                key: key, token: grants.token(place, answer.handle), fence: answer.fence.map { Fence($0) },
                validUntil: end(answer, timeToLive))
            guard ContinuousClock.now < lease.validUntil else {
                _ = try? await release(lease)
                throw StrategyError(
                    .leaseLost, "the grant of \(key) arrived after its validity; it was given back",
                    evidence: evidence)
            }
            return .granted(lease, evidence: evidence)
        default: throw StrategyError(answer, "acquiring \(key)", evidence)
        }
    }

    package func extend(_ lease: Lease, timeToLive: Duration) async throws(StrategyError) -> ExtendOutcome {
        let ttl = try milliseconds(timeToLive)
        let (process, handle) = try holder(lease)
        let answer: DriverAnswer
        do throws(DriverSilence) {
            answer = try await process.ask(
                .extend(key: lease.key.description, handle: handle, ttlMilliseconds: ttl))
        } catch {
            throw StrategyError(error, "extending \(lease.key)")
        }
        switch answer.result {
        case .extended:
            return .extended(
                Lease(
                    key: lease.key, token: lease.token, fence: lease.fence,
                    validUntil: end(answer, timeToLive)))
        case .absent: return .absent
        // `lost` too: somebody else may hold the key, and a holder must think of the worse one.
        case .notOwner, .lost: return .notOwner
        default: throw StrategyError(answer, "extending \(lease.key)", Evidence())
        }
    }

    package func release(
        _ lease: Lease, _ evidence: inout Evidence
    ) async throws(StrategyError) -> ReleaseOutcome {
        let (process, handle) = try holder(lease)
        let answer: DriverAnswer
        do throws(DriverSilence) {
            answer = try await process.ask(.release(key: lease.key.description, handle: handle))
        } catch {
            throw StrategyError(error, "releasing \(lease.key)")
        }
        switch answer.result {
        case .released: return .released
        case .absent: return .absent
        case .notOwner, .lost: return .notOwner
        default: throw StrategyError(answer, "releasing \(lease.key)", Evidence())
        }
    }

    private func milliseconds(_ timeToLive: Duration) throws(StrategyError) -> Int64 {
        let whole = Int64(timeToLive / .milliseconds(1))
        guard whole >= 1 else {
            throw StrategyError(.invalidRequest, "a time to live of \(timeToLive) is below 1 ms")
        }
        return whole
    }

    private func end(_ answer: DriverAnswer, _ timeToLive: Duration) -> ContinuousClock.Instant {
        answer.validityMilliseconds.map { answer.arrival + .milliseconds($0) }
            ?? validity.end(asked: answer.arrival, timeToLive: timeToLive)
    }

    private func holder(_ lease: Lease) throws(StrategyError) -> (DriverProcess, String) {
        guard let (place, handle) = GrantCounter.parts(lease.token), fleet.processes.indices.contains(place)
        else {
            throw StrategyError(.invalidRequest, "the lease on \(lease.key) was not granted by this driver")
        }
        return (fleet.processes[place], handle)
    }
}

/// Tokens of a driver's grants: the place of the process, the number of the grant, the driver's handle. So a
/// token is unique even where a library's handle is not, and nothing has to be remembered.
private final class GrantCounter: Sendable {
    private let count = Atomic<Int>(0)

    func token(_ place: Int, _ handle: String) -> LeaseToken {
        LeaseToken(
            foreign: "\(place).\(count.wrappingAdd(1, ordering: .relaxed).newValue):" + handle)
    }

    static func parts(_ token: LeaseToken) -> (place: Int, handle: String)? {
        let text = token.description
        guard let dot = text.firstIndex(of: "."), let colon = text.firstIndex(of: ":"),
            let place = Int(text[..<dot])
        else { return nil }
        return (place, String(text[text.index(after: colon)...]))
    }
}

extension StrategyError {
    /// A request without an answer: what was never sent has not happened.
    fileprivate init(
        _ silence: DriverSilence, _ step: String, attempts: Int = 0,
        since asked: ContinuousClock.Instant? = nil
    ) {
        let cost = Evidence(attempts: attempts, waited: asked.map { $0.duration(to: .now) } ?? .zero)
        switch silence {
        case .unsent(let error): self.init(.unavailable, "\(step): \(error)", evidence: cost)
        case .unanswered(let error): self.init(.outcomeUnknown, "\(step): \(error)", evidence: cost)
        case .cancelled:
            self.init(.cancelled, "\(step): cancelled before the driver answered", evidence: cost)
        }
    }

    /// The library failed.
    fileprivate init(_ answer: DriverAnswer, _ step: String, _ evidence: Evidence) {
        self.init(
            answer.isUnknown ? .outcomeUnknown : .unavailable,
            "\(step): the driver answered with an error: \(answer.message)", evidence: evidence)
    }
}
