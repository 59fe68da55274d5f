import InventoryService

/// What a client of the service was told about an order.
enum ServiceAnswer: Sendable, Equatable {
    /// The number of the purchase.
    case purchased(Int64)
    /// Nothing was bought under this key, and nothing will be.
    case refused(PurchaseOutcome.Kind)
    /// Nothing was bought by this call; the next one may.
    case nothing(String)
    /// The call may have bought something, now or later.
    case unknown(String)
    /// Nobody took the call.
    case noServer

    init(_ report: PurchaseReport) {
        switch report.outcome {
        case .purchased(let purchase), .repeated(let purchase): self = .purchased(purchase.id.rawValue)
        case .contended: self = .nothing("contended")
        case .soldOut, .oversellRefused, .limitReached, .productNotFound: self = .refused(report.outcome.kind)
        }
    }

    /// As `PurchaseService.purchase` promises: after `.recordUnknown` a purchase may exist, after every other
    /// error none does.
    init(_ error: InventoryError) {
        self = error.code == .recordUnknown ? .unknown("\(error.code)") : .nothing("\(error.code)")
    }

    /// The client is done with it.
    var isFinal: Bool {
        switch self {
        case .purchased, .refused: true
        case .nothing, .unknown, .noServer: false
        }
    }

    var words: String {
        switch self {
        case .purchased(let number): "bought, number \(number)"
        case .refused(let kind): kind.rawValue
        case .nothing(let why): "nothing was bought (\(why))"
        case .unknown(let why): "nobody knows (\(why))"
        case .noServer: "nobody listens"
        }
    }
}
