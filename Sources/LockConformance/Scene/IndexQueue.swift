import Synchronization

/// Places of a list, each handed out once.
final class IndexQueue: Sendable {
    private let count: Int
    private let next = Atomic<Int>(0)

    init(_ count: Int) { self.count = count }

    func take() -> Int? {
        let place = next.wrappingAdd(1, ordering: .relaxed).oldValue
        return place < count ? place : nil
    }
}
