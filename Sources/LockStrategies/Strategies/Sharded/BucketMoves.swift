import RedisClient

/// Moves of units from the buckets of a stock to bucket 0, "home".
///
/// Buckets live in different slots, so a move is three steps: out of the bucket, into home, closed. Each can
/// be repeated by anybody: a move has a number, home notes the last number of each bucket that arrived, and a
/// bucket opens no move while one is open. So units that a dead client left on the way are found and brought
/// in by the next who looks, once.
struct BucketMoves<Redis: RedisPort>: Sendable {
    /// What a look at buckets found, and what it took.
    struct Gathering: Sendable {
        var found = false
        var commands = 0
    }

    let redis: Redis
    let bucketCount: Int

    /// Brings home what the buckets hold and what was on the way.
    ///
    /// - Returns: Whether anything was found: arrived now, or brought in by somebody else meanwhile.
    func gather(_ product: ProductID) async throws(StrategyError) -> Gathering {
        let results = await withTaskGroup(of: Result<Gathering, StrategyError>.self) {
            group in
            for bucket in 1..<max(bucketCount, 1) {
                group.addTask {
                    do throws(StrategyError) {
                        return .success(try await self.bringHome(from: bucket, of: product))
                    } catch {
                        return .failure(error)
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        var total = Gathering()
        for result in results {
            let part = try result.get()
            total.found = total.found || part.found
            total.commands += part.commands
        }
        return total
    }

    /// The move of one bucket, from its first open step to the last.
    func bringHome(
        from bucket: Int, of product: ProductID
    ) async throws(StrategyError) -> Gathering {
        let keys = ProductKeys(product, bucket: bucket)
        let home = ProductKeys(product)
        var commands = 0
        func run(
            _ script: RedisScript, _ keys: [String], _ arguments: [String]
        ) async throws(StrategyError) -> RESPValue {
            do throws(RedisError) {
                let reply = try await redis.run(script, keys: keys, arguments: arguments)
                commands += reply.commandsSent
                return reply.value
            } catch {
                // A step that may or may not have happened is taken up by whoever looks next.
                throw StockSection<Redis>.nothingTaken(
                    error, during: "gathering the stock of product \(product)")
            }
        }
        let move =
            try await run(EmbeddedScripts.moveOut, [keys.stock, keys.moves], [])
            .array?.compactMap(\.integer) ?? []
        guard move.count == 2, move[0] != -1 else { throw .notStocked(product) }
        guard move[0] >= 0 else { throw .invalidStock(product) }
        guard move[0] > 0 else { return Gathering(found: false, commands: commands) }
        let number = String(move[0])
        let arrived = try await run(
            EmbeddedScripts.moveIn, [home.stock, home.moved, home.drained],
            [String(bucket), number, String(move[1])])
        guard arrived.integer != -1 else { throw .notStocked(product) }
        _ = try await run(EmbeddedScripts.moveDone, [keys.moves], [number])
        return Gathering(found: true, commands: commands)
    }
}
