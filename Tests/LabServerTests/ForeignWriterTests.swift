import Foundation
import HTTPTypes
import LabProcesses
import LabTesting
import Testing

/// Another program holds the write lock of the database that the built program serves from.
@Suite struct ForeignWriterTests {
    /// Ten seconds instead of one round of refusals.
    private static let isLong = ProcessInfo.processInfo.environment["LAB_LONG_TESTS"] == "1"

    @Test("Buyers are refused with 503 while the lock is held, never with 500, and sold to afterwards")
    func heldLock() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-foreign")
        let path = directory.file("l.sqlite")
        try await RunningServer.run(database: path, units: 50) { server async throws in
            #expect(try await server.buy(1).map(\.status) == [200])
            let holder = try await ChildProcess.start(try BuiltProgram.path("foreign-writer"), [path])
            let isHeld = await holder.line(within: .seconds(30)) { $0 == "held" }
            #expect(isHeld != nil, "\(holder.lines())")
            let end = ContinuousClock.now + (Self.isLong ? .seconds(10) : .zero)
            repeat {
                // All are answered while the lock is held: nobody waits for its end.
                let answers = try await server.buy(20)
                let expected = RunningServer.Answer(status: 503, type: "/problems/ledger-unavailable")
                #expect(Set(answers) == [expected])
                #expect(holder.isRunning)
            } while ContinuousClock.now < end
            #expect(try await server.buyer.send(.get, "/health/live").status == 200)
            let ready = try await server.buyer.send(.get, "/health/ready")
            #expect(ready.status == 503)
            #expect(ready.body["out_of_reach"] as? [String] == ["ledger"])
            try await server.expectExact(sold: 1)
            #expect(holder.isRunning)
            #expect(await holder.terminate(grace: .seconds(60)) == .exited(0))
            #expect(try await server.buy(3).map(\.status) == [200, 200, 200])
            #expect(try await server.buyer.send(.get, "/health/ready").status == 200)
            try await server.expectExact(sold: 4)
        }
        directory.remove()
    }
}
