import GRDB
import InventoryService

/// A write that waits for the ledger's writer, and how its caller is answered.
struct WriterJob: Sendable {
    typealias Answer<Value: Sendable> = CheckedContinuation<Result<Value, InventoryError>, Never>

    enum Work: Sendable {
        /// Is written together with the sales beside it.
        case sale(Sale, Answer<RecordOutcome>)
        /// Has a savepoint of its own.
        case other(@Sendable (Database) -> Written)
    }

    /// What one write left inside the transaction.
    struct Written {
        /// Answers the caller after the commit, or with the reason why there was none.
        let settle: @Sendable (_ commitFailure: InventoryError?) -> Void
        let failure: (any Error)?

        init<Value: Sendable>(_ result: Result<Value, any Error>, _ answer: Answer<Value>) {
            switch result {
            case .success(let value):
                failure = nil
                settle = { commitFailure in
                    answer.resume(returning: commitFailure.map { .failure($0) } ?? .success(value))
                }
            case .failure(let error):
                failure = error
                let own = SQLiteLedger.error(error)
                settle = { _ in answer.resume(returning: .failure(own)) }
            }
        }
    }

    let work: Work
    let refuse: @Sendable (InventoryError) -> Void

    init(_ sale: Sale, _ answer: Answer<RecordOutcome>) {
        work = .sale(sale, answer)
        refuse = { answer.resume(returning: .failure($0)) }
    }

    init<Value: Sendable>(
        _ write: @escaping @Sendable (Database) throws -> Value, _ answer: Answer<Value>
    ) {
        work = .other { database in
            Written(
                Result {
                    var value: Value?
                    try database.inSavepoint {
                        value = try write(database)
                        return .commit
                    }
                    guard let value else {
                        throw InventoryError(.ledgerUnavailable, "the write ended without a value")
                    }
                    return value
                }, answer)
        }
        refuse = { answer.resume(returning: .failure($0)) }
    }

    /// What is written in one go: sales that follow each other, or one other write.
    enum Part {
        case sales([(sale: Sale, answer: Answer<RecordOutcome>)])
        case other(@Sendable (Database) -> Written)
    }

    /// The parts of a batch in its order.
    static func parts(of batch: [WriterJob]) -> [Part] {
        var parts: [Part] = []
        var sales: [(sale: Sale, answer: Answer<RecordOutcome>)] = []
        for job in batch {
            switch job.work {
            case .sale(let sale, let answer):
                sales.append((sale, answer))
            case .other(let write):
                if !sales.isEmpty { parts.append(.sales(sales)) }
                sales = []
                parts.append(.other(write))
            }
        }
        if !sales.isEmpty { parts.append(.sales(sales)) }
        return parts
    }
}
