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
        /// Of the product: rows and their units.
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

    var initialStock: Int
    var answers: Answers
    var ledger: Ledger?
    var redis: Redis?
    /// X·R/N over the measured window.
    var busyShare: Double
    var measuredSuccesses: Int
    /// How the server ended when it was asked to.
    var serverEnd: String
    var serverEndedWell: Bool
}
