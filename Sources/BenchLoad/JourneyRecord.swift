package import BenchModel
import BenchStatistics
package import Histogram
package import NIOCore

/// What the journeys of a load have seen, step by step.
package struct JourneyRecord: Sendable {
    /// One kind of request.
    package struct Step: Sendable {
        /// Service time in microseconds of the measured requests that went well.
        package var latency = TimeHistogram.empty()
        /// Measured requests that did not.
        package var failed = 0
        /// Requests of the whole load that went well, warm-up and drain included.
        package var good = 0
        /// Requests of the whole load whose end nobody knows.
        package var unknown = 0
    }

    package private(set) var steps = JourneyStep.allCases.map { _ in Step() }
    /// From the intended start of a measured journey to its last answer, in microseconds; whole ones only.
    package private(set) var visits = TimeHistogram.empty()
    /// Measured journeys that ended before their last step.
    package private(set) var broken = 0
    /// Histories of the whole load that did not show the purchase that was answered 200 right before.
    package private(set) var missing = 0

    package func step(_ step: JourneyStep) -> Step { steps[step.index] }

    /// Requests of the whole load, purchases left out, that failed.
    package private(set) var errors = 0

    package mutating func add(
        _ step: JourneyStep, _ times: RequestTimes, done: NIODeadline, isGood: Bool, isUnknown: Bool,
        isMeasured: Bool
    ) {
        if isUnknown { steps[step.index].unknown += 1 }
        if isGood { steps[step.index].good += 1 }
        if !isGood && step != .buy { errors += 1 }
        guard isMeasured else { return }
        if isGood {
            steps[step.index].latency.record(LoadRecord.microseconds(done - times.sent))
        } else {
            steps[step.index].failed += 1
        }
    }

    mutating func addVisit(began: NIODeadline, done: NIODeadline, isWhole: Bool) {
        if isWhole { visits.record(LoadRecord.microseconds(done - began)) } else { broken += 1 }
    }

    mutating func addMissing() { missing += 1 }
}

/// What the answers said about one product, warm-up and drain included.
package struct ProductTally: Sendable, Equatable {
    package var success = 0
    package var oversellRefused = 0
    package var soldOut = 0
    /// The buyer cannot know.
    package var unknown = 0
    package var heldMicroseconds: UInt64 = 0

    package mutating func add(_ outcome: BuyerOutcome, _ timing: ServerTiming) {
        switch outcome {
        case .success:
            success += 1
            heldMicroseconds += timing.holdMicroseconds ?? 0
        case .oversellRefused: oversellRefused += 1
        case .soldOut: soldOut += 1
        case .unavailable, .transportError: unknown += 1
        case .contended, .other: break
        }
    }
}
