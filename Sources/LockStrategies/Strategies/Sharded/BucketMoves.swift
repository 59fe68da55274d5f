import RedisClient

/// Moves of units from the buckets of a stock to bucket 0, "home".
///
/// Buckets live in different slots, so a move is three steps: out of the bucket, into home, closed. Each can
/// be repeated by anybody: a move has a number, home notes the last number of each bucket that arrived, and a
/// bucket opens no move while one is open. So units that a dead client left on the way are found and brought
/// in by the next who looks, once.
struct BucketMoves<Redis: RedisPort>: Sendable {
    let redis: Redis
    let bucketCount: Int

    /// Brings home what the buckets hold and what was on the way.
    ///
    /// - Returns: Whether anything was found: arrived now, or brought in by somebody else meanwhile.
    func gather(_ product: ProductID, _ evidence: inout Evidence) async throws(StrategyError) -> Bool {
        let looks = await withTaskGroup(of: (found: Result<Bool, StrategyError>, cost: Evidence).self) {
            group in
            for bucket in 1..<max(bucketCount, 1) {
                group.addTask {
                    var cost = Evidence()
                    do throws(StrategyError) {
                        let found = try await self.bringHome(from: bucket, of: product, &cost)
                        return (.success(found), cost)
                    } catch {
                        return (.failure(error), cost)
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        for look in looks { evidence = evidence + look.cost }
        var hasFound = false
        for look in looks where try look.found.get() { hasFound = true }
        return hasFound
    }

    /// The move of one bucket, from its first open step to the last.
    ///
    /// - Returns: Whether there was anything to bring.
    func bringHome(
        from bucket: Int, of product: ProductID, _ evidence: inout Evidence
    ) async throws(StrategyError) -> Bool {
        let keys = ProductKeys(product, bucket: bucket)
        let home = ProductKeys(product)
        func run(
            _ script: RedisScript, _ keys: [String], _ arguments: [String], _ evidence: inout Evidence
        ) async throws(StrategyError) -> RESPValue {
            do throws(RedisError) {
                return try await redis.run(script, keys: keys, arguments: arguments, &evidence)
            } catch {
                // A step that may or may not have happened is taken up by whoever looks next.
                throw StockSection<Redis>.nothingTaken(
                    error, during: "gathering the stock of product \(product)")
            }
        }
        let move =
            try await run(EmbeddedScripts.moveOut, [keys.stock, keys.moves], [], &evidence)
            .array?.compactMap(\.integer) ?? []
        guard move.count == 2, move[0] != -1 else { throw .notStocked(product) }
        guard move[0] >= 0 else { throw .invalidStock(product) }
        guard move[0] > 0 else { return false }
        let number = String(move[0])
        let arrived = try await run(
            EmbeddedScripts.moveIn, [home.stock, home.moved, home.drained],
            [String(bucket), number, String(move[1])], &evidence)
        guard arrived.integer != -1 else { throw .notStocked(product) }
        _ = try await run(EmbeddedScripts.moveDone, [keys.moves], [number], &evidence)
        return true
    }
}
