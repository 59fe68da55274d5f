/// What the buyers of a trial ask for.
package struct OfferedLoad: Sendable, Hashable {
    package let model: LoadModel
    package let users: Int
    /// Purchases per second; nil in a closed load, which takes the rate that it gets.
    package let rate: Double?

    package init(model: LoadModel, users: Int, rate: Double?) {
        self.model = model
        self.users = users
        self.rate = rate
    }
}
