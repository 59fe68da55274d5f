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
