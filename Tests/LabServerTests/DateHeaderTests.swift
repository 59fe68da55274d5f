import InventoryService
import Synchronization
import Testing

@testable import LabServerKit

@Suite("The time of an answer")
struct DateHeaderTests {
    @Test(
        "is written as RFC 9110 wants it",
        arguments: [
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (951_782_399, "Mon, 28 Feb 2000 23:59:59 GMT"), (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (4_102_444_799, "Thu, 31 Dec 2099 23:59:59 GMT"),
        ])
    func written(second: Int64, text: String) {
        let clock = WallClock { Timestamp(microseconds: second * 1_000_000 + 999_999) }
        #expect(DateHeader(clock).text == text)
    }

    @Test("follows the clock, backwards too")
    func follows() {
        let now = Mutex(Int64(784_111_777))
        let header = DateHeader(WallClock { Timestamp(microseconds: now.withLock { $0 } * 1_000_000) })
        #expect(header.text == "Sun, 06 Nov 1994 08:49:37 GMT")
        now.withLock { $0 += 1 }
        #expect(header.text == "Sun, 06 Nov 1994 08:49:38 GMT")
        now.withLock { $0 -= 2 }
        #expect(header.text == "Sun, 06 Nov 1994 08:49:36 GMT")
    }
}
