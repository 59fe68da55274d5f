package import BenchModel

/// What one of several products came to in a trial.
package struct ProductResult: Sendable, Codable, Equatable {
    /// From 1; the hottest one is first.
    package var number: Int
    package var initialStock: Int
    package var answeredSuccess: Int
    package var unknown: Int
    @OrNull package var rows: Int?
    @OrNull package var unitsSold: Int?
    @OrNull package var finalStock: Int?
    @OrNull package var openUnits: Int?
    /// Σ of hold times by wall time.
    @OrNull package var heldShare: Double?

    package init(
        number: Int, initialStock: Int, answeredSuccess: Int, unknown: Int, rows: Int?, unitsSold: Int?,
        finalStock: Int?, openUnits: Int?, heldShare: Double?
    ) {
        self.number = number
        self.initialStock = initialStock
        self.answeredSuccess = answeredSuccess
        self.unknown = unknown
        self.rows = rows
        self.unitsSold = unitsSold
        self.finalStock = finalStock
        self.openUnits = openUnits
        self.heldShare = heldShare
    }
}
