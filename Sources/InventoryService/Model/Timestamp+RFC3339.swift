extension Timestamp {
    /// Reads a date and time of RFC 3339 as a client may write it: with or without a fraction (at most nine
    /// digits, rounded down to the microsecond), in UTC or with an offset. Nil for anything else, for a day
    /// that the calendar does not have, and outside the years 1970 to 9999.
    public init?(rfc3339 text: String) {
        var bytes = Array(text.utf8)[...]
        guard bytes.count >= 20, bytes.count <= 35 else { return nil }
        let whole = bytes.prefix(19)
        bytes = bytes.dropFirst(19)
        var micros = 0
        if bytes.first == UInt8(ascii: ".") {
            let digits = bytes.dropFirst().prefix { (48...57).contains($0) }
            guard (1...9).contains(digits.count) else { return nil }
            for place in 0..<6 {
                let digit = place < digits.count ? Int(digits[digits.startIndex + place] - 48) : 0
                micros = micros * 10 + digit
            }
            bytes = bytes.dropFirst(1 + digits.count)
        }
        guard let offset = Self.offset(bytes) else { return nil }
        let fraction = String(micros + 1_000_000).dropFirst()
        let main = String(decoding: whole, as: UTF8.self).uppercased()
        guard let local = Timestamp(stored: "\(main).\(fraction)Z"),
            // Writing it again tells a 30 February and a 25 o'clock from real times.
            local.description == "\(main).\(fraction)Z"
        else { return nil }
        let time = local.microseconds - offset * 60_000_000
        guard (0..<253_402_300_800_000_000).contains(time) else { return nil }
        self.init(microseconds: time)
    }

    /// Minutes east of UTC.
    private static func offset(_ bytes: ArraySlice<UInt8>) -> Int64? {
        let text = Array(bytes)
        if text == [UInt8(ascii: "Z")] || text == [UInt8(ascii: "z")] { return 0 }
        guard text.count == 6, text[3] == UInt8(ascii: ":") else { return nil }
        let digits = [text[1], text[2], text[4], text[5]]
        guard digits.allSatisfy({ (48...57).contains($0) }) else { return nil }
        let numbers = digits.map { Int64($0) - 48 }
        let (hours, minutes) = (numbers[0] * 10 + numbers[1], numbers[2] * 10 + numbers[3])
        guard hours < 24, minutes < 60 else { return nil }
        switch text[0] {
        case UInt8(ascii: "+"): return hours * 60 + minutes
        case UInt8(ascii: "-"): return -(hours * 60 + minutes)
        default: return nil
        }
    }
}
