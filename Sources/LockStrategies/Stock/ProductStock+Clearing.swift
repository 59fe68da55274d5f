package import RedisClient

extension ProductStock {
    /// Removes the records of several reservations of a product; their units stay taken. May be repeated. One
    /// round trip for each bucket in which they are, and one more where units came from another bucket.
    package func clear(_ ids: [ReservationID], of product: ProductID) async throws(RedisError) {
        guard layout.bucketCount > 0 else { return }
        var elsewhere: [ReservationID] = []
        let homes = Dictionary(grouping: ids) { $0.bucket(of: layout.bucketCount) }
        for (bucket, ids) in homes.sorted(by: { $0.key < $1.key }) {
            let removed = try await remove(ids, of: product, from: bucket)
            if bucket > 0, removed < ids.count { elsewhere += ids }
        }
        if !elsewhere.isEmpty { _ = try await remove(elsewhere, of: product, from: 0) }
    }

    /// - Returns: How many of them were there.
    private func remove(
        _ ids: [ReservationID], of product: ProductID, from bucket: Int
    ) async throws(RedisError) -> Int {
        let key = ProductKeys(product, bucket: bucket).reservations
        let reply = try await redis.send(RedisCommand("HDEL", [key] + ids.map(\.description)))
        return Int(reply.integer ?? 0)
    }
}
