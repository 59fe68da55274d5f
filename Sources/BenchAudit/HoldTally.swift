/// Holds of locks, as the process saw them that took them.
package struct HoldTally: Sendable, Equatable {
    package var holds: Int
    /// Grants while somebody else was still inside.
    package var overlaps: Int

    package init(holds: Int = 0, overlaps: Int = 0) {
        self.holds = holds
        self.overlaps = overlaps
    }
}
