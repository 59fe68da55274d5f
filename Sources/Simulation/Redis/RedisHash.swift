/// The fields of a hash, which keep the order in which they were first set.
struct RedisHash: Sendable {
    private struct Slot: Sendable {
        let position: Int
        var value: String
    }

    private var slots: [String: Slot] = [:]
    private var nextPosition = 0

    var count: Int { slots.count }

    subscript(field: String) -> String? { slots[field]?.value }

    /// Sets a field.
    ///
    /// - Returns: Whether the field is new.
    mutating func set(_ field: String, to value: String) -> Bool {
        if slots[field] != nil {
            slots[field]?.value = value
            return false
        }
        slots[field] = Slot(position: nextPosition, value: value)
        nextPosition += 1
        return true
    }

    /// Removes a field.
    ///
    /// - Returns: Whether it was there.
    mutating func remove(_ field: String) -> Bool {
        slots.removeValue(forKey: field) != nil
    }

    var inOrder: [(field: String, value: String)] {
        slots.sorted { $0.value.position < $1.value.position }.map { (field: $0.key, value: $0.value.value) }
    }

    var sorted: [(field: String, value: String)] {
        slots.sorted { $0.key < $1.key }.map { (field: $0.key, value: $0.value.value) }
    }
}
