import Synchronization

/// What was asked and answered while a clause was judged.
final class Trace: Sendable {
    private let began = ContinuousClock.now
    private let steps = Mutex<[Step]>([])
    /// A reader follows no longer story.
    private static let most = 16

    /// The steps of a report: all, or the newest.
    var shown: [Step] { steps.withLock { Array($0.suffix(Self.most)) } }

    func add(
        _ who: String, _ what: String, _ result: String = "", from start: ContinuousClock.Instant = .now,
        until end: ContinuousClock.Instant? = nil
    ) {
        let step = Step(
            at: began.duration(to: start), took: end.map { start.duration(to: $0) } ?? .zero, who: who,
            what: what, result: result)
        steps.withLock { $0.append(step) }
    }
}
