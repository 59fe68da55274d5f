/// A ceiling as it stands in `results.json`, beside the negative controls.
struct CeilingResult: Sendable, Codable, Equatable {
    /// What is done once for each that is counted.
    var what: String
    var perSecond: Double
    var seconds: Double
    /// Cores used on average; null could not be read, or there was no such process.
    @OrNull var benchCores: Double?
    @OrNull var serverCores: Double?
    @OrNull var redisCores: Double?
}

extension RunResults {
    /// The controls that must be caught overselling.
    var negativeControls: [ControlResult] { controls.filter { $0.ceiling == nil } }

    /// The ceilings by their ids.
    var ceilings: [(id: String, ceiling: CeilingResult)] {
        controls.compactMap { control in control.ceiling.map { (control.id, $0) } }
    }
}
