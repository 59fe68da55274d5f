import GRDB
import InventoryService

/// A write that waits for the ledger's writer, and how its caller is answered.
struct WriterJob: Sendable {
    typealias Answer<Value: Sendable> = CheckedContinuation<Result<Value, InventoryError>, Never>

    /// Any other write than a sale. It has a savepoint of its own.
    struct Other: Sendable {
        let write: @Sendable (Database) -> Written
        let refuse: @Sendable (InventoryError) -> Void
    }

    enum Work: Sendable {
        /// Is written together with the sales beside it. Most writes are sales, so they need no closure.
        case sale(Sale, Answer<RecordOutcome>)
        case other(Other)
    }

    /// What one write left inside the transaction.
    enum Written {
        case sale(Result<RecordOutcome, any Error>, Answer<RecordOutcome>)
        case other(
            failure: (any Error)?, settle: @Sendable (_ commitFailure: InventoryError?) -> Void)

        var failure: (any Error)? {
            switch self {
            case .sale(.success, _): nil
            case .sale(.failure(let error), _): error
            case .other(let failure, _): failure
            }
        }

        /// Answers the caller after the commit, or with the reason why there was none.
        func settle(_ commitFailure: InventoryError?) {
            switch self {
            case .sale(let result, let answer): Self.settle(result, commitFailure, answer)
            case .other(_, let settle): settle(commitFailure)
            }
        }

        static func settle<Value: Sendable>(
            _ result: Result<Value, any Error>, _ commitFailure: InventoryError?, _ answer: Answer<Value>
        ) {
            switch result {
            case .success(let value):
                answer.resume(returning: commitFailure.map { .failure($0) } ?? .success(value))
            case .failure(let error):
                answer.resume(returning: .failure(SQLiteLedger.error(error)))
            }
        }
    }

    let work: Work

    init(_ sale: Sale, _ answer: Answer<RecordOutcome>) {
        work = .sale(sale, answer)
    }

    init<Value: Sendable>(
        _ write: @escaping @Sendable (Database) throws -> Value, _ answer: Answer<Value>
    ) {
        work = .other(
            Other { database in
                do {
                    let value = try database.inPart { try write(database) }
                    return .other(failure: nil) { Written.settle(.success(value), $0, answer) }
                } catch {
                    let own = SQLiteLedger.error(error)
                    return .other(failure: error) { _ in answer.resume(returning: .failure(own)) }
                }
            } refuse: { error in
                answer.resume(returning: .failure(error))
            })
    }

    func refuse(_ error: InventoryError) {
        switch work {
        case .sale(_, let answer): answer.resume(returning: .failure(error))
        case .other(let other): other.refuse(error)
        }
    }

    /// What is written in one go: sales that follow each other, or one other write.
    enum Part {
        case sales([Sale], [Answer<RecordOutcome>])
        case other(Other)
    }

    /// The parts of a batch in its order.
    static func parts(of batch: [WriterJob]) -> [Part] {
        var parts: [Part] = []
        var (sales, answers): ([Sale], [Answer<RecordOutcome>]) = ([], [])
        sales.reserveCapacity(batch.count)
        answers.reserveCapacity(batch.count)
        for job in batch {
            switch job.work {
            case .sale(let sale, let answer):
                sales.append(sale)
                answers.append(answer)
            case .other(let other):
                if !sales.isEmpty { parts.append(.sales(sales, answers)) }
                (sales, answers) = ([], [])
                parts.append(.other(other))
            }
        }
        if !sales.isEmpty { parts.append(.sales(sales, answers)) }
        return parts
    }
}
