import HTTPTypes
import Hummingbird
import InventoryService

/// The one table from what the domain says to what a client is told.
enum ProblemTable {
    /// Nil for the outcomes that are no problem.
    static func problem(for outcome: PurchaseOutcome.Kind) -> Problem? {
        switch outcome {
        case .purchased, .repeated: nil
        case .soldOut:
            Problem(
                .soldOut, status: .badRequest,
                detail: "fewer units are left than were asked for")
        case .oversellRefused:
            Problem(
                .oversellRefused, status: .badRequest,
                detail: "all units that were ever supplied are sold")
        case .limitReached:
            Problem(
                .userLimit, status: .unprocessableContent,
                detail: "one user may not buy so many units of this product; earlier purchases, and those "
                    + "that are being made, count", field: "quantity")
        case .contended:
            Problem(
                .contended, status: .conflict,
                detail: "the lock was not obtained in time; nothing was bought, try again",
                headers: [.retryAfter: "1"])
        case .productNotFound: .productNotFound()
        }
    }

    /// The problem of an error; its context is shown only where it speaks to the client.
    static func problem(for error: InventoryError) -> Problem {
        switch error.code {
        case .invalidField:
            Problem(
                .invalidField, status: .unprocessableContent, detail: error.context, field: error.field)
        case .idempotencyMismatch:
            Problem(
                .idempotencyMismatch, status: .unprocessableContent, detail: error.context,
                field: "Idempotency-Key")
        case .unknownUser: .unauthorized("this user does not exist any more")
        case .invalidToken: .unauthorized(error.context)
        case .ledgerUnavailable:
            unavailable(error, "the record of purchases cannot be used at the moment")
        case .ledgerFull:
            unavailable(error, "the disk of the record of purchases is full; nothing was bought")
        case .recordUnknown:
            unavailable(
                error,
                "the disk failed under the write: it may be found later, or not; ask again for your purchases"
            )
        case .ledgerOverloaded, .hashingOverloaded:
            unavailable(error, "the server has more work than it can take; try again")
        case .redisUnavailable, .redisRefused:
            unavailable(error, "the stock cannot be reached at the moment; nothing was changed")
        case .outcomeUnknown:
            unavailable(error, "the answer of the stock was lost; nothing was bought")
        case .stockUnknown:
            unavailable(error, "the stock of this product is not known at the moment")
        case .stockReplaced:
            unavailable(
                error, "the stock of this product is being filled anew; nothing was bought, try again")
        case .reservationEnded:
            unavailable(error, "the purchase took too long and was given up; nothing was bought, try again")
        case .leaseLost:
            unavailable(error, "the lock ended before the stock was taken; nothing was bought, try again")
        case .cancelled:
            unavailable(error, "the request was cancelled")
        case .cryptoFailed, .databaseUnusable, .databaseLocked, .schemaTooNew, .unsafeConfiguration:
            internalError
        }
    }

    static let internalError = Problem(
        .internalError, status: .internalServerError,
        detail: "the server made a mistake; its log says more")

    /// The kind has the name of the error's code; a test holds that each code has one.
    private static func unavailable(_ error: InventoryError, _ detail: String) -> Problem {
        Problem(
            ProblemKind(rawValue: error.code.rawValue), status: .serviceUnavailable, detail: detail,
            headers: [.retryAfter: "1"])
    }
}
