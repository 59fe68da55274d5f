/// Whole numbers as Redis reads them: no plus sign, no leading zero, no space.
enum RedisNumber {
    static func parse(_ text: String) -> Int64? {
        var digits = text.utf8[...]
        let isNegative = digits.first == UInt8(ascii: "-")
        if isNegative { digits = digits.dropFirst() }
        guard let first = digits.first, digits.count <= 19 else { return nil }
        if first == UInt8(ascii: "0") { return digits.count == 1 && !isNegative ? 0 : nil }
        var magnitude: UInt64 = 0
        for digit in digits {
            guard digit >= UInt8(ascii: "0"), digit <= UInt8(ascii: "9") else { return nil }
            magnitude = magnitude * 10 + UInt64(digit - UInt8(ascii: "0"))
        }
        if isNegative {
            return magnitude <= 1 << 63 ? Int64(truncatingIfNeeded: 0 &- magnitude) : nil
        }
        return Int64(exactly: magnitude)
    }

    /// A cursor of HSCAN, as C's strtoul reads it.
    static func isCursor(_ text: String) -> Bool {
        guard !text.isEmpty else { return true }
        let digits = text.hasPrefix("-") || text.hasPrefix("+") ? text.dropFirst() : text[...]
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (48...57).contains($0) }) else { return false }
        return UInt64(digits) != nil
    }
}
