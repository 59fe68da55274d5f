/// What a transaction does after its reads.
public enum RedisTransactionStep<Abandoned: Sendable>: Sendable {
    /// Apply these commands, all or none, unless a watched key was changed in the meantime.
    case commit([RedisCommand])
    /// Apply nothing.
    case abandon(Abandoned)
}
