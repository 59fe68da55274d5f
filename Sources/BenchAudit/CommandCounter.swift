package import RedisClient

/// How many commands Redis servers have executed, as they count themselves (`INFO commandstats`).
package struct CommandCounter: Sendable, Equatable {
    /// By the name of the command, over all servers.
    package private(set) var calls: [String: Int] = [:]

    package var total: Int { calls.values.reduce(0, +) }

    package subscript(_ name: String) -> Int { calls[name] ?? 0 }

    /// - Returns: nil when one of them cannot be asked.
    package static func read(_ endpoints: [RedisEndpoint]) async -> CommandCounter? {
        var sum = CommandCounter()
        for endpoint in endpoints {
            let client = RedisClient(endpoint, limits: .init(connect: .seconds(3), command: .seconds(10)))
            let text = try? await client.send(RedisCommand("INFO", "commandstats")).string
            await client.close()
            guard let text, let counted = CommandCounter(parsing: text) else { return nil }
            sum.calls.merge(counted.calls, uniquingKeysWith: +)
        }
        return sum
    }

    package init() {}

    /// Reads `calls=` of the lines of `cmdstat_…`.
    package init?(parsing text: String) {
        for line in text.split(whereSeparator: \.isNewline) where line.hasPrefix("cmdstat_") {
            let name = line.dropFirst("cmdstat_".count).prefix { $0 != ":" }
            let fields = line.drop { $0 != ":" }.dropFirst().split(separator: ",")
            guard let calls = fields.first(where: { $0.hasPrefix("calls=") }),
                let count = Int(calls.dropFirst("calls=".count))
            else { return nil }
            self.calls[String(name), default: 0] += count
        }
    }

    package func since(_ earlier: CommandCounter) -> CommandCounter {
        var difference = self
        for (name, count) in earlier.calls { difference.calls[name, default: 0] -= count }
        return difference
    }
}
