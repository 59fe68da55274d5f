package import BenchModel

/// A trial that counts for nothing because the instrument has spoilt it, as it stands in `results.json`.
package struct SpoiltTrial: Sendable, Codable, Equatable {
    package struct Cause: Sendable, Codable, Equatable {
        package var check: String
        package var value: String
        package var limit: String

        package init(check: String, value: String, limit: String) {
            self.check = check
            self.value = value
            self.limit = limit
        }
    }

    package var strategy: String
    package var model: LoadModel
    package var users: Int
    @OrNull package var ratePerSecond: Double?
    /// Place in the run, which its repetition has too.
    package var order: Int
    package var block: Int
    /// From 1.
    package var attempt: Int
    /// Empty where only the trial of the other server of a pair was spoilt.
    package var causes: [Cause]
    /// No later attempt counts either.
    package var isLeftOut: Bool
    /// Every check of the stock passed; null where one could not be made.
    @OrNull package var isStockExact: Bool?
    /// What it sold all the same, so that everybody sees that no result was chosen.
    package var purchasesPerSecond: Double

    package init(
        strategy: String, model: LoadModel, users: Int, ratePerSecond: Double?, order: Int, block: Int,
        attempt: Int, causes: [Cause], isLeftOut: Bool, isStockExact: Bool?, purchasesPerSecond: Double
    ) {
        self.strategy = strategy
        self.model = model
        self.users = users
        self.ratePerSecond = ratePerSecond
        self.order = order
        self.block = block
        self.attempt = attempt
        self.causes = causes
        self.isLeftOut = isLeftOut
        self.isStockExact = isStockExact
        self.purchasesPerSecond = purchasesPerSecond
    }
}

extension SpoiltTrial {
    /// `generator-lag 28.00 ms of the p99, must be <= 15.00 ms (…)`
    package var why: String {
        if causes.isEmpty { return "the other server's trial was spoilt" }
        return causes.map { "\($0.check) \($0.value), must be \($0.limit)" }.joined(separator: "; ")
    }

    /// `trial 15 of 16 (redlock, closed, 128 users)`
    package func place(of count: Int) -> String {
        "trial \(order) of \(count) (\(strategy), \(model.rawValue), \(users) users)"
    }

    package var stockWord: String {
        isStockExact.map { $0 ? "its stock was exact" : "its stock was wrong" } ?? "its stock was not read"
    }
}
