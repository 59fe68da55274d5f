public import RedisClient

extension RedisClient.Limits {
    /// Towards the server of the stock: a buyer is told that it is away instead of finding out for himself.
    public static let stockServer = RedisClient.Limits(circuit: .init())

    /// Towards a lock node: a node that is slow counts as one that is away, or it would eat the validity of
    /// the lock. One that did not answer five times in a row is not waited for at all for a moment.
    public static let lockNode = RedisClient.Limits(
        connect: .milliseconds(250), command: .milliseconds(250), circuit: .init())
}
