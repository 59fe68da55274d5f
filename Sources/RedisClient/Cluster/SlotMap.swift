/// Which node serves which slot, as far as it is known.
struct SlotMap: Sendable {
    private var owners: [RedisHost?] = Array(repeating: nil, count: KeySlot.count)
    /// Masters first, then replicas.
    private(set) var nodes: [RedisHost] = []

    init() {}

    /// Reads the reply of CLUSTER SLOTS; nil when it is not one, or names no slot.
    ///
    /// - Parameter node: Who said it: an address without host means the same host.
    init?(_ reply: RESPValue, from node: RedisHost) {
        var masters: [RedisHost] = []
        var replicas: [RedisHost] = []
        for range in reply.array ?? [] {
            guard let parts = range.array, parts.count >= 3, let first = parts[0].integer,
                let last = parts[1].integer, first >= 0, first <= last, last < KeySlot.count
            else { return nil }
            let hosts = parts.dropFirst(2).compactMap { Self.host($0, node) }
            guard let master = hosts.first else { return nil }
            for slot in Int(first)...Int(last) { owners[slot] = master }
            if !masters.contains(master) { masters.append(master) }
            replicas += hosts.dropFirst().filter { !replicas.contains($0) }
        }
        guard !masters.isEmpty else { return nil }
        nodes = masters + replicas.filter { !masters.contains($0) }
    }

    /// The nodes that serve slots.
    var masters: Set<RedisHost> { Set(owners.compactMap(\.self)) }

    /// Whether it is the node of a slot.
    func serves(_ node: RedisHost) -> Bool { owners.contains(node) }

    /// Whether both name the same node for each slot.
    func agrees(with other: SlotMap) -> Bool { owners == other.owners }

    func owner(of slot: Int) -> RedisHost? { owners[slot] }

    mutating func set(_ slot: Int, to node: RedisHost) {
        guard owners.indices.contains(slot) else { return }
        owners[slot] = node
        if !nodes.contains(node) { nodes.append(node) }
    }

    private static func host(_ value: RESPValue, _ node: RedisHost) -> RedisHost? {
        guard let parts = value.array, parts.count >= 2, let port = parts[1].integer else { return nil }
        let name = parts[0].string ?? ""
        return RedisHost(name.isEmpty || name == "?" ? node.host : name, Int(port))
    }
}
