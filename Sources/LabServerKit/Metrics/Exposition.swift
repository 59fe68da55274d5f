/// The text format of Prometheus, version 0.0.4.
struct Exposition {
    private(set) var text = ""

    mutating func family(_ name: String, _ type: String, _ help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
    }

    mutating func sample(_ name: String, _ labels: [(String, String)] = [], _ value: Int) {
        text += name + Self.labels(labels) + " \(value)\n"
    }

    mutating func seconds(_ name: String, microseconds: Int) {
        text += "\(name) \(Self.seconds(microseconds))\n"
    }

    /// Buckets, sum and count; times in seconds.
    mutating func histogram(_ name: String, _ labels: [(String, String)] = [], _ histogram: Histogram) {
        let (cumulative, sum) = histogram.reading
        for (bound, count) in zip(histogram.bounds, cumulative) {
            sample(name + "_bucket", labels + [("le", Self.seconds(bound))], count)
        }
        let total = cumulative.last ?? 0
        sample(name + "_bucket", labels + [("le", "+Inf")], total)
        text += name + "_sum" + Self.labels(labels) + " \(Self.seconds(sum))\n"
        sample(name + "_count", labels, total)
    }

    private static func labels(_ labels: [(String, String)]) -> String {
        guard !labels.isEmpty else { return "" }
        let pairs = labels.map { name, value in
            let escaped = value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
                .replacing("\n", with: "\\n")
            return "\(name)=\"\(escaped)\""
        }
        return "{" + pairs.joined(separator: ",") + "}"
    }

    /// A decimal number without an exponent.
    static func seconds(_ microseconds: Int) -> String {
        let whole = microseconds / 1_000_000
        var fraction = String(microseconds % 1_000_000 + 1_000_000).dropFirst()
        while fraction.hasSuffix("0") { fraction.removeLast() }
        return fraction.isEmpty ? "\(whole)" : "\(whole).\(fraction)"
    }
}
