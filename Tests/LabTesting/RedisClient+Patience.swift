public import RedisClient

extension RedisClient.Limits {
    /// For tests that are not about time: a machine may lose its processor to others for seconds.
    public static let patient = RedisClient.Limits(connect: .seconds(60), command: .seconds(60))
}
