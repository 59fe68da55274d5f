/// A configuration that cannot work, and what to change.
public struct StrategyConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
    public let description: String

    /// - Parameter description: A sentence for whoever wrote the configuration.
    public init(_ description: String) {
        self.description = description
    }
}
