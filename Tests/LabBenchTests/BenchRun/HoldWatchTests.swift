import BenchAudit
import LabTesting
import LockStrategies
import Testing

@testable import BenchRun

@Suite("The watch over holds")
struct HoldWatchTests {
    private static let start = ContinuousClock.now

    private func lease(_ product: Int64 = 1, seconds: Int = 10) -> Lease {
        Lease(
            key: ProductKeys(ProductID(product)).lock, token: LeaseToken(random: .system), fence: nil,
            validUntil: Self.start + .seconds(seconds))
    }

    @Test("counts a grant while another hold of the same product goes on, and no other")
    func overlaps() {
        let watch = HoldWatch()
        let (first, second, third) = (lease(), lease(), lease())
        watch.granted(first, at: Self.start)
        watch.released(first)
        watch.granted(second, at: Self.start)
        watch.granted(lease(2), at: Self.start)
        #expect(watch.tally == .init(holds: 3, overlaps: 0))
        watch.granted(third, at: Self.start)
        #expect(watch.tally == .init(holds: 4, overlaps: 1))
        // A release that is repeated, or of somebody else, frees nobody.
        watch.released(first)
        watch.released(third)
        watch.granted(lease(), at: Self.start)
        #expect(watch.tally == .init(holds: 5, overlaps: 2))
    }

    @Test("takes who may no longer rely on a lease for gone")
    func expired() {
        let watch = HoldWatch()
        watch.granted(lease(seconds: 1), at: Self.start)
        watch.granted(lease(), at: Self.start + .milliseconds(999))
        #expect(watch.tally.overlaps == 1)
        let other = HoldWatch()
        other.granted(lease(seconds: 1), at: Self.start)
        other.granted(lease(), at: Self.start + .seconds(1))
        #expect(other.tally.overlaps == 0)
    }

    /// Lets everybody in.
    private struct OpenDoor: LeaseLock {
        func acquire(
            _ key: LockKey, timeToLive: Duration, deadline: ContinuousClock.Instant
        ) async throws(StrategyError) -> AcquireOutcome {
            let lease = Lease(
                key: key, token: LeaseToken(random: .system), fence: nil, validUntil: .now + timeToLive)
            return .granted(lease, evidence: Evidence())
        }

        func extend(_ lease: Lease, timeToLive: Duration) async throws(StrategyError) -> ExtendOutcome {
            .extended(lease)
        }

        func release(
            _ lease: Lease, _ evidence: inout Evidence
        ) async throws(StrategyError) -> ReleaseOutcome { .released }
    }

    @Test("sees through a lock that lets two in at once")
    func openDoor() async throws {
        let watch = HoldWatch()
        let lock = WatchedLock(lock: OpenDoor(), watch: watch)
        let key = ProductKeys(ProductID(1)).lock
        var leases: [Lease] = []
        for _ in 0..<2 {
            let outcome = try await lock.acquire(
                key, timeToLive: .seconds(60), deadline: .now + .seconds(60))
            if case .granted(let lease, _) = outcome { leases.append(lease) }
        }
        #expect(watch.tally == .init(holds: 2, overlaps: 1))
        for lease in leases { _ = try await lock.release(lease) }
        _ = try await lock.acquire(key, timeToLive: .seconds(60), deadline: .now + .seconds(60))
        #expect(watch.tally == .init(holds: 3, overlaps: 1))
    }
}
