/// The name of a lock.
public struct LockKey: Sendable, Hashable, CustomStringConvertible {
    public let description: String

    /// A lock of any name. Two names that differ in a byte are two locks.
    public init(_ name: String) {
        description = name
    }

    // Redis compares bytes; two Strings are equal when they look the same.
    public static func == (left: LockKey, right: LockKey) -> Bool {
        left.description.utf8.elementsEqual(right.description.utf8)
    }

    public func hash(into hasher: inout Hasher) {
        for byte in description.utf8 { hasher.combine(byte) }
    }

    /// The key that counts the grants of this lock. It shares the lock's hash tag, so both are in one slot.
    var fence: String {
        guard let open = description.firstIndex(of: "{") else { return "fence:{\(description)}" }
        let tag = description[description.index(after: open)...]
        guard let close = tag.firstIndex(of: "}"), close > tag.startIndex else {
            // A brace that opens no tag: Redis hashes the whole name, and no other key can share its slot.
            return "fence:" + description
        }
        return "fence:{\(tag[..<close])}"
    }
}

/// Names of everything that Redis holds for one product, or for one bucket of its stock.
///
/// The braces are Cluster hash tags: all keys of a product, or of a bucket, live in one slot, so one script
/// may use them. Bucket 0 has the keys of a stock that is not divided.
public struct ProductKeys: Sendable, Hashable {
    /// The part that decides the slot. A name is made of it when it is asked for: a call needs few of them.
    private let tag: String

    /// - Parameters:
    ///   - product: Whose keys they are.
    ///   - bucket: From 0 on; 0 where the stock is not divided.
    public init(_ product: ProductID, bucket: Int = 0) {
        tag = "{" + product.description + (bucket == 0 ? "}" : ":" + String(bucket) + "}")
    }

    /// String, a whole number: units that can still be sold.
    public var stock: String { "stock:" + tag }
    /// Hash: open reservations, id → units and the stock after.
    public var reservations: String { "reservations:" + tag }
    /// String: which filling of the stock this is.
    public var epoch: String { "epoch:" + tag }
    /// String, the token of the holder.
    public var lock: LockKey { LockKey("lock:stock:" + tag) }
    /// String, the number of the lock's newest grant.
    public var fence: String { "fence:" + tag }
    /// Hash: the move of units out of this bucket.
    var moves: String { "moves:" + tag }
    /// Hash: the moves that arrived in this bucket.
    var moved: String { "moved:" + tag }
    /// String: the other buckets are known to be empty.
    var drained: String { "drained:" + tag }

    /// String that stands for a time after a reservation ended without a sale, and refuses one that comes
    /// after its return. Redis removes it, so there are never more than were made in that time.
    func ended(_ id: ReservationID) -> String { "ended:" + tag + ":" + id.description }

    /// How long the mark of an ended reservation stands: far longer than a call that made it can be under
    /// way.
    static let endedHoldsMilliseconds = "3600000"

    /// The product whose stock this lock protects; nil for a lock of another name.
    public static func product(of lock: LockKey) -> ProductID? {
        let name = lock.description
        guard name.hasPrefix("lock:stock:{"), name.hasSuffix("}") else { return nil }
        return Int64(name.dropFirst("lock:stock:{".count).dropLast()).map { ProductID($0) }
    }
}
