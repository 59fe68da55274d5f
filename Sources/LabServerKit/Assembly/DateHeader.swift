import InventoryService
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The time of an answer, as RFC 9110 (5.6.7) writes it: made once a second.
final class DateHeader: Sendable {
    private let clock: WallClock
    private let last = Mutex<(second: Int64, text: String)>((-1, ""))

    init(_ clock: WallClock = .system) {
        self.clock = clock
    }

    /// For example `Sun, 06 Nov 1994 08:49:37 GMT`.
    var text: String {
        let second = clock.now.seconds
        return last.withLock { last in
            if last.second != second { last = (second, Self.text(of: second)) }
            return last.text
        }
    }

    private static func text(of second: Int64) -> String {
        var time = time_t(second)
        var parts = unsafe tm()
        unsafe gmtime_r(&time, &parts)
        // The program never leaves the locale "C", whose names are those of the RFC.
        return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 32) { text in
            let count = unsafe strftime(
                text.baseAddress, text.count, "%a, %d %b %Y %H:%M:%S GMT", &parts)
            return unsafe String(decoding: text.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
        }
    }
}
