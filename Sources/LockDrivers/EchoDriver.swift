import Foundation
import LabProcesses

/// A driver without a lock: it grants everything at once. What it costs is the pipe's own cost.
package enum EchoDriver {
    /// Speaks on the standard streams of this process until it is told to quit. Blocks.
    package static func run() {
        let hello = DriverHello(name: "echo", version: "1", abilities: ["extend", "portable_handle"])
        write(DriverCoding.line(DriverLine(hello: hello)))
        var buffer = [UInt8](repeating: 0, count: 65_536)
        var partial: [UInt8] = []
        while true {
            let count = unsafe read(0, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return }
            var answers: [UInt8] = []
            var rest = buffer[..<count]
            while let end = rest.firstIndex(of: 0x0A) {
                let line = partial.isEmpty ? rest[..<end] : (partial + rest[..<end])[...]
                partial = []
                rest = rest[(end + 1)...]
                guard let answer = answer(line) else { return write(answers) }
                answers += answer
            }
            partial += rest
            write(answers)
        }
    }

    /// Nil for `quit`.
    private static func answer(_ line: ArraySlice<UInt8>) -> [UInt8]? {
        guard let request = try? DriverCoding.read(DriverRequest.self, line) else { return [] }
        switch request.op {
        case "acquire": return DriverCoding.line(DriverLine(id: request.id, result: .granted, handle: "echo"))
        case "extend": return DriverCoding.line(DriverLine(id: request.id, result: .extended))
        case "release": return DriverCoding.line(DriverLine(id: request.id, result: .released))
        default: return nil
        }
    }

    private static func write(_ bytes: [UInt8]) {
        try? StandardStream.output.write(bytes)
    }
}

/// What a request costs on the way to a driver and back, without any lock.
package struct EchoCost: Sendable, Hashable {
    /// Requests that are open at the same time while ``perOperation`` is measured.
    package static let openRequests = 100

    /// Time for one operation with ``openRequests`` open: the median over batches of time by operations.
    package let perOperation: Duration
    /// From a request to its answer, with no other one open: the median.
    package let alone: Duration

    /// For a person, in microseconds.
    package var sentence: String {
        func microseconds(_ time: Duration) -> String { "\(Int((time / .microseconds(1)).rounded())) µs" }
        return
            "the pipe alone costs \(microseconds(perOperation)) an operation with \(Self.openRequests) requests "
            + "open, and \(microseconds(alone)) from a request to its answer with one open (medians, echo driver)"
    }

    /// Starts the echo driver and measures it.
    ///
    /// - Parameter command: Starts a program that calls ``EchoDriver/run()``.
    package static func measure(
        _ command: [String], environment: [String: String]
    ) async throws(DriverError) -> EchoCost {
        let driver = try await DriverProcess.start(command, redis: [], environment: environment)
        let result: Result<EchoCost, DriverError>
        do throws(DriverError) {
            // The first ones pay for what is made once.
            _ = try await batch(driver, tasks: openRequests, each: 20)
            var many: [Duration] = []
            for _ in 0..<21 { many.append(try await batch(driver, tasks: openRequests, each: 20)) }
            var single: [Duration] = []
            for _ in 0..<1_000 { single.append(try await batch(driver, tasks: 1, each: 1)) }
            result = .success(EchoCost(perOperation: median(many), alone: median(single)))
        } catch {
            result = .failure(error)
        }
        let wrong = await driver.stop()
        if case .success = result, let wrong { throw wrong }
        return try result.get()
    }

    private static func median(_ times: [Duration]) -> Duration { times.sorted()[times.count / 2] }

    /// - Returns: Time by operations.
    private static func batch(
        _ driver: DriverProcess, tasks: Int, each: Int
    ) async throws(DriverError) -> Duration {
        let start = ContinuousClock.now
        let failures = await withTaskGroup(of: DriverSilence?.self) { group in
            for task in 0..<tasks {
                group.addTask {
                    do throws(DriverSilence) {
                        for turn in 0..<each {
                            _ = try await driver.ask(operation(turn, "lock:stock:{\(task)}"))
                        }
                        return nil
                    } catch {
                        return error
                    }
                }
            }
            return await group.reduce(into: [DriverSilence]()) { if let silence = $1 { $0.append(silence) } }
        }
        switch failures.first {
        case .unsent(let error), .unanswered(let error): throw error
        case .cancelled: throw DriverError(.interrupted, "the measurement of the pipe was interrupted")
        case nil: return start.duration(to: .now) / (tasks * each)
        }
    }

    /// An acquisition and its release, in turn.
    private static func operation(_ turn: Int, _ key: String) -> DriverOperation {
        turn % 2 == 0
            ? .acquire(key: key, ttlMilliseconds: 10_000, waitMilliseconds: 5_000)
            : .release(key: key, handle: "echo")
    }
}
