package import BenchModel

/// A ceiling as it stands in `results.json`, beside the negative controls.
package struct CeilingResult: Sendable, Codable, Equatable {
    /// What is done once for each that is counted.
    package var what: String
    package var perSecond: Double
    package var seconds: Double
    /// Cores used on average; null could not be read, or there was no such process.
    @OrNull package var benchCores: Double?
    @OrNull package var serverCores: Double?
    @OrNull package var redisCores: Double?

    package init(
        what: String, perSecond: Double, seconds: Double, benchCores: Double?, serverCores: Double?,
        redisCores: Double?
    ) {
        self.what = what
        self.perSecond = perSecond
        self.seconds = seconds
        self.benchCores = benchCores
        self.serverCores = serverCores
        self.redisCores = redisCores
    }
}

extension RunResults {
    /// The controls that must be caught overselling.
    package var negativeControls: [ControlResult] { controls.filter { $0.ceiling == nil } }

    /// The ceilings by their ids.
    package var ceilings: [(id: String, ceiling: CeilingResult)] {
        controls.compactMap { control in control.ceiling.map { (control.id, $0) } }
    }
}
