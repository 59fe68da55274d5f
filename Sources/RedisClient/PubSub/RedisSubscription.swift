/// A subscription that stands until it is cancelled or its client is closed.
public struct RedisSubscription: Sendable {
    private let end: @Sendable () async -> Void

    /// - Parameter cancel: Ends the subscription; called at each ``cancel()``.
    public init(cancel: @escaping @Sendable () async -> Void) {
        end = cancel
    }

    /// Ends the subscription; a second call does nothing. No round trip is waited for. An event that is
    /// being delivered at this moment may still arrive.
    public func cancel() async {
        await end()
    }
}
