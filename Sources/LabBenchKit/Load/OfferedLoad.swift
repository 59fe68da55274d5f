/// What the buyers of a trial ask for.
struct OfferedLoad: Sendable, Hashable {
    let model: LoadModel
    let users: Int
    /// Purchases per second; nil in a closed load, which takes the rate that it gets.
    let rate: Double?
}
