import Testing

@testable import LabServerKit

/// The decision alone, on times that the test says.
@Suite("How long a connection may take")
struct ConnectionPhaseTests {
    private static let start = ContinuousClock.now
    private static let limits = ConnectionPhase.Limits(
        head: .seconds(10), body: .seconds(20), total: .seconds(60), idle: .seconds(30))

    private func at(_ seconds: Int) -> ContinuousClock.Instant { Self.start + .seconds(seconds) }

    private func phase() -> ConnectionPhase { ConnectionPhase(Self.limits, at: Self.start) }

    @Test("Who has sent no whole headers is closed at the limit without a word, however often a byte came")
    func head() {
        let phase = phase()
        #expect(phase.verdict(at: at(9)) == .wait)
        #expect(phase.verdict(at: at(10)) == .close)
        #expect(!phase.isBusy)
    }

    @Test("A body that does not end is refused at its limit")
    func body() {
        var phase = phase()
        phase.headRead(at: at(5))
        #expect(phase.isBusy)
        #expect(phase.verdict(at: at(24)) == .wait)
        #expect(phase.verdict(at: at(25)) == .refuseRequest)
    }

    @Test("An answer that does not end is given up at the limit of the whole, which counts from the headers")
    func total() {
        var phase = phase()
        phase.headRead(at: at(5))
        phase.bodyRead(at: at(20))
        #expect(phase.verdict(at: at(64)) == .wait)
        #expect(phase.verdict(at: at(65)) == .giveUp)
        phase.answerBegun()
        #expect(phase.isAnswerBegun)
        #expect(phase.verdict(at: at(65)) == .giveUp)
    }

    @Test("Between two requests the limit of idling counts, from the answer's end; a new request begins anew")
    func idle() {
        var phase = phase()
        phase.headRead(at: at(5))
        phase.bodyRead(at: at(5))
        phase.answerBegun()
        phase.answerEnded(at: at(8))
        #expect(!phase.isBusy)
        #expect(phase.verdict(at: at(37)) == .wait)
        #expect(phase.verdict(at: at(38)) == .close)
        phase.headRead(at: at(37))
        #expect(!phase.isAnswerBegun)
        #expect(phase.verdict(at: at(56)) == .wait)
        #expect(phase.verdict(at: at(57)) == .refuseRequest)
    }

    @Test("A body that is still coming after its answer keeps the limit of bodies")
    func earlyAnswer() {
        var phase = phase()
        phase.headRead(at: at(0))
        phase.answerBegun()
        phase.answerEnded(at: at(1))
        #expect(phase.verdict(at: at(19)) == .wait)
        #expect(phase.verdict(at: at(20)) == .refuseRequest)
    }

    @Test("Connections are looked at often enough to keep the shortest limit within a quarter")
    func interval() {
        #expect(Self.limits.interval == .milliseconds(2500))
        var limits = Self.limits
        limits.idle = .milliseconds(1)
        #expect(limits.interval == .milliseconds(10))
    }
}
