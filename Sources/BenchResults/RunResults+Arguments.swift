extension RunResults {
    /// - Returns: A server's arguments without those that differ from strategy to strategy by design.
    package static func sharedArguments(_ arguments: [String]) -> [String] {
        var rest = arguments
        for flag in ["--strategy", "--redis"] {
            guard let place = rest.firstIndex(of: flag) else { continue }
            rest.removeSubrange(place..<min(place + 2, rest.count))
        }
        return rest
    }
}
