#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A point in time of the wall clock: whole microseconds since 1970-01-01T00:00:00Z.
public struct Timestamp: Sendable, Hashable, Comparable, CustomStringConvertible {
    public let microseconds: Int64

    /// - Parameter microseconds: Since 1970 in UTC; not before 1970 and before the year 10000.
    public init(microseconds: Int64) {
        self.microseconds = microseconds
    }

    public static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.microseconds < right.microseconds
    }

    public func advanced(by duration: Duration) -> Timestamp {
        let (seconds, attoseconds) = duration.components
        return Timestamp(microseconds: microseconds + seconds * 1_000_000 + attoseconds / 1_000_000_000_000)
    }

    /// Seconds since 1970, rounded down: the unit of dates in tokens.
    public var seconds: Int64 { microseconds / 1_000_000 }

    /// RFC 3339 in UTC with six decimals: `2026-01-31T09:30:00.000000Z`. Texts sort as the times do.
    /// Written by hand: formatters cost more than a whole purchase.
    public var description: String {
        let days = microseconds / 86_400_000_000
        let (year, month, day) = Self.civil(days)
        var rest = microseconds % 86_400_000_000
        return unsafe String(unsafeUninitializedCapacity: 27) { text in
            func put(_ value: Int64, digits: Int, at index: Int) {
                var value = value
                for place in stride(from: index + digits - 1, through: index, by: -1) {
                    unsafe text[place] = UInt8(48 + value % 10)
                    value /= 10
                }
            }
            put(rest % 1_000_000, digits: 6, at: 20)
            rest /= 1_000_000
            put(rest % 60, digits: 2, at: 17)
            put(rest / 60 % 60, digits: 2, at: 14)
            put(rest / 3600, digits: 2, at: 11)
            put(day, digits: 2, at: 8)
            put(month, digits: 2, at: 5)
            put(year, digits: 4, at: 0)
            for (index, character) in Self.separators { unsafe text[index] = character }
            return 27
        }
    }

    /// The same for names of files: `20260131T093000.000000Z`.
    package var compact: String { description.filter { $0 != "-" && $0 != ":" } }

    private static let separators: [(Int, UInt8)] = [
        (4, 45), (7, 45), (10, 84), (13, 58), (16, 58), (19, 46), (26, 90),
    ]

    /// Reads what `description` wrote; nil for anything else.
    public init?(stored text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count == 27, Self.separators.allSatisfy({ bytes[$0.0] == $0.1 }) else { return nil }
        var numbers: [Int64] = []
        for (start, length) in [(0, 4), (5, 2), (8, 2), (11, 2), (14, 2), (17, 2), (20, 6)] {
            var number: Int64 = 0
            for byte in bytes[start..<start + length] {
                guard (48...57).contains(byte) else { return nil }
                number = number * 10 + Int64(byte - 48)
            }
            numbers.append(number)
        }
        guard (1...12).contains(numbers[1]), (1...31).contains(numbers[2]) else { return nil }
        let days = Self.days(year: numbers[0], month: numbers[1], day: numbers[2])
        let seconds = days * 86_400 + numbers[3] * 3600 + numbers[4] * 60 + numbers[5]
        microseconds = seconds * 1_000_000 + numbers[6]
    }

    /// Calendar date of a day number, by the 400-year cycle of the Gregorian calendar that starts on
    /// 1 March 0000, so that the leap day is the last of its year.
    private static func civil(_ daysSince1970: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let day = daysSince1970 + 719_468
        let era = day / 146_097
        let dayOfEra = day % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        return (
            yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1
        )
    }

    private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = shiftedYear / 400
        let yearOfEra = shiftedYear % 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }
}

/// Where the time of records and tokens comes from. Never used to measure a duration.
public struct WallClock: Sendable {
    private let read: @Sendable () -> Timestamp

    public init(_ read: @escaping @Sendable () -> Timestamp) {
        self.read = read
    }

    public var now: Timestamp { read() }

    /// The clock of the machine.
    public static let system = WallClock {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
    }
}
