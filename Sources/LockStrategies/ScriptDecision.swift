/// What a script that takes units in one step has answered: a code and a stock.
struct ScriptDecision: Sendable, Equatable {
    let code: Int64
    let stock: Int64

    func meaning(for product: ProductID) throws(StrategyError) -> ReserveOutcome.Decision {
        switch code {
        case 1: return .reserved(remaining: Int(stock), fence: nil)
        case 0: return .soldOut(remaining: Int(stock))
        case -1: throw .notStocked(product)
        case -2: throw .invalidStock(product)
        default: throw StrategyError(.outcomeUnknown, "the script answered the unknown code \(code)")
        }
    }
}
