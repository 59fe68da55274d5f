import BenchResults
package import BenchStatistics

/// What was collected about one trial, from three sides: the buyers, the ledger (SQLite), Redis. Nil is
/// "could not be read".
package struct AuditFacts: Sendable, Equatable {
    /// Answers of the whole trial, warm-up and drain included.
    package struct Answers: Sendable, Equatable {
        package var success = 0
        package var oversellRefused = 0
        /// The buyer cannot know: 503, or no answer at all.
        package var unknown = 0
    }

    package struct Ledger: Sendable, Equatable {
        /// Rows of the product, and their units.
        package var rows: Int
        package var units: Int
        /// Rows of a reservation id that another row has too.
        package var duplicates: Int
        /// The product's own sums.
        package var supplied: Int
        package var sold: Int

        package init(rows: Int = 0, units: Int = 0, duplicates: Int = 0, supplied: Int = 0, sold: Int = 0) {
            self.rows = rows
            self.units = units
            self.duplicates = duplicates
            self.supplied = supplied
            self.sold = sold
        }
    }

    package struct Redis: Sendable, Equatable {
        package var stock: Int
        /// Reservations without a row: count and units.
        package var openReservations: Int
        package var openUnits: Int
        /// Reservations whose purchase has its row already and that nobody cleared.
        package var unclearedReservations: Int

        package init(
            stock: Int = 0, openReservations: Int = 0, openUnits: Int = 0, unclearedReservations: Int = 0
        ) {
            self.stock = stock
            self.openReservations = openReservations
            self.openUnits = openUnits
            self.unclearedReservations = unclearedReservations
        }
    }

    /// One of several products.
    package struct Product: Sendable, Equatable {
        /// Place among the products of the trial, from 1; the hottest one is first.
        package var number: Int
        package var initialStock: Int
        package var answers: Answers
        package var ledger: Ledger?
        package var redis: Redis?

        package init(
            number: Int, initialStock: Int, answers: Answers, ledger: Ledger? = nil, redis: Redis? = nil
        ) {
            self.number = number
            self.initialStock = initialStock
            self.answers = answers
            self.ledger = ledger
            self.redis = redis
        }
    }

    /// What a journey has beside its purchases.
    package struct Journey: Sendable, Equatable {
        /// Registrations that were answered 201, those of the set-up included.
        package var registered = 0
        /// Registrations whose end nobody knows.
        package var unknown = 0
        /// In the ledger.
        package var users: Int?
        /// Histories that did not show the purchase that was answered 200 right before.
        package var missing = 0
    }

    /// Units of all products together; `answers`, `ledger` and `redis` are sums, too.
    package var initialStock: Int
    package var answers: Answers
    package var ledger: Ledger?
    package var redis: Redis?
    /// Empty when there is one only.
    package var products: [Product]
    /// Nil in the purchase scenario.
    package var journey: Journey?
    /// Checks that cannot be made here, and why.
    package var notChecked: [String: String]
    /// There is no ledger to look into: a server that was running before keeps it to itself, or the strategy
    /// is measured alone.
    package var isLedgerHidden: Bool
    /// X·R/N over the measured window; nil in an open load, in which nobody is promised to be busy.
    package var busyShare: Double?
    /// What the edges of the window add to it.
    package var edgeShare = 0.0
    var measuredSuccesses: Int
    var isRelease: Bool
    package var generator: Generator?
    /// Nil in a closed load.
    package var arrivals: Arrivals?
    /// Nil: too short to tell.
    package var drift: Drift?
    /// Nil: there is no Redis that could be asked.
    package var commands: Commands?
    /// Nil: there is no Redis that could be asked.
    package var sales: Sales?
    /// Nil: there is no server, or it was running before.
    package var server: Server?
    /// Every hold of a lock as the process saw it that took them; nil: not to be seen, or there is no lock.
    package var holds: HoldTally?
    /// Σ of hold times by wall time, of the product whose lock was held longest; nil where no lock is taken.
    package var heldShare: Double?
    /// How the server ended when it was asked to.
    package var serverEnd: String
    package var serverEndedWell: Bool

    package init(
        initialStock: Int, answers: Answers, ledger: Ledger? = nil, redis: Redis? = nil,
        products: [Product] = [], journey: Journey? = nil, notChecked: [String: String] = [:],
        isLedgerHidden: Bool = false, busyShare: Double? = nil, measuredSuccesses: Int,
        isRelease: Bool = EnvironmentInfo.isReleaseBuild, generator: Generator? = nil,
        arrivals: Arrivals? = nil, drift: Drift? = nil, commands: Commands? = nil, sales: Sales? = nil,
        server: Server? = nil, holds: HoldTally? = nil, heldShare: Double? = nil, serverEnd: String,
        serverEndedWell: Bool
    ) {
        self.initialStock = initialStock
        self.answers = answers
        self.ledger = ledger
        self.redis = redis
        self.products = products
        self.journey = journey
        self.notChecked = notChecked
        self.isLedgerHidden = isLedgerHidden
        self.busyShare = busyShare
        self.measuredSuccesses = measuredSuccesses
        self.isRelease = isRelease
        self.generator = generator
        self.arrivals = arrivals
        self.drift = drift
        self.commands = commands
        self.sales = sales
        self.server = server
        self.holds = holds
        self.heldShare = heldShare
        self.serverEnd = serverEnd
        self.serverEndedWell = serverEndedWell
    }
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
