import Testing

@testable import RedisClient

/// The decisions about subscriptions, without a connection.
@Suite("The table of subscriptions")
struct SubscriptionTableTests {
    private let away = RedisError(.unavailable, "away")

    /// What the actions are, in words.
    private func words(_ actions: [SubscriptionTable.Action]) -> [String] {
        actions.map { action in
            switch action {
            case .connect: "connect"
            case .rest(let failures): "rest \(failures)"
            case .subscribe(let channel, _): "subscribe \(channel)"
            case .unsubscribe(let channel): "unsubscribe \(channel)"
            case .disconnect: "disconnect"
            case .tell(let handlers, let event): "tell \(handlers.count) \(event)"
            case .finish(let waiting, .success): "confirm \(waiting.count)"
            case .finish(let waiting, .failure(let error)): "fail \(waiting.count) \(error.code.rawValue)"
            }
        }
    }

    private func generation(_ actions: [SubscriptionTable.Action]) -> Int? {
        for case .subscribe(_, let generation) in actions { return generation }
        return nil
    }

    /// One confirmed subscriber of "a".
    private func standing() throws -> (SubscriptionTable, id: Int) {
        var table = SubscriptionTable()
        let added = table.add("a", Completion()) { _ in }
        #expect(words(added.actions) == ["connect"])
        let connected = table.didConnect()
        #expect(words(connected) == ["subscribe a"])
        let confirmed = table.didConfirm("a", generation: try #require(generation(connected)))
        #expect(words(confirmed) == ["confirm 1"])
        return (table, added.id)
    }

    @Test("a second subscriber of a channel asks the server nothing; the last to leave ends all")
    func counted() throws {
        var (table, first) = try standing()
        let second = table.add("a", Completion()) { _ in }
        #expect(words(second.actions) == ["confirm 1"])
        let other = table.add("b", Completion()) { _ in }
        #expect(words(other.actions) == ["subscribe b"])
        #expect(words(table.remove(first, from: "a")).isEmpty)
        #expect(words(table.remove(first, from: "a")).isEmpty, "twice does nothing")
        #expect(words(table.remove(second.id, from: "a")) == ["unsubscribe a"])
        #expect(words(table.remove(other.id, from: "b")) == ["disconnect"])
        #expect(table.isEmpty)
        let again = table.add("a", Completion()) { _ in }
        #expect(words(again.actions) == ["connect"])
    }

    @Test("an answer to an older SUBSCRIBE of the same channel confirms nothing")
    func generations() throws {
        var (table, first) = try standing()
        _ = table.add("keep", Completion()) { _ in }
        _ = table.remove(first, from: "a")
        let second = table.add("a", Completion()) { _ in }
        let old = try #require(generation(second.actions))
        _ = table.remove(second.id, from: "a")
        let third = table.add("a", Completion()) { _ in }
        #expect(words(table.didConfirm("a", generation: old)).isEmpty)
        let new = try #require(generation(third.actions))
        #expect(words(table.didConfirm("a", generation: new)) == ["confirm 1"])
    }

    @Test(
        "a lost connection is told once, then connected again after a pause that grows, then told to be back")
    func lost() throws {
        var (table, _) = try standing()
        #expect(words(table.didLoseConnection()) == ["tell 1 interrupted", "rest 1"])
        #expect(words(table.retry()) == ["connect"])
        #expect(words(table.didNotConnect(away)) == ["rest 2"])
        #expect(words(table.retry()) == ["connect"])
        // A new subscriber waits for the same confirmation, and was never interrupted.
        _ = table.add("a", Completion()) { _ in }
        let back = table.didConnect()
        #expect(words(back) == ["subscribe a"])
        // Lost again before the server confirmed: nobody is told a second time.
        #expect(words(table.didLoseConnection()) == ["rest 3"])
        _ = table.retry()
        let good = try #require(generation(table.didConnect()))
        #expect(words(table.didConfirm("a", generation: good)) == ["tell 1 restored", "confirm 1"])
    }

    @Test("who waits for a first confirmation is told that there is no server; who stood before stays")
    func noServer() throws {
        var (table, id) = try standing()
        _ = table.didLoseConnection()
        _ = table.add("b", Completion()) { _ in }
        _ = table.retry()
        #expect(words(table.didNotConnect(away)) == ["fail 1 unavailable", "rest 2"])
        #expect(table.handlers(of: "b").isEmpty)
        #expect(table.handlers(of: "a").count == 1)
        // Nobody is left: no more attempts.
        _ = table.remove(id, from: "a")
        #expect(words(table.retry()).isEmpty)
    }

    @Test("all leave while it connects: the connection is given up")
    func leftWhileConnecting() {
        var table = SubscriptionTable()
        let added = table.add("a", Completion()) { _ in }
        _ = table.remove(added.id, from: "a")
        #expect(words(table.didConnect()) == ["disconnect"])
    }

    @Test("a refused channel fails its subscribers; the connection goes when nothing else stands")
    func refused() throws {
        var table = SubscriptionTable()
        _ = table.add("a", Completion()) { _ in }
        let asked = try #require(generation(table.didConnect()))
        let actions = table.didRefuse("a", generation: asked, RedisError(.refused, "no"))
        #expect(words(actions) == ["fail 1 refused", "disconnect"])
    }

    @Test("after closing nothing is taken and nothing is done")
    func closed() throws {
        var (table, _) = try standing()
        _ = table.add("b", Completion()) { _ in }
        #expect(words(table.close()) == ["fail 1 unavailable", "disconnect"])
        #expect(words(table.retry()).isEmpty)
        #expect(words(table.didLoseConnection()).isEmpty)
        #expect(words(table.add("c", Completion()) { _ in }.actions) == ["fail 1 unavailable"])
    }
}
