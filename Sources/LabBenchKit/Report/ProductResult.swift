/// What one of several products came to in a trial.
struct ProductResult: Sendable, Codable, Equatable {
    /// From 1; the hottest one is first.
    var number: Int
    var initialStock: Int
    var answeredSuccess: Int
    var unknown: Int
    @OrNull var rows: Int?
    @OrNull var unitsSold: Int?
    @OrNull var finalStock: Int?
    @OrNull var openUnits: Int?
    /// Σ of hold times by wall time.
    @OrNull var heldShare: Double?
}
