import Testing

@testable import InventoryService

#if DEBUG
    @Suite("Where a test lets the process die")
    struct CrashPointTests {
        @Test(
            "Only the asked point counts, and only the asked pass kills: this process lives through the others"
        )
        func passes() throws {
            let points = try CrashPoints("after-reserve:3")
            for _ in 0..<10 { points.pass(.afterRecord) }
            points.pass(.afterReserve)
            points.pass(.afterReserve)
            for point in CrashPoint.allCases { CrashPoints.none.pass(point) }
        }

        @Test(
            "A text that names no point is refused with those that there are",
            arguments: ["", "after", "after-end:0"])
        func refused(text: String) throws {
            let error = #expect(throws: InventoryError.self) { try CrashPoints(text) }
            #expect(error?.context.contains("after-begin-filling") == true)
        }
    }
#endif
