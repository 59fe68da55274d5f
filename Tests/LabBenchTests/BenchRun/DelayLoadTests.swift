import BenchLoad
import BenchModel
import Foundation
import Histogram
import NIOCore
import NIOPosix
import Testing

@testable import BenchRun

/// Whether the tests that take minutes run: LAB_LONG_TESTS=1.
let isLong = ProcessInfo.processInfo.environment["LAB_LONG_TESTS"] == "1"

/// The figures that the field knows of a server that stalls, and of one with a single worker. On a virtual
/// clock they are exact; over sockets they are measured, at full length on demand.
@Suite("A load of the built-in server")
struct DelayLoadTests {
    private static func milliseconds(_ histogram: Histogram<UInt64>, _ percentile: Double) -> Double {
        Double(histogram.valueAtPercentile(percentile)) / 1000
    }

    private static func isNear(_ value: Double, _ expected: Double, within share: Double) -> Bool {
        abs(value / expected - 1) <= share
    }

    private static func expectHiddenStall(_ record: LoadRecord) {
        let service = record.latency[BuyerOutcome.success.index]
        #expect(isNear(Double(record.measured(.success)), 18_000, within: 0.02))
        #expect(milliseconds(service, 99) <= 60)
        #expect(isNear(Double(service.maxRecorded) / 1000, 1050, within: 0.05))
    }

    private static func expectShownStall(_ record: LoadRecord) {
        let response = record.response(.success)
        #expect(isNear(milliseconds(response, 90), 550, within: 0.1))
        #expect(isNear(milliseconds(response, 95), 800, within: 0.1))
        #expect(isNear(milliseconds(response, 99), 1000, within: 0.1))
        #expect(milliseconds(record.latency[BuyerOutcome.success.index], 99) <= 60)
        #expect(record.openAccount?.unsent == 0)
    }

    private static func expectNotSustained(_ record: LoadRecord, seconds: Int) throws {
        let account = try #require(record.openAccount)
        #expect(!account.isSustained)
        #expect(account.offered == 5 * seconds)
        #expect(isNear(record.purchasesPerSecond, 1, within: 0.15))
        #expect(account.unsent > 0)
        #expect(account.unsent + record.totals.reduce(0, +) == account.offered)
    }

    /// The generator takes one of the process's loops; with the server on the same one, both had half a core.
    @Test("is served by a thread that no generator runs on")
    func serverLoop() async throws {
        let server = try await DelayServer.start(DelayPlan(delay: .zero))
        let loops = MultiThreadedEventLoopGroup.singleton.makeIterator().map { ObjectIdentifier($0) }
        let isApart = !loops.contains(ObjectIdentifier(server.eventLoop))
        await server.stop()
        #expect(isApart)
    }

    @Test("hides a stall in a closed model, on a virtual clock")
    func closed() {
        Self.expectHiddenStall(VirtualLoad.run(.closedWithStall(.seconds(10))))
    }

    @Test("shows the stall in an open model's response time, and not in its service time")
    func open() {
        Self.expectShownStall(VirtualLoad.run(.openWithStall(.seconds(10))))
    }

    @Test("says that a rate above the server's is not sustained, and counts what was never sent")
    func overloaded() throws {
        try Self.expectNotSustained(VirtualLoad.run(.overloaded(.seconds(10))), seconds: 10)
    }

    @Test("waits as long as queueing theory says at a single worker", arguments: [60, 600])
    func singleWorker(seconds: Int) {
        let record = VirtualLoad.run(.singleWorker(.seconds(seconds)))
        let expected = DelayLoad.meanOfSingleWorker(service: 10, load: 0.5)
        #expect(Self.isNear(record.response(.success).mean / 1000, expected, within: 0.1))
    }

    @Test("over sockets has longer response than service times when the server stalls")
    func short() async throws {
        let record = try await DelayLoad.openWithStall(.seconds(1)).run()
        // Lower bounds only: a busy machine makes everything later, never earlier.
        let response = record.response(.success)
        let service = record.latency[BuyerOutcome.success.index]
        #expect(record.total(.success) == 200)
        #expect(response.maxRecorded >= 140_000)
        #expect(response.mean > service.mean)
        #expect(record.generator.arrivals.count == 200)
        #expect(record.samples.samples.allSatisfy { $0.sent >= $0.intended })
    }

    @Test("over sockets ends with the drain when the rate is not sustained")
    func shortOverload() async throws {
        let record = try await DelayLoad.overloaded(.seconds(1)).run()
        let account = try #require(record.openAccount)
        #expect(!account.isSustained)
        #expect(account.unsent > 0)
        #expect(account.unsent + record.totals.reduce(0, +) == 5)
    }

    @Suite("at full length", .serialized, .enabled(if: isLong, "LAB_LONG_TESTS=1 runs it"))
    struct FullLength {
        @Test("hides a stall in a closed model")
        func closed() async throws {
            DelayLoadTests.expectHiddenStall(try await DelayLoad.closedWithStall(.seconds(10)).run())
        }

        @Test("shows the stall in an open model")
        func open() async throws {
            DelayLoadTests.expectShownStall(try await DelayLoad.openWithStall(.seconds(10)).run())
        }

        @Test("does not sustain five times the server's rate")
        func overloaded() async throws {
            try DelayLoadTests.expectNotSustained(
                try await DelayLoad.overloaded(.seconds(10)).run(), seconds: 10)
        }

        @Test("agrees with queueing theory at a single worker over 60 s")
        func singleWorker() async throws {
            let record = try await DelayLoad.singleWorker(.seconds(60)).run()
            let expected = DelayLoad.meanOfSingleWorker(service: 10, load: 0.5)
            #expect(DelayLoadTests.isNear(record.response(.success).mean / 1000, expected, within: 0.1))
        }
    }
}

@Suite("A server of known delay")
struct DelayPlanTests {
    private static let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

    @Test(
        "pauses its work while it stands still",
        arguments: [
            (at: 0 as Int64, done: 50 as Int64), (949, 999), (950, 1000), (951, 1501), (1000, 1550),
            (1200, 1550), (1499, 1550), (1500, 1550), (1501, 1551),
        ])
    func stall(at: Int64, done: Int64) {
        var plan = DelayPlan(
            delay: .milliseconds(50), stall: .init(from: .seconds(1), length: .milliseconds(500)))
        _ = plan.answer(to: Self.start)
        #expect(plan.answer(to: Self.start + .milliseconds(at)) == Self.start + .milliseconds(done))
    }

    @Test("serves one request after the other when it has one worker")
    func oneWorker() {
        var plan = DelayPlan(delay: .milliseconds(10), workers: .one)
        let answers = [0, 0, 5, 100].map { (at: Int64) in plan.answer(to: Self.start + .milliseconds(at)) }
        #expect(answers == [10, 20, 30, 110].map { Self.start + .milliseconds($0) })
    }
}
