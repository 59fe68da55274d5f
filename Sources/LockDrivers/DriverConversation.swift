import Foundation

/// What is said between the bench and one driver process: lines and the time in, what to do out. It has no
/// process and no clock.
struct DriverConversation<Waiter: Sendable>: Sendable {
    enum Event: Sendable {
        case hello(DriverHello)
        case answer(DriverAnswer, Waiter)
        /// A grant that nobody waits for any more: its release is open, and its line has to be sent.
        case giveBack(line: [UInt8])
        /// The driver is finished: it has to be killed.
        case failed(DriverError, [Waiter])
    }

    private struct Open: Sendable {
        let operation: DriverOperation
        /// Nil: nobody waits any more.
        var waiter: Waiter?
        let deadline: ContinuousClock.Instant
    }

    private let limits: DriverLimits
    private let helloDeadline: ContinuousClock.Instant
    private(set) var hello: DriverHello?
    private(set) var failure: DriverError?
    private var nextID = 1
    private var open: [Int: Open] = [:]
    /// The begin of a line whose newline has not come.
    private var partial: [UInt8] = []
    /// It was asked to end: the end of its output is no fault now.
    private var isEnding = false

    init(_ limits: DriverLimits, started: ContinuousClock.Instant) {
        self.limits = limits
        helloDeadline = started + limits.hello
    }

    var openCount: Int { open.count }

    /// - Returns: The id and the line to send; nil after a failure.
    mutating func ask(
        _ operation: DriverOperation, _ waiter: Waiter?, at now: ContinuousClock.Instant
    ) -> (id: Int, line: [UInt8])? {
        guard failure == nil else { return nil }
        let id = nextID
        nextID += 1
        open[id] = Open(
            operation: operation, waiter: waiter, deadline: now + operation.patience(limits))
        return (id, DriverCoding.line(DriverRequest(id, operation)))
    }

    /// The caller does not wait any more; the request stays open.
    ///
    /// - Returns: Nil when it was answered already.
    mutating func leave(_ id: Int) -> Waiter? {
        defer { open[id]?.waiter = nil }
        return open[id]?.waiter
    }

    mutating func end() { isEnding = true }

    mutating func heard(_ bytes: ArraySlice<UInt8>, at now: ContinuousClock.Instant) -> [Event] {
        var events: [Event] = []
        var rest = bytes
        while failure == nil, let end = rest.firstIndex(of: 0x0A) {
            let line = partial.isEmpty ? rest[..<end] : (partial + rest[..<end])[...]
            partial = []
            rest = rest[(end + 1)...]
            events += take(line, at: now)
        }
        guard failure == nil else { return events }
        partial += rest
        if partial.count > limits.line { events.append(failed(tooLong)) }
        return events
    }

    /// Its standard output has ended, while it runs or because it has ended.
    mutating func closed(_ how: String, lastWords: String?) -> [Event] {
        guard failure == nil, !(isEnding && open.isEmpty) else { return [] }
        let when: String
        if hello == nil {
            when = " before its hello"
        } else {
            when = open.isEmpty ? " before it was asked to end" : ", and \(openWords) open"
        }
        var sentence = "the driver \(how)\(when)"
        if !partial.isEmpty {
            sentence += "; its last line has no newline at its end: \(DriverError.quoted(partial))"
        }
        if let lastWords { sentence += "; the last line of its log is: \(lastWords)" }
        return [failed(DriverError(.gone, sentence))]
    }

    /// It does not read what the bench sends: it closed its standard input, or it has ended, which is said in
    /// a moment.
    mutating func closedInput() -> [Event] {
        guard failure == nil else { return [] }
        return [
            failed(
                DriverError(
                    .gone,
                    "the driver closed its standard input before it was asked to end, and \(openWords) open"))
        ]
    }

    /// Time has passed.
    mutating func passed(to now: ContinuousClock.Instant) -> [Event] {
        guard failure == nil else { return [] }
        if hello == nil {
            guard now >= helloDeadline else { return [] }
            let end =
                partial.isEmpty
                ? "it says {\"hello\":…} first"
                : "its first line has no newline at its end: \(DriverError.quoted(partial))"
            return [
                failed(
                    DriverError(
                        .noHello,
                        "the driver said no hello within \(DriverError.time(limits.hello)) of its start; \(end)"
                    ))
            ]
        }
        guard let late = open.filter({ $0.value.deadline <= now }).min(by: { $0.key < $1.key }) else {
            return []
        }
        var sentence =
            "the driver did not answer request \(late.key) (\(late.value.operation.words)) within "
            + DriverError.time(late.value.operation.patience(limits))
        if !partial.isEmpty {
            sentence += "; its last line has no newline at its end: \(DriverError.quoted(partial))"
        }
        return [failed(DriverError(.unanswered, sentence))]
    }

