import Hummingbird
import InventoryService
import Logging

extension Problem {
    /// The one place where an error becomes an answer.
    ///
    /// - Parameter logger: Made only where there is something to write.
    init(answering error: any Error, logger: @autoclosure () -> Logger) {
        switch error {
        case let problem as Problem:
            self = problem
        case let error as InventoryError:
            self = ProblemTable.problem(for: error)
            if status.kind == .serverError {
                logger().warning("request not answered", metadata: ["error": "\(error)"])
            }
        case let error as any HTTPResponseError:
            self = error.status == .contentTooLarge ? .bodyTooLong : Problem(status: error.status)
        default:
            logger().error("unexpected error", metadata: ["error": "\(error)"])
            self = ProblemTable.internalError
        }
    }
}
