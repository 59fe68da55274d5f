import NIOCore

/// Decides when a closed load is warm: a pure value. The window begins when the load sells evenly, or when
/// the warm-up has become so long that whatever still changes belongs to what is measured.
///
/// An open load keeps its moments: they were chosen before.
package struct WarmUp: Sendable, Equatable {
    /// The warm-up may become so many times as long as was asked for.
    package static let most = 4.0
    /// Two half seconds in a row differ by no more than this share.
    static let tolerance = 0.1
    /// Of ``LoadRecord/sliceLength``: half a second.
    private static let steps = 2
    /// Before the window begins; a tick that comes later decides nothing.
    private static let notice = TimeAmount.milliseconds(20)

    private let latest: NIODeadline
    private var isOver: Bool

    /// - Parameter isOpen: Such a load begins when it was meant to.
    init(_ schedule: LoadSchedule, isOpen: Bool) {
        let asked = schedule.measureFrom - schedule.start
        latest = schedule.start + .nanoseconds(Int64(Double(asked.nanoseconds) * Self.most))
        isOver = isOpen || asked <= .zero
    }

    /// Called at the end of each step of a load.
    ///
    /// - Parameter rates: What each step sold, oldest first.
    /// - Returns: How much later the window shall begin; nil when it begins as planned.
    mutating func postpones(
        _ schedule: LoadSchedule, at now: NIODeadline, rates: [Double]
    ) -> TimeAmount? {
        let left = schedule.measureFrom - now
        // The next step ends after the window's begin, so this one has to decide.
        guard !isOver, left < LoadRecord.sliceLength + Self.notice else { return nil }
        guard left > Self.notice, schedule.measureFrom + LoadRecord.sliceLength <= latest,
            !Self.isEven(rates)
        else {
            isOver = true
            return nil
        }
        return LoadRecord.sliceLength
    }

    private static func isEven(_ rates: [Double]) -> Bool {
        guard rates.count >= 2 * steps else { return false }
        let now = rates.suffix(steps).reduce(0, +)
        let before = rates.dropLast(steps).suffix(steps).reduce(0, +)
        return now > 0 && abs(now / before - 1) <= tolerance
    }
}
