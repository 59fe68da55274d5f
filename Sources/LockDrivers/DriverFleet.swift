import Synchronization

/// Several processes of one driver, so that its lock is judged between processes.
package final class DriverFleet: Sendable {
    package let hello: DriverHello
    package let processes: [DriverProcess]
    private let turn = Atomic<Int>(0)

    /// Starts `count` processes of the same command.
    ///
    /// - Throws: What is wrong with one of them; no process is left then.
    package static func start(
        _ command: [String], count: Int, redis: [String], environment: [String: String],
        limits: DriverLimits = DriverLimits()
    ) async throws(DriverError) -> DriverFleet {
        let results = await withTaskGroup(of: Result<DriverProcess, DriverError>.self) { group in
            for _ in 0..<max(count, 1) {
                group.addTask {
                    do throws(DriverError) {
                        return .success(
                            try await DriverProcess.start(
                                command, redis: redis, environment: environment, limits: limits))
                    } catch {
                        return .failure(error)
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        let processes = results.compactMap { try? $0.get() }
        do throws(DriverError) {
            for result in results { _ = try result.get() }
            let hellos = Set(processes.compactMap(\.hello))
            guard let hello = hellos.first, hellos.count == 1 else {
                throw DriverError(.wrongLine, "two processes of the driver say different hellos")
            }
            return DriverFleet(hello, processes)
        } catch {
            for process in processes { await process.kill() }
            throw error
        }
    }

    private init(_ hello: DriverHello, _ processes: [DriverProcess]) {
        self.hello = hello
        self.processes = processes
    }

    /// The place of the process that is asked next: each in turn.
    func next() -> Int {
        turn.wrappingAdd(1, ordering: .relaxed).oldValue % processes.count
    }

    /// What the first of them did wrong; nil: nothing until now.
    package var failure: DriverError? { processes.lazy.compactMap(\.failure).first }

    /// The newest lines that they wrote to standard error, process by process.
    package var log: [String] { processes.flatMap(\.log) }

    /// Asks all to end, and kills those that do not.
    @discardableResult
    package func stop() async -> DriverError? {
        await withTaskGroup(of: Void.self) { group in
            for process in processes { group.addTask { await process.stop() } }
        }
        return failure
    }
}
