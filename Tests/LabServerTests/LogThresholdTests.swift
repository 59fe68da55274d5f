import Foundation
import HTTPTypes
import LabProcesses
import LabTesting
import Logging
import Synchronization
import Testing

@testable import LabServerKit

/// The level of the log, changed while the server runs.
@Suite struct LogThresholdTests {
    @Test("A level holds until another is set; one that was set for a while gives way to the one before")
    func levels() {
        let clock = Mutex(ContinuousClock.now)
        let threshold = LogThreshold(.notice, now: { clock.withLock { $0 } })
        #expect(threshold.reading == .init(level: .notice))
        threshold.set(.info)
        #expect(threshold.level == .info)
        threshold.set(.debug, for: .seconds(10))
        #expect(threshold.level == .debug)
        clock.withLock { $0 += .seconds(4) }
        #expect(
            threshold.reading == .init(level: .debug, next: .init(level: .info, after: .seconds(6))))
        threshold.set(.trace, for: .seconds(10))
        clock.withLock { $0 += .seconds(9) }
        #expect(threshold.level == .trace)
        clock.withLock { $0 += .seconds(1) }
        #expect(threshold.level == .info)
        #expect(threshold.reading == .init(level: .info))
        threshold.set(.debug, for: .seconds(10))
        threshold.set(.error)
        clock.withLock { $0 += .seconds(60) }
        #expect(threshold.level == .error)
    }

    @Test("A logger follows the shared level, unless it was given one of its own")
    func loggers() {
        let threshold = LogThreshold(.notice)
        let lines = Recorder<String>()
        let following = Logger(label: "a") {
            LineLogHandler(label: $0, format: .text, threshold: threshold) { lines.note($0) }
        }
        var own = following
        own.logLevel = .error
        following.info("not yet")
        threshold.set(.debug)
        following.info("now")
        own.info("never")
        #expect(lines.values.count == 1 && lines.values.first?.contains("now") == true)
        #expect(following.logLevel == .debug && own.logLevel == .error)
    }

    @Test(
        "An administrator changes the level of a running process, for a while or for good, and the log says so"
    )
    func route() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-level")
        try await RunningServer.run(
            database: directory.file("l.sqlite"), units: 100,
            administrator: "root", arguments: ["--log-format", "json", "--log-level", "notice"]
        ) { server async throws in
            let admin = try await server.buyer.logIn("root")
            let path = "/api/admin/log-level"
            #expect(try await server.buyer.send(.put, path, #"{"level":"debug"}"#).status == 403)
            let before = try await admin.send(.get, path)
            #expect(before.body["level"] as? String == "notice" && before.body["next_level"] is NSNull)
            for (body, field) in [
                (#"{"level":"loud"}"#, "level"), (#"{"level":"DEBUG"}"#, "level"), ("{}", "level"),
                (#"{"level":"debug","duration_s":0}"#, "duration_s"),
                (#"{"level":"debug","duration_s":86401}"#, "duration_s"),
                (#"{"level":"debug","duration_s":null}"#, "duration_s"),
            ] {
                let refused = try await admin.send(.put, path, body)
                #expect(refused.status == 422 && refused.body["field"] as? String == field, "\(body)")
                if body.contains("loud") {
                    let detail = refused.body["detail"] as? String ?? ""
                    for level in Logger.Level.allCases { #expect(detail.contains(level.rawValue)) }
                }
            }
            #expect(try await server.buyer.buy(server.product, headers: [.requestID: "unseen"]).status == 200)
            let set = try await admin.send(.put, path, #"{"level":"info","duration_s":86400}"#)
            #expect(set.status == 200 && set.body["level"] as? String == "info")
            #expect(set.body["next_level"] as? String == "notice")
            #expect((set.body["next_in_s"] as? Int).map { (1...86_400).contains($0) } == true)
            #expect(try await server.buyer.buy(server.product, headers: [.requestID: "seen"]).status == 200)
            #expect(try await admin.send(.put, path, #"{"level":"error"}"#).status == 200)
            #expect(try await server.buyer.buy(server.product, headers: [.requestID: "late"]).status == 200)
            // Lines come in their order, and the audit's is written before the answer.
            let audits = try await server.events("admin_action", atLeast: 2)
            #expect(audits.map { $0["log_level"] as? String } == ["info", "error"])
            #expect(audits.map { $0["duration_s"] as? String } == ["86400", "lasting"])
            #expect(audits.allSatisfy { $0["user_id"] is String && $0["request_id"] is String })
            #expect(
                try await server.events("purchase", atLeast: 1).map { $0["request_id"] as? String } == [
                    "seen"
                ])
        }
        directory.remove()
    }
}
