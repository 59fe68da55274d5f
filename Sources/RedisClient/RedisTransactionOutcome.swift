/// How a transaction ended when it ended in order.
public enum RedisTransactionOutcome<Abandoned: Sendable>: Sendable {
    /// The commands were applied; a reply for each.
    case committed([RESPValue])
    /// A watched key was changed by somebody else: nothing was applied.
    case conflict
    /// The reads said so: nothing was applied.
    case abandoned(Abandoned)
}
