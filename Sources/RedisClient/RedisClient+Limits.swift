extension RedisClient {
    /// Time and size limits; one initialiser holds every default.
    public struct Limits: Sendable, Hashable {
        /// For connecting, including AUTH and SELECT.
        public var connect: Duration
        /// From the call to the reply.
        public var command: Duration
        /// Bytes of one reply.
        public var replyBytes: Int
        /// First and longest pause between attempts to connect.
        public var reconnectBase: Duration
        public var reconnectCap: Duration
        /// Connections for transactions, beside the one that all commands share.
        public var dedicatedConnections: Int
        /// How often a connection that only listens is asked for a sign of life.
        public var subscriptionPing: Duration

        public init(
            connect: Duration = .seconds(1), command: Duration = .seconds(1),
            replyBytes: Int = 64 << 20,
            reconnectBase: Duration = .milliseconds(20), reconnectCap: Duration = .seconds(1),
            dedicatedConnections: Int = 16, subscriptionPing: Duration = .seconds(10)
        ) {
            self.connect = connect
            self.command = command
            self.replyBytes = replyBytes
            self.reconnectBase = reconnectBase
            self.reconnectCap = reconnectCap
            self.dedicatedConnections = dedicatedConnections
            self.subscriptionPing = subscriptionPing
        }
    }
}
