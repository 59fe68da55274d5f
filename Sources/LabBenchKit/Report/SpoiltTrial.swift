import LockStrategies

/// A trial that counts for nothing because the instrument has spoilt it, as it stands in `results.json`.
struct SpoiltTrial: Sendable, Codable, Equatable {
    struct Cause: Sendable, Codable, Equatable {
        var check: String
        var value: String
        var limit: String
    }

    var strategy: String
    var model: LoadModel
    var users: Int
    @OrNull var ratePerSecond: Double?
    /// Place in the run, which its repetition has too.
    var order: Int
    var block: Int
    /// From 1.
    var attempt: Int
    /// Empty where only the trial of the other server of a pair was spoilt.
    var causes: [Cause]
    /// No later attempt counts either.
    var isLeftOut: Bool
    /// Every check of the stock passed; null where one could not be made.
    @OrNull var isStockExact: Bool?
    /// What it sold all the same, so that everybody sees that no result was chosen.
    var purchasesPerSecond: Double
}

extension SpoiltTrial {
    /// - Parameter kept: Whether another attempt of the same place in the run counts.
    init(_ trial: FinishedTrial, kept: Bool) {
        let planned = trial.planned
        strategy = planned.strategy.rawValue
        (model, users, ratePerSecond) = (planned.model, planned.users, planned.rate)
        (order, block, attempt) = (planned.order, planned.block, trial.attempt)
        causes = trial.spoilers.map { Cause(check: $0.id, value: $0.value, limit: $0.limit) }
        isLeftOut = !kept
        let books = trial.checks.filter { $0.kind == .correctness && $0.state != .notChecked }
        isStockExact = books.contains { $0.state == .unknown } ? nil : books.allSatisfy { $0.state == .pass }
        purchasesPerSecond = trial.record.purchasesPerSecond
    }

    /// One for each spoilt trial, in the order in which they ran.
    static func all(_ trials: [FinishedTrial]) -> [SpoiltTrial] {
        let kept = Set(trials.filter { !$0.isSpoilt }.map(\.planned.order))
        return trials.filter(\.isSpoilt).map { SpoiltTrial($0, kept: kept.contains($0.planned.order)) }
    }

    /// `generator-lag 28.00 ms of the p99, must be <= 15.00 ms (…)`
    var why: String {
        if causes.isEmpty { return "the other server's trial was spoilt" }
        return causes.map { "\($0.check) \($0.value), must be \($0.limit)" }.joined(separator: "; ")
    }

    /// `trial 15 of 16 (redlock, closed, 128 users)`
    func place(of count: Int) -> String {
        "trial \(order) of \(count) (\(strategy), \(model.rawValue), \(users) users)"
    }

    var stockWord: String {
        isStockExact.map { $0 ? "its stock was exact" : "its stock was wrong" } ?? "its stock was not read"
    }
}

/// What to do about a check that failed.
enum Remedy {
    private static let quieter =
        "something else used the processor, or the load is too much for this machine: stop what else runs, or take "
        + "fewer users or a lower rate"

    private static let sentences = [
        "generator-processor": quieter, "generator-lag": quieter, "generator-pauses": quieter,
        "arrival-process": quieter, "arrival-gaps": quieter,
        "generator-sockets": "raise the limit of open files (ulimit -n)",
        "littles-law": "users did nothing for a part of the window: look at the errors of the trial",
        "stationary": "the rate changed within the window: take a longer --warmup and --duration",
        "server-lived": "look at the last lines of the server's log",
        "quiet-logs": "set the log level of the server so that it says nothing of single purchases",
        "enough-stock": "give more units by --stock",
        "some-success": "nothing was sold: look at the refusals and errors, and take a longer --duration",
        "release-build": "build with `./lab bench`, which builds for release",
        "equal-conditions": "start every server with the same settings",
    ]

    /// - Returns: nil where there is nothing that a user could do.
    static func known(_ check: String) -> String? { sentences[check] }

    static func of(_ check: String) -> String {
        known(check) ?? "keep the results and report it: the service and the bench count differently"
    }
}
