package import BenchModel

/// What a driver said of itself, and how it was run.
package struct DriverConditions: Sendable, Codable, Equatable {
    /// Name of its strategy.
    package var id: String
    /// The library.
    package var name: String
    package var version: String
    package var abilities: [String]
    @OrNull package var setting: String?
    /// Of it, in each trial.
    package var processes: Int

    package init(
        id: String, name: String, version: String, abilities: [String], setting: String?, processes: Int
    ) {
        self.id = id
        self.name = name
        self.version = version
        self.abilities = abilities
        self.setting = setting
        self.processes = processes
    }
}

/// What a request costs on the way to a driver and back, as an echo driver showed in the same run.
package struct PipeCost: Sendable, Codable, Equatable {
    package var requestsOpen: Int
    /// With so many open, by operation.
    package var perOperationUs: Double
    /// From a request to its answer, with no other one open.
    package var aloneUs: Double

    package init(requestsOpen: Int, perOperationUs: Double, aloneUs: Double) {
        self.requestsOpen = requestsOpen
        self.perOperationUs = perOperationUs
        self.aloneUs = aloneUs
    }
}
