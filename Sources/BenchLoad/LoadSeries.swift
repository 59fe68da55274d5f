package import BenchModel
package import NIOCore

/// What happened in each quarter of a second of a load.
package struct LoadSeries: Sendable, Equatable {
    /// One step.
    package struct Step: Sendable, Equatable {
        package var successes = 0
        package var refusals = 0
        package var errors = 0
        /// Response time of everything that was answered in the step; nil when nothing was.
        package var p50Microseconds: UInt64?
        package var p99Microseconds: UInt64?
        package var slowestMicroseconds: UInt64 = 0

        package var answers: Int { successes + refusals + errors }
    }

    private var closed: [Step] = []
    private var current = Step()
    /// Response times of the step that is going on; few enough to be sorted.
    private var times: [UInt64] = []

    /// From the start on, the step that is going on included.
    package var steps: [Step] { current.answers > 0 ? closed + [finished(current)] : closed }

    /// - Parameter time: Since the start of the load, never before that of an earlier answer's step.
    package mutating func add(_ outcome: BuyerOutcome, at time: TimeAmount, microseconds: UInt64) {
        let index = Int(max(time.nanoseconds, 0) / LoadRecord.sliceLength.nanoseconds)
        while closed.count < index {
            closed.append(finished(current))
            current = Step()
            times.removeAll(keepingCapacity: true)
        }
        switch outcome {
        case .success: current.successes += 1
        case .soldOut, .oversellRefused, .contended: current.refusals += 1
        case .unavailable, .other, .transportError: current.errors += 1
        }
        current.slowestMicroseconds = max(current.slowestMicroseconds, microseconds)
        times.append(microseconds)
    }

    private func finished(_ step: Step) -> Step {
        var step = step
        let sorted = times.sorted()
        if !sorted.isEmpty {
            step.p50Microseconds = sorted[(sorted.count - 1) / 2]
            step.p99Microseconds = sorted[(sorted.count * 99 + 99) / 100 - 1]
        }
        return step
    }

    /// Successes per second of the last whole steps, oldest first.
    package func rates(last count: Int) -> [Double] {
        closed.suffix(count).map { Double($0.successes) * 1e9 / Double(LoadRecord.sliceLength.nanoseconds) }
    }
}
