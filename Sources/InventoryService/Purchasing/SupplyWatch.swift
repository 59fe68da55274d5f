import LockStrategies
import Synchronization

/// Asks whether other servers have units of a product on their way, when Redis says that it is sold out.
///
/// Whoever asks gets the answer to a question that left after the call, so what was recorded before it is
/// seen. However many ask at once, one question about a product is under way, and one waits.
final class SupplyWatch: Sendable {
    typealias Answer = Result<Bool, InventoryError>

    private enum Role: Sendable {
        /// The caller asks, for these too.
        case asks([Follower])
        case isTold(Answer)
    }

    private typealias Follower = CheckedContinuation<Role, Never>

    private let company: any ServerCompany
    /// Who waits for the next question, by product; a product that is here has a question under way.
    private let waiting = Mutex<[ProductID: [Follower]]>([:])

    init(_ company: any ServerCompany) {
        self.company = company
    }

    /// - Throws: ``InventoryError`` when the ledger does not say.
    func isUnderWay(_ product: ProductID) async throws(InventoryError) -> Bool {
        let role = await withCheckedContinuation { (follower: Follower) in
            let isFirst = waiting.withLock { waiting in
                guard waiting[product] != nil else {
                    waiting[product] = []
                    return true
                }
                waiting[product]?.append(follower)
                return false
            }
            if isFirst { follower.resume(returning: .asks([])) }
        }
        switch role {
        case .isTold(let answer): return try answer.get()
        case .asks(let followers):
            let answer = await ask(product)
            passOn(product)
            for follower in followers { follower.resume(returning: .isTold(answer)) }
            return try answer.get()
        }
    }

    /// Who waits for a question that has not left yet.
    var waitingCount: Int { waiting.withLock { $0.values.reduce(0) { $0 + $1.count } } }

    private func ask(_ product: ProductID) async -> Answer {
        do throws(InventoryError) {
            return .success(try await !company.supplyUnderWay(of: product).isEmpty)
        } catch {
            return .failure(error)
        }
    }

    /// The next question is for all who came meanwhile.
    private func passOn(_ product: ProductID) {
        let next = waiting.withLock { waiting -> [Follower] in
            let next = waiting[product] ?? []
            waiting[product] = next.isEmpty ? nil : []
            return next
        }
        next.first?.resume(returning: .asks(Array(next.dropFirst())))
    }
}
