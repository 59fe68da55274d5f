/// What the nodes of a cluster tell of who serves what, counted.
struct MapPoll: Sendable {
    private struct Version: Sendable {
        let map: SlotMap
        var votes = 1
    }

    private let asked: Int
    /// In the order in which they were told.
    private var versions: [Version] = []
    private var problem = RedisError(.unavailable, "the cluster has no nodes")

    init(asked: Int) {
        self.asked = asked
    }

    mutating func count(_ answer: Result<SlotMap, RedisError>) {
        switch answer {
        case .success(let map):
            if let index = versions.firstIndex(where: { $0.map.agrees(with: map) }) {
                versions[index].votes += 1
            } else {
                versions.append(Version(map: map))
            }
        case .failure(let error):
            // A node that was no longer waited for has not failed.
            if error.code != .cancelled { problem = error }
        }
    }

    /// A majority of all that were asked tells the same: the others cannot change the outcome.
    var isDecided: Bool { versions.contains { $0.votes > asked / 2 } }

    /// The map that most nodes told; of two that as many told, the one that was told first.
    func map() throws(RedisError) -> SlotMap {
        var best: Version?
        for version in versions where version.votes > best?.votes ?? 0 { best = version }
        guard let best else {
            throw RedisError(
                .unavailable, "no node of the cluster tells who serves what: \(problem.context)",
                reply: problem.reply)
        }
        return best.map
    }
}
