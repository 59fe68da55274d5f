package import LockStrategies

/// Speaks with a driver as the bench does, and says what is wrong with it.
///
/// Two processes of the driver run beside each other, so that it is seen whether the lock excludes between
/// processes. Each step tells one sentence.
package struct DriverCheck: Sendable {
    private let command: [String]
    private let redis: [String]
    private let environment: [String: String]
    private let limits: DriverLimits
    /// Keys of this check begin with it, so that two checks on one Redis do not meet.
    private let prefix: String

    package init(
        _ command: [String], redis: [String], environment: [String: String],
        limits: DriverLimits = DriverLimits(), random: RandomSource = .system
    ) {
        self.command = command
        self.redis = redis
        self.environment = environment
        self.limits = limits
        prefix = "lab-driver-check:\(LeaseToken(random: random)):"
    }

    /// - Parameter tell: Gets a sentence for each step that was right.
    /// - Throws: The first thing that is wrong. No process is left, whatever happens.
    package func run(_ tell: @Sendable (String) -> Void) async throws(DriverError) {
        let fleet = try await DriverFleet.start(
            command, count: 2, redis: redis, environment: environment, limits: limits)
        let (one, other) = (fleet.processes[0], fleet.processes[1])
        do throws(DriverError) {
            tell(greeting(fleet.hello))
            let steps = Steps(one: one, other: other, hello: fleet.hello, prefix: prefix)
            try await steps.all(tell)
            if let wrong = await one.stop(.quit) { throw wrong }
            if let wrong = await other.stop(.endOfInput) { throw wrong }
            tell("end: one process ended after quit, the other at the end of its standard input, both with 0")
        } catch {
            for process in fleet.processes { await process.kill() }
            throw error
        }
    }

    private func greeting(_ hello: DriverHello) -> String {
        let abilities = hello.abilities.isEmpty ? "no abilities" : hello.abilities.joined(separator: ", ")
        return "hello: \(hello.name) \(hello.version), \(hello.setting ?? "no setting"); \(abilities)"
    }
}

/// The steps, on two processes of one driver.
private struct Steps: Sendable {
    let one: DriverProcess
    let other: DriverProcess
    let hello: DriverHello
    let prefix: String
    /// Of a lease that nobody waits for the end of.
    private static let long: Int64 = 10_000
    private static let many = 100

    func all(_ tell: @Sendable (String) -> Void) async throws(DriverError) {
        try await exclusion()
        tell("exclusion: a held key is contended, in the same process and in another one")
        try await repeatedRelease()
        tell("release: a second release of one lease is answered, and leaves the next holder alone")
        try await waiting()
        tell("waiting: an acquisition that waits lets other requests pass, and gets the key after a release")
        try await expiry()
        tell("expiry: a lease ends after its ttl_ms, and its late release does not hit the next holder")
        if hello.has(.extend) {
            try await extending()
            tell("extend: a held lease is extended, one that was released is not")
        }
        if hello.has(.fence) {
            try await fencing()
            tell("fence: the numbers of grants rise over both processes")
        }
        try await manyAtOnce()
        tell("many at once: \(Self.many) requests open, each answered once")
    }

    // MARK: Asking

    private func ask(
        _ process: DriverProcess, _ operation: DriverOperation, whenSent: @Sendable () -> Void = {}
    ) async throws(DriverError) -> DriverAnswer {
        let answer: DriverAnswer
        do throws(DriverSilence) {
            answer = try await process.ask(operation, whenSent: whenSent)
        } catch {
            switch error {
            case .unsent(let error), .unanswered(let error): throw error
            case .cancelled: throw DriverError(.interrupted, "the check was interrupted")
            }
        }
        guard answer.result != .error else {
            throw DriverError(
                .wrongLock, "the driver answered \(operation.words) with an error: \(answer.message)")
        }
        return answer
    }

    private func acquire(
        _ process: DriverProcess, _ key: String, ttl: Int64 = long, wait: Int64 = 0,
        whenSent: @Sendable () -> Void = {}
    ) async throws(DriverError) -> DriverAnswer {
        try await ask(
            process,
            .acquire(key: prefix + key, ttlMilliseconds: ttl, waitMilliseconds: wait), whenSent: whenSent)
    }

    /// - Parameter when: For the sentence, when it is not granted.
    private func grant(
        _ process: DriverProcess, _ key: String, ttl: Int64 = long, wait: Int64 = 0, when: String
    ) async throws(DriverError) -> DriverAnswer {
        let answer = try await acquire(process, key, ttl: ttl, wait: wait)
        guard answer.result == .granted else {
            throw DriverError(
                .wrongLock, "the driver answered \"\(answer.result.rawValue)\" to acquire \(when)")
        }
        return answer
    }

    private func release(
        _ process: DriverProcess, _ key: String, _ grant: DriverAnswer
    ) async throws(DriverError) -> DriverResult {
        try await ask(process, .release(key: prefix + key, handle: grant.handle)).result
    }

