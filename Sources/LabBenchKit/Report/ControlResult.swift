/// What happened to a negative control.
struct ControlResult: Sendable, Codable, Equatable {
    var id: String
    /// Nil: its trial was not finished.
    @OrNull var isCaught: Bool?
    /// The checks that turned red, as they must.
    var caughtBy: [String]
    /// Nil: it is a negative control.
    var ceiling: CeilingResult?
}
