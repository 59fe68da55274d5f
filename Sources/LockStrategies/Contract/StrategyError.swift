public import RedisClient

/// The question could not be answered. What is expected (sold out, contended) is never an error.
public struct StrategyError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of failure it is: what may have happened, and whether to ask again.
    public enum Code: String, Sendable, CaseIterable {
        /// A server could not be reached; nothing was taken.
        case unavailable
        /// The server of the lock, which is another one than the Redis of the stock, could not be asked in
        /// time; nothing was taken.
        case lockUnavailable = "lock-unavailable"
        /// A time limit passed before the deciding command was sent; nothing was taken.
        case timedOut = "timed-out"
        /// The deciding command was sent and its reply never seen: it may have been applied.
        case outcomeUnknown = "outcome-unknown"
        /// The caller's task was cancelled. The deciding command may have been applied.
        case cancelled
        /// Redis answered that it will not do it (out of memory, read-only replica, failing disk, ...).
        case refused
        /// The product's stock key does not exist: neither zero nor unlimited, but unknown.
        case notStocked = "not-stocked"
        /// The product's stock key holds something that is not a whole number.
        case invalidStock = "invalid-stock"
        /// The request cannot work: quantity below 1, time to live below 1 ms or not above the drift.
        case invalidRequest = "invalid-request"
        /// The lease ended before the protected write was carried out, or before it could be used; nothing
        /// was taken.
        case leaseLost = "lease-lost"
        /// The reservation was ended before it was made: its return overtook it. Nothing was taken.
        case reservationEnded = "reservation-ended"
        /// The stock was filled anew between the read and the protected write; nothing was taken.
        case stockReplaced = "stock-replaced"
    }

    private struct Facts: Sendable, Equatable {
        let code: Code
        let context: String
        let underlying: RedisError?
        var evidence: Evidence
        let file: String
        let line: Int
    }

    /// On the heap, so that an asynchronous call has room for a reference only, whatever it may fail with.
    private final class Box: Sendable {
        let facts: Facts

        init(_ facts: Facts) {
            self.facts = facts
        }
    }

    private var box: Box

    /// What kind of failure it is.
    public var code: Code { box.facts.code }
    /// A sentence for the person who reads the log.
    public var context: String { box.facts.context }
    /// The failure of Redis behind it; nil where there is none.
    public var underlying: RedisError? { box.facts.underlying }
    /// What the call had cost until it failed.
    public var evidence: Evidence {
        get { box.facts.evidence }
        set {
            var facts = box.facts
            facts.evidence = newValue
            box = Box(facts)
        }
    }
    /// The source file that made it.
    public var file: String { box.facts.file }
    /// The line in ``file``.
    public var line: Int { box.facts.line }

    /// Each parameter is the property of that name.
    public init(
        _ code: Code, _ context: String, underlying: RedisError? = nil, evidence: Evidence = Evidence(),
        file: String = #fileID, line: Int = #line
    ) {
        box = Box(
            Facts(
                code: code, context: context, underlying: underlying, evidence: evidence, file: file,
                line: line))
    }

    public static func == (one: StrategyError, other: StrategyError) -> Bool {
        one.box.facts == other.box.facts
    }

    /// What a failed Redis command means for a strategy: the code with the same meaning, the step and the
    /// cause in one sentence, and the cause itself as ``underlying``.
    ///
    /// - Parameters:
    ///   - error: What the command ended with.
    ///   - step: What was tried, as in `acquiring a`.
    ///   - evidence: What the call had cost before this command failed.
    ///   - file: The source file that makes the error.
    ///   - line: The line in it.
    public init(
        _ error: RedisError, during step: String, evidence: Evidence = Evidence(),
        file: String = #fileID, line: Int = #line
    ) {
        let code: Code =
            switch error.code {
            case .unavailable: .unavailable
            case .timedOut: .timedOut
            case .outcomeUnknown, .protocolViolation: .outcomeUnknown
            case .cancelled: .cancelled
            case .refused: .refused
            }
        self.init(
            code, "\(step): \(error.context)", underlying: error, evidence: evidence, file: file, line: line)
    }

    public var description: String {
        "\(code.rawValue): \(context)"
    }

    /// The same error with the cost of the steps before it added.
    func adding(_ earlier: Evidence) -> StrategyError {
        var error = self
        error.evidence = earlier + evidence
        return error
    }
}
