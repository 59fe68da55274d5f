/// The model was asked for something that it does not know: it never guesses what Redis would do.
package struct UnknownRedisCommand: Error, Sendable, Hashable, CustomStringConvertible {
    /// What was asked, as a noun: "command LPUSH", "option MATCH of HSCAN".
    package let subject: String

    package init(_ subject: String) {
        self.subject = subject
    }

    package var description: String {
        "the model of Redis does not know \(subject); add it to Sources/Simulation/Redis, or do without it"
    }
}
