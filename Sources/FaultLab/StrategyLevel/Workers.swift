import FaultInjection
import Foundation
import LabProcesses
import Synchronization

/// The worker processes of a try.
final class Workers: Sendable {
    private struct State {
        var running: [ChildProcess] = []
        /// What each wrote, those that were killed too.
        var files: [String] = []
    }

    private let program: String
    private let folder: TemporaryDirectory
    private let plan: WorkerPlan
    private let state = Mutex(State())

    init(program: String, folder: TemporaryDirectory, plan: WorkerPlan) {
        self.program = program
        self.folder = folder
        self.plan = plan
    }

    var files: [String] { state.withLock(\.files) }

    /// Returns when all of them buy.
    func begin(_ count: Int) async throws {
        for _ in 0..<count {
            let child = try await launch()
            state.withLock { $0.running.append(child) }
        }
        for child in state.withLock(\.running) { try await Self.wait(for: child) }
    }

    private func launch() async throws -> ChildProcess {
        var plan = plan
        plan.output = state.withLock { state in
            state.files.append(folder.file("worker-\(state.files.count)"))
            return state.files[state.files.count - 1]
        }
        let text = String(decoding: try JSONEncoder().encode(plan), as: UTF8.self)
        return try await ChildProcess.start(program, ["fault-worker", text])
    }

    private static func wait(for child: ChildProcess) async throws {
        guard await child.line(within: .seconds(30), matches: { $0 == Worker.readyLine }) != nil else {
            throw LabProcessError(.notReady, "a worker did not begin", output: child.lines())
        }
    }

    /// Lets each buyer finish what he began.
    func stop() async throws {
        let running = state.withLock(\.running)
        for child in running {
            child.signal(SIGCONT)
            child.signal(SIGTERM)
        }
        for child in running where await child.waitUntilExit(within: .seconds(20)) == nil {
            await child.killNow()
        }
        // A worker that crashed has shown nothing.
        if let crashed = running.first(where: { $0.exitStatus?.isSuccess != true }) {
            throw LabProcessError(.endedEarly, "a worker ended badly", output: crashed.lines())
        }
    }

    func killAll() async {
        for child in state.withLock(\.running) { await child.killNow() }
    }

    /// Work inside the lock becomes slow now and then, where the plan says so.
    func setSlow(_ isSlow: Bool) {
        for child in state.withLock(\.running) { child.signal(isSlow ? SIGUSR1 : SIGUSR2) }
    }
}

extension Workers: FaultVictims {
    var count: Int { state.withLock(\.running.count) }

    func pause(_ number: Int) { state.withLock { $0.running[number] }.signal(SIGSTOP) }

    func resume(_ number: Int) { state.withLock { $0.running[number] }.signal(SIGCONT) }

    func kill(_ number: Int) async { await state.withLock { $0.running[number] }.killNow() }

    /// What a worker writes down is the history, not a part of what is tried.
    func losePower(_ number: Int) async throws {}

    func start(_ number: Int) async throws {
        let child = try await launch()
        state.withLock { $0.running[number] = child }
        try await Self.wait(for: child)
    }

    func setRoom(_ bytes: Int64?) throws {}
}
