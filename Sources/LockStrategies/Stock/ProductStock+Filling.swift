public import RedisClient

/// Filling a stock from what the ledger knows, and forgetting it.
extension ProductStock {
    /// How an attempt to fill a stock ended.
    public enum Filling: Sendable, Hashable {
        /// The stock is that of the new epoch.
        case filled
        /// Redis holds this filling or a newer one, or the stock exists where it must not; nothing changed.
        case superseded
        /// The stock was filled by another ledger; nothing changed.
        case foreign
    }

    /// Replaces the stock by `units` under a new epoch; what was reserved from the old one is void. One round
    /// trip, and one more for each bucket, during which the product is off sale.
    public func fill(
        _ product: ProductID, units: Int, as epoch: StockEpoch
    ) async throws(RedisError) -> Filling {
        guard layout.bucketCount > 0 else { return .filled }
        let home = ProductKeys(product)
        let name = [epoch.origin, String(epoch.number)]
        let share = units / layout.bucketCount
        var moves: [String] = []
        if layout.bucketCount > 1 {
            let closed = try await answer(EmbeddedScripts.closeStock, [home.stock, home.epoch], name)
            guard closed == .filled else { return closed }
            for bucket in 1..<layout.bucketCount {
                let keys = ProductKeys(product, bucket: bucket)
                let reply =
                    try await redis.run(
                        EmbeddedScripts.fillBucket,
                        keys: [keys.stock, keys.reservations, keys.epoch, keys.moves],
                        arguments: name + [String(share)]
                    ).value.array?.compactMap(\.integer) ?? []
                guard reply.count == 2 else {
                    throw RedisError(.protocolViolation, "the script fill-bucket answered \(reply)")
                }
                guard reply[0] == 1 else { return reply[0] == 0 ? .superseded : .foreign }
                moves += [String(bucket), String(reply[1])]
            }
        }
        return try await answer(
            EmbeddedScripts.fillStock,
            [home.stock, home.reservations, home.epoch, home.moved, home.drained, home.moves],
            name + [String(units - share * (layout.bucketCount - 1))] + moves)
    }

    /// Forgets the stock and all that belongs to it. May be repeated. One round trip a bucket.
    public func drop(_ product: ProductID, origin: String) async throws(RedisError) -> Filling {
        for bucket in 0..<layout.bucketCount {
            let keys = ProductKeys(product, bucket: bucket)
            let dropped = try await answer(
                EmbeddedScripts.dropStock,
                [keys.epoch, keys.stock, keys.reservations, keys.moves, keys.moved, keys.drained],
                [origin])
            guard dropped == .filled else { return dropped }
        }
        return .filled
    }

    /// Records new supply as an open reservation: whoever ends it without a sale puts the units into the
    /// stock. One round trip.
    ///
    /// - Returns: False when Redis holds another filling than `epoch`; nothing changed.
    public func offer(
        _ units: Int, of product: ProductID, as id: ReservationID, in epoch: StockEpoch
    ) async throws(RedisError) -> Bool {
        let keys = ProductKeys(product)
        let reply = try await redis.run(
            EmbeddedScripts.offerUnits, keys: [keys.reservations, keys.epoch, keys.ended(id)],
            arguments: [id.description, String(units), epoch.description])
        return reply.value.integer != -1
    }

    private func answer(
        _ script: RedisScript, _ keys: [String], _ arguments: [String]
    ) async throws(RedisError) -> Filling {
        let reply = try await redis.run(script, keys: keys, arguments: arguments)
        return switch reply.value.integer {
        case 1: .filled
        case 0: .superseded
        case -1: .foreign
        default:
            throw RedisError(.protocolViolation, "the script \(script.name) answered \(reply.value)")
        }
    }
}
