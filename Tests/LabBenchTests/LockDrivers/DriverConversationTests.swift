import Testing

@testable import LockDrivers

@Suite("What is said with a driver")
struct DriverConversationTests {
    private static let start = ContinuousClock.now
    private static let acquire = DriverOperation.acquire(
        key: "a", ttlMilliseconds: 1000, waitMilliseconds: 2000)

    private func greeted() -> DriverConversation<Int> {
        var talk = DriverConversation<Int>(DriverLimits(), started: Self.start)
        let hello = DriverHello(name: "n", version: "1", abilities: ["fence", "something_new"])
        let events = talk.heard(DriverCoding.line(DriverLine(hello: hello))[...], at: Self.start)
        guard case .hello(hello) = events.first else {
            Issue.record("no hello")
            return talk
        }
        #expect(talk.hello?.has(.fence) == true && talk.hello?.has(.quorum) == false)
        return talk
    }

    private func request(_ line: [UInt8]) -> String {
        guard let said = try? DriverCoding.read(DriverRequest.self, line.dropLast()), let id = said.id else {
            return "no request"
        }
        return "\(id) \(said.op) \(said.key ?? "") \(said.handle ?? "")"
    }

    private func hear(_ text: String, _ talk: inout DriverConversation<Int>) -> [String] {
        talk.heard(Array(text.utf8)[...], at: Self.start).map { event in
            switch event {
            case .hello: "hello"
            case .answer(let answer, let waiter): "\(waiter): \(answer.result)"
            case .giveBack(let line): "give back by \(request(line))"
            case .failed(let error, let waiters): "\(error) \(waiters.sorted())"
            }
        }
    }

    @Test("is answered in any order, and fields that nobody knows are ignored")
    func anyOrder() {
        var talk = greeted()
        #expect(talk.ask(Self.acquire, 10, at: Self.start)?.id == 1)
        #expect(talk.ask(Self.acquire, 20, at: Self.start)?.id == 2)
        // Half a line, then the rest of it and another one.
        #expect(hear("{\"id\":2,\"result\":\"cont", &talk) == [])
        #expect(
            hear("ended\",\"mood\":{\"a\":[1]}}\n{\"result\":\"granted\",\"id\":1,\"handle\":\"h\"}\n", &talk)
                == ["20: contended", "10: granted"])
        #expect(talk.openCount == 0)
    }

    @Test("gives a grant back that nobody waits for any more, and forgets any other answer")
    func left() {
        var talk = greeted()
        _ = talk.ask(Self.acquire, 10, at: Self.start)
        #expect(talk.leave(1) == 10)
        #expect(talk.leave(1) == nil)
        let returned = hear("{\"id\":1,\"result\":\"granted\",\"handle\":\"h\"}\n", &talk)
        #expect(returned == ["give back by 2 release a h"])
        #expect(talk.openCount == 1, "at no moment between a grant and its return nothing is open")
        #expect(hear("{\"id\":2,\"result\":\"released\"}\n", &talk) == [])
        #expect(talk.openCount == 0)
        _ = talk.ask(Self.acquire, 20, at: Self.start)
        #expect(talk.leave(3) == 20)
        #expect(hear("{\"id\":3,\"result\":\"contended\"}\n", &talk) == [])
    }

    @Test("ends with the first fault, which everybody is told who waits, the one it is about included")
    func fault() {
        var talk = greeted()
        _ = talk.ask(Self.acquire, 10, at: Self.start)
        _ = talk.ask(Self.acquire, 20, at: Self.start)
        let told = hear("{\"id\":1,\"result\":\"extended\"}\n{\"id\":2,\"result\":\"contended\"}\n", &talk)
        #expect(told.count == 1 && told.first?.hasSuffix("[10, 20]") == true, "\(told)")
        #expect(talk.failure?.code == .wrongLine)
        #expect(talk.ask(Self.acquire, 30, at: Self.start) == nil)
        #expect(talk.heard(Array("garbage\n".utf8)[...], at: Self.start).isEmpty)
        #expect(talk.closed("ended with exit code 1", lastWords: nil).isEmpty)
    }

    @Test("waits for an acquisition as long as the driver may wait, and 10 s more")
    func patience() {
        var talk = greeted()
        _ = talk.ask(Self.acquire, 10, at: Self.start)
        #expect(talk.passed(to: Self.start + .milliseconds(11_999)).isEmpty)
        #expect(talk.passed(to: Self.start + .seconds(12)).count == 1)
        #expect(
            talk.failure?.description == "the driver did not answer request 1 (acquire \"a\") within 12 s")
        var silent = DriverConversation<Int>(DriverLimits(), started: Self.start)
        #expect(silent.passed(to: Self.start + .milliseconds(9_999)).isEmpty)
        #expect(silent.passed(to: Self.start + .seconds(10)).count == 1)
        #expect(silent.failure?.code == .noHello)
    }

    @Test("takes a line of 64 KiB and no longer one, with its newline or without", arguments: [0, 1])
    func longest(more: Int) {
        var talk = greeted()
        _ = talk.ask(Self.acquire, 10, at: Self.start)
        let frame = "{\"id\":1,\"result\":\"error\",\"message\":\"\"}"
        let text = String(repeating: "m", count: 65_536 - frame.utf8.count + more)
        let line = frame.replacing("\"\"", with: "\"\(text)\"")
        #expect(line.utf8.count == 65_536 + more)
        let told = hear(line, &talk) + hear("\n", &talk)
        #expect(told.count == 1)
        #expect((talk.failure == nil) == (more == 0), "\(told)")
    }
}
