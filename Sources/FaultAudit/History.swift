/// What buyers did and were told while something was broken, and what was there in the end. Moments are
/// nanoseconds of one clock that all processes share.
package struct History: Sendable, Codable, Equatable {
    /// One call of one buyer.
    package struct Operation: Sendable, Codable, Equatable {
        package enum Outcome: String, Sendable, Codable, CaseIterable {
            /// The buyer was told that the units are his.
            case ok
            /// The buyer was told that there are too few: nothing was taken.
            case refused
            /// The buyer was told that nothing was taken, for another reason: the lock was not obtained, say.
            case nothing
            /// Nobody told the buyer: the units may be taken, now or later, or not.
            case unknown
        }

        /// Place in the history, from 0.
        package var id: Int
        package var buyer: Int
        /// Of the buyer; a process can be stopped or killed alone.
        package var process: Int
        package var units: Int
        package var invoked: Int64
        /// Nil: no answer ever came.
        package var answered: Int64?
        package var outcome: Outcome
        /// From the grant of the lock until its holder gave it back or knew that it was over; nil: it had
        /// none.
        package var hold: Hold?
        /// The stock that the buyer's own step left behind, where all units are in one place and the stock
        /// only falls; nil: not known.
        package var remaining: Int?

        package init(
            id: Int, buyer: Int, process: Int = 0, units: Int = 1, invoked: Int64, answered: Int64?,
            outcome: Outcome, hold: Hold? = nil, remaining: Int? = nil
        ) {
            self.id = id
            self.buyer = buyer
            self.process = process
            self.units = units
            self.invoked = invoked
            self.answered = answered
            self.outcome = outcome
            self.hold = hold
            self.remaining = remaining
        }
    }

    /// A time in which somebody believed to be alone.
    package struct Hold: Sendable, Codable, Equatable {
        package var from: Int64
        /// Nil: the holder never came back.
        package var until: Int64?
        /// The number of the grant, where the lock has numbers.
        package var fence: Int64?
        /// When the holder gave it back: after `until` for one that worked longer than it might. Nil: never,
        /// or not known.
        package var left: Int64?
        /// When the lock was asked for; nil: not known. The lock was granted between this moment and `from`.
        package var asked: Int64?

        package init(
            from: Int64, until: Int64?, fence: Int64? = nil, left: Int64? = nil, asked: Int64? = nil
        ) {
            self.from = from
            self.until = until
            self.fence = fence
            self.left = left
            self.asked = asked
        }
    }

    /// What was read when all was quiet again.
    package struct End: Sendable, Codable, Equatable {
        package var read: Int64
        /// Units that can still be sold; nil: could not be read.
        package var stock: Int?
        /// Units that are neither in the stock nor sold: reservations that nobody ended.
        package var open: Int
        /// Of the ledger; nil at a level that has none.
        package var rows: Rows?

        package init(read: Int64, stock: Int?, open: Int = 0, rows: Rows? = nil) {
            self.read = read
            self.stock = stock
            self.open = open
            self.rows = rows
        }
    }

    /// The purchases in the ledger.
    package struct Rows: Sendable, Codable, Equatable {
        /// How many rows each operation has, by its id; an operation that is not named has none.
        package var ofOperation: [Int: Int]
        /// Rows that belong to no operation of the history.
        package var strangers: Int
        package var units: Int
        /// Units of sales that the ledger refused because none was left, although the stock had given them
        /// out; nil: it does not say.
        package var refused: Int?

        package init(ofOperation: [Int: Int], strangers: Int = 0, units: Int, refused: Int? = nil) {
            self.ofOperation = ofOperation
            self.strangers = strangers
            self.units = units
            self.refused = refused
        }
    }

    package var initialStock: Int
    package var operations: [Operation]
    package var end: End

    package init(initialStock: Int, operations: [Operation], end: End) {
        self.initialStock = initialStock
        self.operations = operations
        self.end = end
    }
}
