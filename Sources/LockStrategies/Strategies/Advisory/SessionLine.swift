/// Which task of this process may ask PostgreSQL for a lock, or holds it: the first in the line of each key.
/// Pure: whoever keeps it wakes those that it names.
struct SessionLine<Waiter> {
    struct Place: Hashable, Sendable {
        let key: LockKey
        let number: UInt64
    }

    private var lines: [LockKey: [(place: Place, waiter: Waiter)]] = [:]
    private var last: UInt64 = 0

    mutating func enter(_ key: LockKey, _ waiter: Waiter) -> Place {
        last += 1
        let place = Place(key: key, number: last)
        lines[key, default: []].append((place, waiter))
        return place
    }

    func isFirst(_ place: Place) -> Bool { lines[place.key]?.first?.place == place }

    /// - Returns: Who is first now, when the one who left was.
    mutating func leave(_ place: Place) -> Waiter? {
        guard let index = lines[place.key]?.firstIndex(where: { $0.place == place }) else { return nil }
        lines[place.key]?.remove(at: index)
        if lines[place.key]?.isEmpty == true { lines[place.key] = nil }
        return index == 0 ? lines[place.key]?.first?.waiter : nil
    }

    func count(of key: LockKey) -> Int { lines[key]?.count ?? 0 }
}
