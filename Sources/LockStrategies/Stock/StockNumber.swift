import RedisClient

/// A number that Redis holds for a stock. Anybody can write there, so it is read as what it is: foreign.
enum StockNumber {
    /// At most 15 digits: sums of them do not overflow, and Lua, whose numbers have 53 bits, holds each
    /// exactly. The scripts have the same bound.
    static let range = -999_999_999_999_999...999_999_999_999_999

    /// Nil for a text that is no such number.
    static func read(_ text: some StringProtocol) -> Int? {
        guard let number = Int(text), range.contains(number) else { return nil }
        return number
    }

    /// A sum that stays in the range.
    static func sum(_ one: Int, _ other: Int) -> Int {
        min(max(one + other, range.lowerBound), range.upperBound)
    }
}

extension RESPValue {
    /// A stock, or units of one; nil for anything else.
    var stockNumber: Int? {
        guard let number = integer.flatMap({ Int(exactly: $0) }), StockNumber.range.contains(number) else {
            return nil
        }
        return number
    }
}
