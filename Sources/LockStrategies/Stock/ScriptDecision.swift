import RedisClient

/// What a script that takes units in one step has answered: a code, a stock, and the stock's epoch.
struct ScriptDecision: Sendable, Equatable {
    let code: Int64
    let stock: Int
    let epoch: StockEpoch?

    init(code: Int64, stock: Int, epoch: StockEpoch?) {
        self.code = code
        self.stock = stock
        self.epoch = epoch
    }

    /// The first three values of a reply; nil when they are not what a script of ours answers.
    init?(_ reply: [RESPValue]) {
        guard reply.count >= 3, let code = reply[0].integer, let stock = reply[1].stockNumber else {
            return nil
        }
        self.init(code: code, stock: stock, epoch: reply[2].string.flatMap { StockEpoch($0) })
    }

    func meaning(for product: ProductID) throws(StrategyError) -> ReserveOutcome.Decision {
        switch code {
        case 1: return .reserved(remaining: stock, fence: nil)
        case 0: return .soldOut(remaining: stock)
        case -1: throw .notStocked(product)
        case -2: throw .invalidStock(product)
        case -3: throw .reservationEnded(product)
        default: throw StrategyError(.outcomeUnknown, "the script answered the unknown code \(code)")
        }
    }
}
