package import BenchModel

/// What happened to a negative control.
package struct ControlResult: Sendable, Codable, Equatable {
    package var id: String
    /// Nil: its trial was not finished.
    @OrNull package var isCaught: Bool?
    /// The checks that turned red, as they must.
    package var caughtBy: [String]
    /// Nil: it is a negative control.
    package var ceiling: CeilingResult?

    package init(id: String, isCaught: Bool?, caughtBy: [String], ceiling: CeilingResult? = nil) {
        self.id = id
        self.isCaught = isCaught
        self.caughtBy = caughtBy
        self.ceiling = ceiling
    }
}
