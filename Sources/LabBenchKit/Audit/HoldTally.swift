/// Holds of locks, as the process saw them that took them.
struct HoldTally: Sendable, Equatable {
    var holds = 0
    /// Grants while somebody else was still inside.
    var overlaps = 0
}
