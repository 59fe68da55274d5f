import LabProcesses
import LabTesting
import RedisClient
import Synchronization
import Testing

@testable import LockStrategies

@Suite("combining")
struct CombiningTests {
    private typealias Strategy = Combining<HookedPort<RedisClient>, ContinuousClock>
    private typealias Answer = Result<ReserveOutcome, StrategyError>

    private let product = ProductID(1)

    /// The outcome of each buyer, all of whom came, one after the other, while a call of somebody else was
    /// under way.
    private func together(
        _ lab: StrategyLab, buyers: Int, stock: Int,
        beforeTheCall act: (_ tasks: [Task<Answer, Never>], _ strategy: Strategy) async throws -> Void = {
            _, _ in
        }
    ) async throws -> [Answer] {
        // One unit for the buyer whose call the others wait for.
        try await lab.setStock(stock + 1, of: product)
        let gate = Gate()
        let strategy = Strategy(
            redis: HookedPort(RedisClient(lab.server.endpoint, limits: StrategyLab.patient)) { _ in
                await gate.pass()
            },
            clock: ContinuousClock())
        let first = lab.reservation(of: product)
        let leader = Task { await Self.answer(strategy, first) }
        await gate.reached()
        var tasks: [Task<Answer, Never>] = []
        for index in 0..<buyers {
            let reservation = lab.reservation(of: product)
            tasks.append(Task { await Self.answer(strategy, reservation) })
            try await waitUntil { strategy.waitingCount(of: product) == index + 1 }
        }
        try await act(tasks, strategy)
        gate.open()
        #expect(await leader.value.isReserved)
        var answers: [Answer] = []
        for task in tasks { answers.append(await task.value) }
        #expect(strategy.waitingCount(of: product) == 0)
        return answers
    }

    private static func answer(_ strategy: Strategy, _ reservation: Reservation) async -> Answer {
        do throws(StrategyError) {
            return .success(try await strategy.reserve(reservation))
        } catch {
            return .failure(error)
        }
    }

    @Test("stock 3, ten waiters of 1: the first three get one, the others are sold out")
    func partialGrants() async throws {
        try await StrategyLab.run(for: .combining) { lab in
            let answers = try await together(lab, buyers: 10, stock: 3)
            #expect(answers.map(\.isReserved) == (0..<10).map { $0 < 3 })
            #expect(try await lab.readStock(product) == 0)
            #expect(try await lab.openReservations(product) == (4, 4))
        }
    }

    @Test("all who wait share one call, and it is counted once")
    func oneCall() async throws {
        try await StrategyLab.run(for: .combining) { lab in
            let answers = try await together(lab, buyers: 20, stock: 20)
            let commands = answers.map { (try? $0.get().evidence.commandsSent) ?? -1 }
            #expect(commands[0] > 0)
            #expect(commands.dropFirst().allSatisfy { $0 == 0 })
        }
    }

    @Test("where many wait a second call leaves behind the first, and both grant in order of arrival")
    func secondCall() async throws {
        try await StrategyLab.run(for: .combining) { lab in
            try await lab.setStock(42, of: product)
            let written = Recorder<String>()
            let strategy = Strategy(
                redis: HookedPort(RedisClient(lab.server.endpoint, limits: StrategyLab.patient)) {
                    written.note($0)
                },
                clock: ContinuousClock(), leastOfSecond: 10)
            // Over the connection that stands now calls are written also while Redis is stopped.
            #expect(await Self.answer(strategy, lab.reservation(of: product)).isReserved)
            lab.server.pause()
            var tasks: [Task<Answer, Never>] = []
            for index in 0..<50 {
                let reservation = lab.reservation(of: product)
                tasks.append(Task { await Self.answer(strategy, reservation) })
                // The first is under way alone; the next ten leave together; no third call leaves.
                let inLine = index < 10 ? index : index - 10
                try await waitUntil {
                    strategy.waitingCount(of: product) == inLine
                        && written.values.count == (index < 10 ? 2 : 3)
                }
            }
            lab.server.resume()
            var answers: [Answer] = []
            for task in tasks { answers.append(await task.value) }
            #expect(answers.map(\.isReserved) == (0..<50).map { $0 < 41 })
            #expect(written.values.count == 4)
            #expect(try await lab.readStock(product) == 0)
        }
    }

    @Test("who is cancelled in line takes nothing, and the others get what they would")
    func cancelledInLine() async throws {
        try await StrategyLab.run(for: .combining) { lab in
            let answers = try await together(lab, buyers: 6, stock: 10) { tasks, strategy in
                tasks[0].cancel()
                tasks[3].cancel()
                try await waitUntil { strategy.waitingCount(of: product) == 4 }
            }
            #expect(answers[0].code == .cancelled && answers[3].code == .cancelled)
            for index in [1, 2, 4, 5] { #expect(answers[index].isReserved) }
            #expect(try await lab.readStock(product) == 6)
            #expect(try await lab.openReservations(product) == (5, 5))
        }
    }

    @Test("an error of the call reaches every buyer of that call and no other")
    func errorFansOut() async throws {
        let gate = Gate()
        let calls = Atomic(0)
        let port = ScriptedRedis { call throws(RedisError) in
            let number = calls.add(1, ordering: .relaxed).newValue
            if number == 1 { await gate.pass() }
            if number == 2 { throw RedisError(.outcomeUnknown, "lost") }
            guard case .script(_, _, let arguments) = call else { return .null }
            let answers = (0..<arguments.count).map { RESPValue.integer($0.isMultiple(of: 2) ? 1 : 9) }
            return .array([.simpleString("")] + answers)
        }
        let strategy = Combining(redis: port, clock: ContinuousClock())
        func buy() -> Task<Answer, Never> {
            let reservation = Reservation(
                id: ReservationID(random: .system), product: product, quantity: 1,
                deadline: ContinuousClock.now + .seconds(600))
            return Task {
                do throws(StrategyError) {
                    return .success(try await strategy.reserve(reservation))
                } catch {
                    return .failure(error)
                }
            }
        }
        let first = buy()
        await gate.reached()
        let second = (0..<4).map { _ in buy() }
        try await waitUntil { strategy.waitingCount(of: product) == 4 }
        gate.open()
        #expect(await first.value.isReserved)
        for buyer in second { #expect(await buyer.value.code == .outcomeUnknown) }
        #expect(await buy().value.isReserved)
        #expect(calls.load(ordering: .relaxed) == 3)
    }

    @Test("a leader that was cancelled before its call passes the lead on")
    func cancelledLeader() async throws {
        try await StrategyLab.run(for: .combining) { lab in
            try await lab.setStock(10, of: product)
            let strategy = Combining(
                redis: RedisClient(lab.server.endpoint, limits: StrategyLab.patient), clock: ContinuousClock()
            )
            let reservation = lab.reservation(of: product)
            let code = await Task { () async -> StrategyError.Code? in
                unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
                do throws(StrategyError) {
                    _ = try await strategy.reserve(reservation)
                    return nil
                } catch {
                    return error.code
                }
            }.value
            #expect(code == .cancelled)
            let next = try await strategy.reserve(lab.reservation(of: product))
            #expect(next.isReserved)
            #expect(try await lab.openReservations(product) == (1, 1))
        }
    }
}

extension Result<ReserveOutcome, StrategyError> {
    var isReserved: Bool { (try? get().isReserved) ?? false }

    var code: StrategyError.Code? {
        if case .failure(let error) = self { error.code } else { nil }
    }
}
