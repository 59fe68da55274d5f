import BenchModel
import NIOCore
import Testing

@testable import BenchLoad

@Suite("The warm-up of a load")
struct WarmUpTests {
    private static let start = NIODeadline.uptimeNanoseconds(1_000_000_000)

    /// When the window begins, in milliseconds, of a load that sells this in each quarter of a second.
    private static func begin(
        _ rates: [Double], warmup: Duration = .seconds(1), isOpen: Bool = false
    ) -> Int64 {
        var schedule = LoadSchedule(start: start, warmup: warmup, duration: .seconds(5), drain: .seconds(1))
        var warmUp = WarmUp(schedule, isOpen: isOpen)
        for step in 1...rates.count {
            let now = start + .milliseconds(Int64(step) * 250)
            let known = Array(rates.prefix(step).suffix(4))
            if let later = warmUp.postpones(schedule, at: now, rates: known) {
                schedule = schedule.postponed(by: later)
            }
        }
        #expect(schedule.measureUntil - schedule.measureFrom == .seconds(5))
        return (schedule.measureFrom - start).nanoseconds / 1_000_000
    }

    @Test("lasts until the load sells evenly, and not less than was asked for")
    func even() {
        let steady = [Double](repeating: 100, count: 40)
        // Four quarters of a second have to be there.
        #expect(Self.begin(steady) == 1_250)
        #expect(Self.begin(steady, warmup: .seconds(3)) == 3_000)
        let rising = [10, 20, 40, 60, 80, 95, 100, 100, 100, 100] + steady
        #expect((1_750...2_500).contains(Self.begin(rising)))
    }

    @Test("lasts four times as long at most, and ends however the load sells then")
    func bounded() {
        let growing = (0..<60).map { Double($0 * $0 + 1) }
        #expect(Self.begin(growing) == 4_000)
        #expect(Self.begin([Double](repeating: 0, count: 60)) == 4_000)
    }

    @Test(
        "is as long as was asked for in an open load, without a warm-up, and when the decision comes too late"
    )
    func fixed() {
        let growing = (0..<60).map { Double($0 * $0 + 1) }
        #expect(Self.begin(growing, isOpen: true) == 1_000)
        #expect(Self.begin(growing, warmup: .zero) == 0)
        let schedule = LoadSchedule(
            start: Self.start, warmup: .seconds(1), duration: .seconds(5), drain: .seconds(1))
        var warmUp = WarmUp(schedule, isOpen: false)
        #expect(warmUp.postpones(schedule, at: Self.start + .milliseconds(990), rates: [1, 2, 3, 4]) == nil)
        #expect(warmUp.postpones(schedule, at: Self.start + .milliseconds(800), rates: [1, 2, 3, 4]) == nil)
    }
}
