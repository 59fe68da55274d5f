/// A run that changes the load from trial to trial instead of repeating it.
package enum Sweep: String, Sendable, Codable, CaseIterable {
    /// Closed loads of 1, 2, 4, … 128 users: how throughput scales.
    case users
    /// Open loads at rising rates: where latency leaves the ground.
    case rate

    package static let userLoads = [1, 2, 4, 8, 16, 32, 64, 128]
    /// Shares of the rate that is given, or of what the strategy sold in a closed load.
    package static let rateShares = [0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 1, 1.1]
}