    private var openWords: String {
        open.count == 1 ? "1 request was" : "\(open.count) requests were"
    }

    private var tooLong: DriverError {
        DriverError(.wrongLine, "the driver wrote a line of more than \(limits.line) bytes")
    }

    mutating func failed(_ error: DriverError) -> Event {
        failure = error
        defer { open = [:] }
        return .failed(error, open.values.compactMap(\.waiter))
    }
}

extension DriverConversation {
    private mutating func take(_ bytes: ArraySlice<UInt8>, at now: ContinuousClock.Instant) -> [Event] {
        guard bytes.count <= limits.line else { return [failed(tooLong)] }
        do throws(DriverError) {
            let line = try DriverCoding.read(bytes)
            guard hello != nil else { return [try greet(line, bytes)] }
            guard line.hello == nil else {
                throw DriverError(.wrongLine, "the driver said hello a second time")
            }
            return try answer(line, bytes, at: now)
        } catch {
            return [failed(error)]
        }
    }

    private mutating func greet(_ line: DriverLine, _ bytes: ArraySlice<UInt8>) throws(DriverError) -> Event {
        guard let said = line.hello else {
            throw DriverError(
                .wrongLine,
                "the first line of the driver must be its hello, and is: \(DriverError.quoted(bytes))")
        }
        guard said.protocol == DriverLimits.protocolVersion else {
            throw DriverError(
                .wrongLine,
                "the driver speaks protocol \(said.protocol), and lab-bench speaks protocol \(DriverLimits.protocolVersion)"
            )
        }
        hello = said
        return .hello(said)
    }

    private mutating func answer(
        _ line: DriverLine, _ bytes: ArraySlice<UInt8>, at now: ContinuousClock.Instant
    ) throws(DriverError) -> [Event] {
        guard let id = line.id else {
            throw DriverError(
                .wrongLine, "the driver wrote an answer without an id: \(DriverError.quoted(bytes))")
        }
        guard let asked = open.removeValue(forKey: id) else {
            throw DriverError(
                .wrongLine,
                (1..<nextID).contains(id)
                    ? "the driver answered request \(id) twice"
                    : "the driver answered request \(id), which nobody asked")
        }
        do throws(DriverError) {
            let answer = try checked(line, id, asked.operation, at: now)
            if let waiter = asked.waiter { return [.answer(answer, waiter)] }
            guard answer.result == .granted else { return [] }
            // Open in the same step, so that at no moment nothing seems to be under way.
            let release = DriverOperation.release(key: asked.operation.key, handle: answer.handle)
            return ask(release, nil, at: now).map { [.giveBack(line: $0.line)] } ?? []
        } catch {
            // Its caller is told why, as the others are.
            open[id] = asked
            throw error
        }
    }

    private func checked(
        _ line: DriverLine, _ id: Int, _ operation: DriverOperation, at now: ContinuousClock.Instant
    ) throws(DriverError) -> DriverAnswer {
        func wrong(_ what: String) -> DriverError {
            DriverError(.wrongLine, "the driver's answer to request \(id) (\(operation.words)) \(what)")
        }
        guard let word = line.result else { throw wrong("has no result") }
        guard let result = DriverResult(rawValue: word), operation.results.contains(result) else {
            let known = operation.results.map(\.rawValue).joined(separator: ", ")
            throw wrong("is \"\(DriverError.quoted(word.utf8))\", and must be one of \(known)")
        }
        if result == .granted {
            guard let handle = line.handle else { throw wrong("has no handle") }
            guard handle.utf8.count <= limits.handle else {
                throw wrong("has a handle of \(handle.utf8.count) bytes, and \(limits.handle) are allowed")
            }
        }
        if result == .error && line.message == nil { throw wrong("is an error without a message") }
        if let validity = line.validityMilliseconds {
            let most: Int64
            switch operation {
            case .acquire(_, let ttl, _), .extend(_, _, let ttl): most = ttl
            case .release: most = .max
            }
            guard validity <= most else {
                throw wrong("has a validity_ms of \(validity), which is more than its ttl_ms of \(most)")
            }
        }
        return DriverAnswer(
            result: result, handle: line.handle ?? "", fence: line.fence,
            validityMilliseconds: line.validityMilliseconds, message: line.message ?? "",
            isUnknown: line.unknown ?? false, arrival: now)
    }
}
