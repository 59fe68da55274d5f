/// Waits until a state of another process or task can be seen.
///
/// For states that announce themselves in no other way. Ends with an error after `limit`, which is far above
/// what any machine needs. The error says which wait it was.
public func waitUntil(
    limit: Duration = .seconds(120), file: String = #fileID, line: Int = #line,
    _ isReached: () async throws -> Bool
) async throws {
    let end = ContinuousClock.now + limit
    while true {
        if try await isReached() { return }
        guard ContinuousClock.now < end else {
            throw WaitedTooLong(limit: limit, place: "\(file):\(line)")
        }
        try await Task.sleep(for: .milliseconds(2))
    }
}

public struct WaitedTooLong: Error, Sendable {
    public let limit: Duration
    public let place: String
}
