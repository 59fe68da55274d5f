import BenchModel
package import BenchResults
import FaultAudit

/// What a few buyers did, over time: a lane for each buyer, in it each call from its beginning to its answer,
/// how it ended, and when its buyer held the lock.
package struct HoldTimeline: Picture {
    let title: String
    let description: String
    let lanes: [Lane]
    /// Buyers that have no lane.
    let leftOut: Int
    let hasProcesses: Bool
    /// The beginning of the axis, in words.
    let since: String
    let from: Double
    let to: Double
    /// Nil: there is none to draw.
    let fault: ClosedRange<Double>?
    /// In which two of those that prove it held the lock, where that is the violation.
    let both: ClosedRange<Double>?

    /// Calls of one buyer, in rows in which none meets another one.
    struct Lane: Sendable {
        let process: Int
        let buyer: Int
        var rows: [[FaultCell.Operation]]

        var isProof: Bool { rows.contains { $0.contains(where: \.isProof) } }

        /// More than a wait for something that did not come.
        var isTelling: Bool {
            rows.joined().contains {
                $0.isProof || $0.holdFromMs != nil || $0.outcome == .ok || $0.outcome == .unknown
            }
        }
    }

    /// - Parameter span: Milliseconds that are shown, and the calls that touch them; nil: all.
    /// - Returns: Nil: there is no call to show.
    package init?(_ shown: CallScene, title: String, span: ClosedRange<Double>? = nil) {
        let operations = shown.operations.filter { span == nil || Self.touches($0, span ?? 0...0) }
        guard let first = operations.map(\.invokedMs).min() else { return nil }
        let last = operations.flatMap(Self.moments).max() ?? first
        // Ends that nobody saw run on to the right of the last moment that somebody saw.
        let width = max(last - first, 1)
        (from, to) =
            span.map { ($0.lowerBound, $0.upperBound) } ?? (first - width * 0.02, last + width * 0.06)
        fault = shown.fault
        since = shown.since
        both = Self.both(shown)
        let all = Self.lanes(operations)
        lanes = Self.telling(all)
        leftOut = all.count - lanes.count
        hasProcesses = Set(operations.map(\.process)).count > 1
        self.title = title
        let proof = operations.filter(\.isProof).map { Self.label($0, isShort: false) }
        let shownCalls = lanes.reduce(0) { $0 + $1.rows.joined().count }
        description =
            "\(Text.count(shownCalls, "call")) of \(Text.count(lanes.count, "buyer")), from "
            + "\(Text.number(from)) to \(Text.number(to)) ms"
            + (fault.map { struck in
                "; the fault lasted from \(Text.number(struck.lowerBound)) to "
                    + "\(Text.number(struck.upperBound)) ms."
            } ?? ".")
            + (proof.isEmpty ? "" : " The proof: \(proof.joined(separator: "; ")).")
    }

    private static func moments(_ operation: FaultCell.Operation) -> [Double] {
        [operation.invokedMs, operation.answeredMs, operation.holdFromMs, operation.holdUntilMs].compactMap(
            \.self)
    }

    private static func touches(_ operation: FaultCell.Operation, _ span: ClosedRange<Double>) -> Bool {
        operation.invokedMs <= span.upperBound && operation.end >= span.lowerBound
    }

    /// The part around the proof, where it would be small in the whole; nil: it is not.
    package static func proofSpan(_ shown: CallScene) -> ClosedRange<Double>? {
        let two = overlapping(shown)
        let proof = (two.isEmpty ? shown.operations.filter(\.isProof) : two).flatMap(moments)
        let all = shown.operations.flatMap(moments)
        guard let first = proof.min(), let last = proof.max(), let start = all.min(), let end = all.max(),
            last > first, last - first < (end - start) * 0.4
        else { return nil }
        let margin = (last - first) * 0.15
        return first - margin...last + margin
    }

    /// The two calls that were inside at once; empty: nobody overlapped, or it is no violation.
    private static func overlapping(_ shown: CallScene) -> [FaultCell.Operation] {
        let finding = shown.findings.first { $0.invariant == .noOverlap && $0.verdict == .violated }
        guard let proof = finding?.proof else { return [] }
        return shown.operations.filter { proof.contains($0.id) && $0.holdFromMs != nil }
    }

    private static func both(_ shown: CallScene) -> ClosedRange<Double>? {
        let two = overlapping(shown)
        guard two.count == 2, let from = two.compactMap(\.holdFromMs).max() else { return nil }
        // Where neither came back, the later one's beginning is all that is known.
        return from...max(two.compactMap(\.holdUntilMs).min() ?? from, from)
    }

    /// Buyers by process, those of the proof first; a call goes to the first row of its buyer that is free.
    private static func lanes(_ operations: [FaultCell.Operation]) -> [Lane] {
        let buyers = Dictionary(grouping: operations) { [$0.process, $0.buyer] }
        let lanes = buyers.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { key, calls in
            var lane = Lane(process: key[0], buyer: key[1], rows: [])
            for call in calls.sorted(by: { ($0.invokedMs, $0.id) < ($1.invokedMs, $1.id) }) {
                let free = lane.rows.firstIndex { ($0.last?.end ?? -.infinity) <= call.invokedMs }
                if let free { lane.rows[free].append(call) } else { lane.rows.append([call]) }
            }
            return lane
        }
        return lanes.filter(\.isProof) + lanes.filter { !$0.isProof }
    }

    /// More lanes than these are too many to look at: those who only waited are left out.
    static let mostLanes = 12

    private static func telling(_ lanes: [Lane]) -> [Lane] {
        let telling = lanes.filter(\.isTelling)
        return lanes.count <= mostLanes || telling.isEmpty ? lanes : telling
    }

    /// `#12 ok, fence 7`
    static func label(_ operation: FaultCell.Operation, isShort: Bool) -> String {
        let fence = operation.fence.map { isShort ? ", f\($0)" : ", fence \($0)" } ?? ""
        return "#\(operation.id) \(operation.outcome.word)\(fence)"
    }

    static func note(_ operation: FaultCell.Operation) -> String {
        let end = operation.answeredMs.map { "to \(Text.number($0)) ms" } ?? "without an answer"
        let hold = operation.holdFromMs.map { from in
            ", held the lock from \(Text.number(from)) ms "
                + (operation.holdUntilMs.map { "to \(Text.number($0)) ms" } ?? "and never came back")
        }
        return
            "\(label(operation, isShort: false)): buyer \(operation.buyer), process \(operation.process), from "
            + "\(Text.number(operation.invokedMs)) \(end)\(hold ?? "")\(operation.isProof ? "; proof" : "")"
    }
}

extension FaultCell.Operation {
    /// When its place is free again; endless where nobody saw the end.
    var end: Double {
        let held = holdFromMs == nil ? invokedMs : holdUntilMs ?? .infinity
        return max(answeredMs ?? .infinity, held)
    }
}

extension History.Operation.Outcome {
    var word: String { self == .unknown ? "no word" : rawValue }

    /// As the bar of a call shows it.
    var meaning: String {
        switch self {
        case .ok: "ok: the units are the buyer's"
        case .refused: "refused: too few units"
        case .nothing: "nothing: not served"
        case .unknown: "no word: nobody knows"
        }
    }

    /// How a bar of it is painted; the hatching is the drawing's own.
    func paint(hatch: String) -> String {
        switch self {
        case .ok: "fill=\"var(--good)\" stroke=\"var(--good)\""
        case .refused: "fill=\"var(--panel)\" stroke=\"var(--soft)\" stroke-width=\"1.6\""
        case .nothing:
            "fill=\"var(--panel)\" stroke=\"var(--soft)\" stroke-width=\"1.6\" stroke-dasharray=\"3 2\""
        case .unknown: "fill=\"url(#\(hatch))\" stroke=\"var(--warn)\""
        }
    }
}
