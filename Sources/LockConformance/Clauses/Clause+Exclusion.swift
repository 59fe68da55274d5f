import LockStrategies
import Synchronization

extension Clause {
    static let exclusion = Clause(
        "exclusion", [1, 2], "No two clients hold one key at the same time, however many ask."
    ) { scene in
        let servers = try await scene.servers()
        let clients = [
            try await scene.client("A", on: servers), try await scene.client("B", on: servers),
        ]
        let book = HoldBook()
        let end = ContinuousClock.now + .milliseconds(1_500)
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<16 {
                group.addTask {
                    await take("counter", with: clients[number % 2], number, until: end, book)
                }
            }
        }
        if let (first, second) = book.overlap {
            for one in [first, second] {
                scene.trace.add(
                    one.who, "holds \"counter\"", "released by its holder", from: one.from, until: one.until)
            }
            throw Judged.failed("\(second.who) was granted the key while \(first.who) held it")
        }
        if let trouble = book.trouble { throw Judged.undecided(trouble) }
        if let lost = book.lost { throw Judged.failed(lost) }
        guard book.count >= 10 else {
            throw Judged.undecided("there were only \(book.count) grants in 1.5 s of 16 tasks")
        }
        try scene.demand(
            book.counter == book.count,
            "the counter under the lock is \(book.counter) after \(book.count) additions")
    }

    /// Read, pause, write a counter under the lock, again and again.
    private static func take(
        _ key: String, with client: SceneClient, _ number: Int, until end: ContinuousClock.Instant,
        _ book: HoldBook
    ) async {
        while ContinuousClock.now < end, book.isClean {
            let reply = await client.acquire(key, wait: .seconds(10), isNoted: false)
            guard let held = reply.held else {
                // Contended for 10 s by 15 others that hold it for a millisecond: nobody is served in turn.
                if !reply.isContended { book.trouble("\(client.name) was answered: \(reply.words)") }
                return
            }
            let hold = book.enter("\(client.name)\(number)")
            try? await Task.sleep(for: .milliseconds(1))
            book.leave(hold)
            let release = await client.release(held, key, isNoted: false)
            switch release {
            case .said(.released): break
            case .said:
                book.lose("\(client.name)\(number) held the key, and its release said \(release.words)")
            default: book.trouble("the release by \(client.name) was answered: \(release.words)")
            }
        }
    }

    static let separateKeys = Clause(
        "separate-keys", [8], "Different keys never block each other, whatever their names."
    ) { scene in
        let servers = try await scene.servers()
        let client = try await scene.client("A", on: servers)
        let names = [
            "a", "a:b", "a:{b}", "{a}:b", "재고", "e\u{301}", "\u{e9}", "a b", "A",
            String(repeating: "k", count: 500),
        ]
        var held: [(name: String, held: Held)] = []
        for name in names {
            let reply = await client.acquire(name)
            try scene.demand(
                !reply.isContended, "\"\(name)\" was contended while only other keys were held")
            guard let one = reply.held else {
                throw Judged.undecided(
                    "A asked for the free key \"\(name)\" and was answered: \(reply.words)")
            }
            held.append((name, one))
        }
        for (name, one) in held {
            let reply = await client.release(one, name)
            try scene.demand(
                reply.isReleased, "the release of \"\(name)\", which A held, said \(reply.words)")
        }
    }
}

/// Who was inside, and what was counted there.
private final class HoldBook: Sendable {
    struct Hold: Sendable {
        let number: Int
        let who: String
        let from: ContinuousClock.Instant
        var until: ContinuousClock.Instant
        let seen: Int
    }

    private struct State {
        var inside: [Int: Hold] = [:]
        var overlap: (Hold, Hold)?
        var count = 0
        var counter = 0
        var trouble: String?
        var lost: String?
    }

    private let state = Mutex(State())

    var overlap: (Hold, Hold)? { state.withLock(\.overlap) }
    var count: Int { state.withLock(\.count) }
    var counter: Int { state.withLock(\.counter) }
    var trouble: String? { state.withLock(\.trouble) }
    var lost: String? { state.withLock(\.lost) }
    var isClean: Bool { state.withLock { $0.overlap == nil && $0.trouble == nil && $0.lost == nil } }

    func enter(_ who: String) -> Hold {
        state.withLock { state in
            state.count += 1
            let hold = Hold(
                number: state.count, who: who, from: .now, until: .now, seen: state.counter)
            if let other = state.inside.values.first, state.overlap == nil { state.overlap = (other, hold) }
            state.inside[hold.number] = hold
            return hold
        }
    }

    func leave(_ hold: Hold) {
        state.withLock { state in
            state.inside[hold.number] = nil
            state.counter = hold.seen + 1
            if state.overlap?.0.number == hold.number { state.overlap?.0.until = .now }
            if state.overlap?.1.number == hold.number { state.overlap?.1.until = .now }
        }
    }

    func trouble(_ sentence: String) { state.withLock { $0.trouble = $0.trouble ?? sentence } }

    func lose(_ sentence: String) { state.withLock { $0.lost = $0.lost ?? sentence } }
}
