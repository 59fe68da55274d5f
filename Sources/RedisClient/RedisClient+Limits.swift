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
        /// The longest pause between attempts to connect.
        public var reconnectCap: Duration
        /// Connections for transactions, beside the one that all commands share.
        public var dedicatedConnections: Int
        /// A connection that was quiet for so long is asked for a sign of life, and closed when none comes in
        /// the command's time: a router may have forgotten it without a word.
        public var idlePing: Duration
        /// When a server that is silent is left alone; nil: it is asked by every call, which waits its whole
        /// time.
        public var circuit: CircuitPolicy?

        /// Each parameter is the property of that name.
        public init(
            connect: Duration = .seconds(1), command: Duration = .seconds(1),
            replyBytes: Int = 64 << 20,
            reconnectBase: Duration = .milliseconds(20), reconnectCap: Duration = .seconds(1),
            dedicatedConnections: Int = 16, idlePing: Duration = .seconds(1),
            circuit: CircuitPolicy? = nil
        ) {
            self.connect = connect
            self.command = command
            self.replyBytes = replyBytes
            self.reconnectBase = reconnectBase
            self.reconnectCap = reconnectCap
            self.dedicatedConnections = dedicatedConnections
            self.idlePing = idlePing
            self.circuit = circuit
        }
    }

    /// When a client stops asking a server that does not answer, and for how long. In a cluster each node is
    /// judged for itself.
    ///
    /// While it is left alone, calls fail at once with `.unavailable`: nothing was sent. Then one call tries
    /// it; its reply lets all through, its silence begins the next pause.
    public struct CircuitPolicy: Sendable, Hashable {
        /// Calls in a row that brought no reply: no connection, or none in time.
        public var silentCalls: Int
        /// First and longest pause; each is about twice the one before.
        public var pauseBase: Duration
        /// The longest pause.
        public var pauseCap: Duration

        /// Each parameter is the property of that name.
        public init(
            silentCalls: Int = 5, pauseBase: Duration = .milliseconds(100), pauseCap: Duration = .seconds(1)
        ) {
            self.silentCalls = silentCalls
            self.pauseBase = pauseBase
            self.pauseCap = pauseCap
        }
    }
}
