import FaultAudit
import InventoryService
import LedgerModel
import LockStrategies
import Simulation

/// A client of the service. Each order has an idempotency key of its own, with which the client asks again
/// until it knows what became of it.
struct ServiceClient: Sendable {
    let number: Int
    let stage: ServiceStage

    private var user: UserID { UserID(Int64(number + 1)) }
    private var world: World { stage.world }

    func run() async {
        for purchase in 0..<stage.plan.purchases { await order(purchase) }
    }

    private func order(_ purchase: Int) async {
        let text = "b\(number)-\(purchase)"
        guard let key = try? IdempotencyKey(text) else { preconditionFailure("\(text) is no key") }
        let order = PurchaseOrder(
            product: SimulatedServer.product, quantity: 1, user: user, key: key)
        let id = stage.notes.begin(text, buyer: number, units: order.quantity)
        world.tell(.world, "buyer \(number) orders under \(text)")
        var isInDoubt = false
        while !stage.isOver {
            let answer = await ask(order, text)
            world.tell(.world, "the order \(text) is told: \(answer.words)")
            switch answer {
            case .purchased: return await finish(id, .ok, order, text)
            case .refused: return await finish(id, .refused, order, text)
            case .nothing(let why):
                if !isInDoubt { checkNothing(text, why) }
                if stage.plan.fault == .none, !stage.plan.strategy.isNegativeControl, !isAllowed(why) {
                    stage.notes.found(.needlessError, "the order \(text) was told \"\(why)\"")
                }
            case .unknown: isInDoubt = true
            case .noServer: break
            }
            await stage.pause(.milliseconds(5 + world.choose(among: 4) * 10))
        }
        stage.notes.found(
            .lostWakeUp,
            "the order \(text) had no answer \(ServiceStage.mostPatience) after all was well again")
        stage.notes.end(id, .unknown)
    }

    /// What a client may be told although nothing is broken: the server has just started, somebody else had
    /// the lock for too long, or the stock was filled anew.
    private func isAllowed(_ why: String) -> Bool {
        ["stockUnknown", "contended"].contains(why) || why == "stockReplaced" && stage.supplyChanges
    }

    /// Now and then the same order is sent twice at once, as by somebody who clicks twice.
    private func ask(_ order: PurchaseOrder, _ key: String) async -> ServiceAnswer {
        guard world.choose(among: 8) == 7 else { return await told(order, key) }
        async let other = told(order, key)
        let answers = [await told(order, key), await other]
        // Where one is told something final, that is what the client knows.
        return answers.first(where: \.isFinal) ?? answers.first { $0.leavesDoubt } ?? answers[0]
    }

    private func told(_ order: PurchaseOrder, _ key: String) async -> ServiceAnswer {
        let answer = await stage.ask(order)
        stage.notes.told(answer, under: key)
        return answer
    }

    /// An error that says that nothing was bought is a promise.
    private func checkNothing(_ key: String, _ why: String) {
        guard stage.ledger.purchases.contains(where: { $0.key?.description == key }) else { return }
        stage.notes.found(.toldWrong, "the order \(key) was told \"\(why)\", and the ledger holds a purchase")
    }

    /// Now and then the client asks once more, and must be told the same. The limit of a user is no final
    /// answer for the server: another setting lifts it.
    private func finish(
        _ id: Int, _ outcome: History.Operation.Outcome, _ order: PurchaseOrder, _ key: String
    ) async {
        stage.notes.end(id, outcome)
        if world.choose(among: 4) == 3 { _ = await told(order, key) }
    }
}

extension ServiceAnswer {
    fileprivate var leavesDoubt: Bool {
        if case .unknown = self { true } else { false }
    }
}
