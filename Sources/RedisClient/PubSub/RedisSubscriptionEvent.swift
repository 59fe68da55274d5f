/// What a subscriber is told.
public enum RedisSubscriptionEvent: Sendable, Hashable {
    /// Somebody published this text on the channel. Bytes that are not UTF-8 are repaired.
    case message(String)
    /// The connection was lost: what is published from here on is missed.
    case interrupted
    /// The subscription stands again: what is published from here on is delivered.
    case restored
}