    private func giveBack(
        _ process: DriverProcess, _ key: String, _ grant: DriverAnswer
    ) async throws(DriverError) {
        let result = try await release(process, key, grant)
        guard result == .released else {
            throw DriverError(
                .wrongLock, "the driver answered \"\(result.rawValue)\" to the release of a key that it holds"
            )
        }
    }

    private func refuse(
        _ process: DriverProcess, _ key: String, while holder: String
    ) async throws(DriverError) {
        let answer = try await acquire(process, key)
        guard answer.result == .contended else {
            throw DriverError(.wrongLock, "the driver granted a key while \(holder)")
        }
    }

    // MARK: What is judged

    private func exclusion() async throws(DriverError) {
        let held = try await grant(one, "exclusion", when: "of a free key")
        try await refuse(one, "exclusion", while: "the same process held it")
        try await refuse(other, "exclusion", while: "another process held it")
        let beside = try await grant(other, "exclusion beside", when: "of another key, which is free")
        try await giveBack(other, "exclusion beside", beside)
        try await giveBack(one, "exclusion", held)
        let next = try await grant(other, "exclusion", when: "of a key that was released")
        try await giveBack(other, "exclusion", next)
    }

    private func repeatedRelease() async throws(DriverError) {
        let held = try await grant(one, "release", when: "of a free key")
        try await giveBack(one, "release", held)
        // What it is answered says nothing: some libraries cannot tell "released" from "absent".
        _ = try await release(one, "release", held)
        let next = try await grant(other, "release", when: "of a key that was released")
        _ = try await release(one, "release", held)
        try await refuse(
            one, "release",
            while: "another process held it: a second release of one lease has hit the next holder")
        try await giveBack(other, "release", next)
    }

    private func waiting() async throws(DriverError) {
        let held = try await grant(one, "waiting", when: "of a free key")
        let (isSent, sent) = AsyncStream<Void>.makeStream()
        async let later = waiter(sent)
        for await _ in isSent {}
        let beside = try await grant(
            one, "waiting beside", when: "of a free key, while another acquisition waited")
        try await giveBack(one, "waiting beside", beside)
        let result = try await release(one, "waiting", held)
        let answer = try await later.get()
        guard result == .released, answer.result == .granted else {
            throw DriverError(
                .wrongLock,
                "the driver answered \"\(result.rawValue)\" to a release, and \"\(answer.result.rawValue)\" to the "
                    + "acquisition that waited 5 s for it: a request must not wait for the one before it")
        }
        try await giveBack(one, "waiting", answer)
    }

    private func waiter(
        _ sent: AsyncStream<Void>.Continuation
    ) async -> Result<DriverAnswer, DriverError> {
        defer { sent.finish() }
        do throws(DriverError) {
            return .success(try await acquire(one, "waiting", wait: 5_000) { sent.finish() })
        } catch {
            return .failure(error)
        }
    }

    private func expiry() async throws(DriverError) {
        let old = try await grant(one, "expiry", ttl: 1_000, when: "of a free key")
        let new = try await grant(
            other, "expiry", wait: 5_000, when: "with wait_ms 5000, while the holder's ttl_ms of 1000 ended")
        guard try await release(one, "expiry", old) != .released else {
            throw DriverError(
                .wrongLock, "the driver answered \"released\" to a release after the lease had ended")
        }
        try await refuse(
            one, "expiry", while: "another process held it: a late release has hit the next holder")
        try await giveBack(other, "expiry", new)
    }

    private func extending() async throws(DriverError) {
        let held = try await grant(one, "extend", when: "of a free key")
        let operation = DriverOperation.extend(
            key: prefix + "extend", handle: held.handle, ttlMilliseconds: Self.long)
        let first = try await ask(one, operation).result
        guard first == .extended else {
            throw DriverError(
                .wrongLock,
                "the driver has the ability extend, and answered \"\(first.rawValue)\" to the extension of a held lease"
            )
        }
        try await giveBack(one, "extend", held)
        guard try await ask(one, operation).result != .extended else {
            throw DriverError(.wrongLock, "the driver extended a lease that was released")
        }
        let next = try await grant(
            other, "extend", when: "of a free key, after an extension that came too late")
        try await giveBack(other, "extend", next)
    }

    private func fencing() async throws(DriverError) {
        var newest: Int64?
        for process in [one, other, one] {
            let held = try await grant(process, "fence", when: "of a free key")
            guard let fence = held.fence else {
                throw DriverError(.wrongLock, "the driver has the ability fence, and granted without a fence")
            }
            if let newest, fence <= newest {
                throw DriverError(
                    .wrongLock, "the driver's fence fell from \(newest) to \(fence), and it must rise")
            }
            newest = fence
            try await giveBack(process, "fence", held)
        }
    }

    private func manyAtOnce() async throws(DriverError) {
        let results = await withTaskGroup(of: Result<Void, DriverError>.self) { group in
            for number in 0..<Self.many {
                let process = number % 2 == 0 ? one : other
                group.addTask {
                    do throws(DriverError) {
                        let held = try await grant(
                            process, "many \(number)", wait: 5_000, when: "of a free key, among 100 at once")
                        return .success(try await giveBack(process, "many \(number)", held))
                    } catch {
                        return .failure(error)
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        for result in results { try result.get() }
    }
}
