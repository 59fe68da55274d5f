/// What was collected about one trial, from three sides: the buyers, the ledger (SQLite), Redis. Nil is
/// "could not be read".
struct AuditFacts: Sendable, Equatable {
    /// Answers of the whole trial, warm-up and drain included.
    struct Answers: Sendable, Equatable {
        var success = 0
        var oversellRefused = 0
        /// The buyer cannot know: 503, or no answer at all.
        var unknown = 0
    }

    struct Ledger: Sendable, Equatable {
        /// Rows of the product, and their units.
        var rows = 0
        var units = 0
        /// Rows of a reservation id that another row has too.
        var duplicates = 0
        /// The product's own sums.
        var supplied = 0
        var sold = 0
    }

    struct Redis: Sendable, Equatable {
        var stock = 0
        /// Reservations without a row: count and units.
        var openReservations = 0
        var openUnits = 0
        /// Reservations whose purchase has its row already and that nobody cleared.
        var unclearedReservations = 0
    }

    /// One of several products.
    struct Product: Sendable, Equatable {
        /// Place among the products of the trial, from 1; the hottest one is first.
        var number: Int
        var initialStock: Int
        var answers: Answers
        var ledger: Ledger?
        var redis: Redis?
    }

    /// What a journey has beside its purchases.
    struct Journey: Sendable, Equatable {
        /// Registrations that were answered 201, those of the set-up included.
        var registered = 0
        /// Registrations whose end nobody knows.
        var unknown = 0
        /// In the ledger.
        var users: Int?
        /// Histories that did not show the purchase that was answered 200 right before.
        var missing = 0
    }

    /// Units of all products together; `answers`, `ledger` and `redis` are sums, too.
    var initialStock: Int
    var answers: Answers
    var ledger: Ledger?
    var redis: Redis?
    /// Empty when there is one only.
    var products: [Product] = []
    /// Nil in the purchase scenario.
    var journey: Journey?
    /// Checks that cannot be made here, and why.
    var notChecked: [String: String] = [:]
    /// The server was running before, and its stores cannot be looked into.
    var isForeign = false
    /// X·R/N over the measured window; nil in an open load, in which nobody is promised to be busy.
    var busyShare: Double?
    var measuredSuccesses: Int
    var isRelease = EnvironmentInfo.isReleaseBuild
    var generator: Generator?
    /// Nil in a closed load.
    var arrivals: Arrivals?
    /// Nil: too short to tell.
    var drift: Drift?
    /// Nil: there is no Redis that could be asked.
    var commands: Commands?
    /// Nil: there is no Redis that could be asked.
    var sales: Sales?
    /// Nil: there is no server, or it was running before.
    var server: Server?
    /// Every hold of a lock as the process saw it that took them; nil: not to be seen, or there is no lock.
    var holds: HoldTally?
    /// Σ of hold times by wall time, of the product whose lock was held longest; nil where no lock is taken.
    var heldShare: Double?
    /// How the server ended when it was asked to.
    var serverEnd: String
    var serverEndedWell: Bool
}

extension AuditFacts {
    /// The same facts with one product's books in place of the sums.
    func narrowed(to product: Product) -> AuditFacts {
        var facts = self
        facts.initialStock = product.initialStock
        facts.answers = product.answers
        facts.ledger = product.ledger
        facts.redis = product.redis
        return facts
    }
}
