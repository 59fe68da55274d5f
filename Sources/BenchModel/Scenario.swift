/// What the users of a load do.
package enum Scenario: String, Sendable, Codable, CaseIterable {
    /// Each user is logged in and buys again and again.
    case purchase
    /// Each user comes as somebody new: registers, logs in, looks at a product, buys it, reads the history.
    case journey
}

/// One request of a journey; the purchase scenario has ``buy`` only.
package enum JourneyStep: String, Sendable, Codable, CaseIterable {
    case register
    case logIn = "log-in"
    case view
    case buy
    case history

    /// Place in arrays that hold one value for each step.
    package var index: Int {
        switch self {
        case .register: 0
        case .logIn: 1
        case .view: 2
        case .buy: 3
        case .history: 4
        }
    }

    /// The answer to a request that went well.
    package var goodStatus: Int { self == .register ? 201 : 200 }
}
