package import BenchLoad
import BenchModel
import NIOCore

/// Loads of the built-in server whose outcome is known beforehand: what `selftest` and the tests compare a
/// measurement with.
package struct DelayLoad: Sendable {
    package let server: DelayPlan
    package let users: Int
    package let plan: LoadPlan

    package init(server: DelayPlan, users: Int, plan: LoadPlan) {
        self.server = server
        self.users = users
        self.plan = plan
    }

    /// Starts the server, loads it, stops it.
    package func run() async throws -> LoadRecord {
        let server = try await DelayServer.start(server)
        let target = server.target
        let buyers = target.buyers(of: [1], tokens: [String](repeating: "none", count: users))
        let (_, progress) = AsyncStream.makeStream(
            of: LoadProgress.self, bufferingPolicy: .bufferingNewest(1))
        let result: Result<LoadRecord, any Error>
        do {
            result = .success(try await LoadGenerator.run(target, buyers, plan, progress: progress))
        } catch {
            result = .failure(error)
        }
        await server.stop()
        return try result.get()
    }

    /// 50 ms a request, one stall of a tenth of the window in its middle, 100 users in a closed load.
    package static func closedWithStall(_ window: Duration) -> DelayLoad {
        DelayLoad(
            server: stalling(window), users: 100,
            plan: LoadPlan(warmup: .zero, duration: window, drain: .seconds(10), arrivals: nil))
    }

    /// The same server, 200 requests per second on 20 connections.
    package static func openWithStall(_ window: Duration) -> DelayLoad {
        DelayLoad(
            server: stalling(window), users: 20,
            plan: LoadPlan(
                warmup: .zero, duration: window, drain: .seconds(10),
                arrivals: ArrivalSchedule(.constant, ratePerSecond: 200, length: window, seed: 1)))
    }

    private static func stalling(_ window: Duration) -> DelayPlan {
        DelayPlan(
            delay: .milliseconds(50),
            stall: .init(from: TimeAmount(window / 2), length: TimeAmount(window / 10)))
    }

    /// 5 requests per second on one connection to a server that takes a second.
    package static func overloaded(_ window: Duration) -> DelayLoad {
        DelayLoad(
            server: DelayPlan(delay: .seconds(1)), users: 1,
            plan: LoadPlan(
                warmup: .zero, duration: window, drain: .seconds(2),
                arrivals: ArrivalSchedule(.constant, ratePerSecond: 5, length: window, seed: 1)))
    }

    /// One worker that takes 10 ms, Poisson arrivals at half of what it can do.
    package static func singleWorker(_ window: Duration) -> DelayLoad {
        DelayLoad(
            server: DelayPlan(delay: .milliseconds(10), workers: .one), users: 100,
            plan: LoadPlan(
                warmup: .zero, duration: window, drain: .seconds(10),
                arrivals: ArrivalSchedule(.poisson, ratePerSecond: 50, length: window, seed: 1)))
    }

    /// Mean response of one worker with a fixed service time under Poisson arrivals (Pollaczek-Khinchine).
    ///
    /// - Parameter load: Arrival rate times service time, below 1.
    package static func meanOfSingleWorker(service: Double, load: Double) -> Double {
        service + load * service / (2 * (1 - load))
    }
}
