/// The replies to one group of commands, in the order in which it was sent. Pure: replies in, a result out.
struct ReplyLine: Sendable {
    enum Step: Sendable, Hashable {
        case prepare(String)
        case execute
    }

    private let steps: [Step]
    private var place = 0
    private var results: [PostgresResult] = []
    private var failure: PostgresError?
    private var isComplete = false
    private var endsInARow = 0
    /// Statements that the connection knows from now on.
    private(set) var prepared: [String] = []

    init(_ steps: [Step]) {
        self.steps = steps
    }

    /// What the group came to; nil while replies are missing.
    var result: Result<[PostgresResult], PostgresError>? {
        guard isComplete else { return nil }
        if let failure { return .failure(failure) }
        guard place == steps.count else {
            return .failure(
                PostgresError(.malformed, "PostgreSQL answered \(place) of \(steps.count) commands"))
        }
        return .success(results)
    }

    /// - Returns: Whether to ask for the next reply.
    mutating func take(_ reply: PostgresHandle.Reply) -> Bool {
        switch reply {
        case .none: return false
        case .endOfCommand:
            // Two of them in a row: there is nothing to be had now.
            endsInARow += 1
            return endsInARow < 2
        case .result(let result):
            if place < steps.count {
                switch steps[place] {
                case .prepare(let name): prepared.append(name)
                case .execute: results.append(result)
                }
            }
            place += 1
        case .failure(let error):
            if failure == nil { failure = error }
            place += 1
            if error.code == .lost { isComplete = true }
        case .skipped: place += 1
        case .synced: isComplete = true
        }
        endsInARow = 0
        return !isComplete
    }
}
