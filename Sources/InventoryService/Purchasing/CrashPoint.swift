import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A place in the bookkeeping where a test lets the process die, as by a power switch.
public enum CrashPoint: String, Sendable, CaseIterable {
    /// Redis has decremented and recorded the reservation; the ledger knows nothing.
    case afterReserve = "after-reserve"
    /// The row is on the disk; the reservation is still open and nobody was answered.
    case afterRecord = "after-record"
    /// The reservation is cleared; whether its buyer was answered is open.
    case afterClear = "after-clear"
    /// The ledger has marked a reservation as ended; its units are not back.
    case afterEnd = "after-end"
    /// The ledger has begun a filling; Redis still holds the old one.
    case afterBeginFilling = "after-begin-filling"
    /// The ledger has recorded more supply; Redis knows nothing of it.
    case afterSupply = "after-supply"
    /// Redis keeps the new supply as an open reservation; it is not in the stock.
    case afterOffer = "after-offer"
    /// A restore has its copy ready; the ledger's place is as it was.
    case afterRestoreCopy = "after-restore-copy"
    /// The ledger of before has its new name; nothing is at the place.
    case afterRestoreKeep = "after-restore-keep"
}

/// Kills the process the n-th time that it passes one crash point. Nothing in a release build: the tests that
/// use it run in debug.
public struct CrashPoints: Sendable {
    private final class Fuse: Sendable {
        let point: CrashPoint
        private let left: Mutex<Int>

        init(point: CrashPoint, passes: Int) {
            self.point = point
            left = Mutex(passes)
        }

        func burn() -> Bool {
            left.withLock { left in
                left -= 1
                return left == 0
            }
        }
    }

    private let fuse: Fuse?

    public static let none = CrashPoints(fuse: nil)

    package func pass(_ point: CrashPoint) {
        #if DEBUG
            guard let fuse, fuse.point == point, fuse.burn() else { return }
            kill(getpid(), SIGKILL)
        #endif
    }
}

#if DEBUG
    extension CrashPoints {
        /// - Parameter text: `point` or `point:n`, as in `LAB_CRASH_AT=after-reserve:3`.
        /// - Throws: ``InventoryError`` with `.unsafeConfiguration` for a text that names no point.
        public init(_ text: String) throws(InventoryError) {
            let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard let point = CrashPoint(rawValue: String(parts[0])),
                let passes = parts.count == 2 ? Int(parts[1]) : 1, passes >= 1
            else {
                let known = CrashPoint.allCases.map(\.rawValue).joined(separator: ", ")
                throw InventoryError(
                    .unsafeConfiguration,
                    "LAB_CRASH_AT=\(text) names no crash point; known are, with an optional :n, \(known)")
            }
            self.init(fuse: Fuse(point: point, passes: passes))
        }
    }
#endif
