import ArgumentParser
import Foundation
import InventoryService
import LabProcesses
import LockStrategies
import Logging

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Serve the API until SIGTERM or Ctrl-C.")

    @OptionGroup var options: ServeOptions

    func run() async throws {
        let plan = try ServePlan(
            options.values, crashAt: ProcessInfo.processInfo.environment["LAB_CRASH_AT"])
        let threshold = LogThreshold(plan.logLevel)
        let sink = LogSink(
            notice: { Self.notice(missing: $0, plan) }, write: { try plan.logOutput.stream.write($0) })
        LoggingSystem.bootstrap {
            LineLogHandler(label: $0, format: plan.logFormat, threshold: threshold, write: sink.put)
        }
        let server = Server(
            plan: plan, logger: Logger(label: "lab-server"), logThreshold: threshold,
            droppedLines: sink.dropped)
        // What the end has to say is worth a moment, and a reader that stands still is not worth more.
        defer { _ = sink.drain(within: .seconds(2)) }
        try await server.run { addresses in
            let line = Self.announcement(at: addresses, plan) + "\n"
            if plan.logOutput == .standardOutput { sink.put(line) } else { StandardStream.output.say(line) }
        }
        server.logger.notice("ended", metadata: ["event": "ended"])
    }

    private static func notice(missing: Int, _ plan: ServePlan) -> String {
        let fields = [(key: "event", value: "log_lines_dropped"), (key: "lines", value: "\(missing)")]
        return plan.logFormat.text(
            of: LogLine(
                time: WallClock.system.now, level: .warning, label: "lab-server",
                message: "lines of the log could not be written",
                fields: fields.map { (key: $0.key, value: "\($0.value)") })) + "\n"
    }

    /// The one line on the standard output. Whatever the log's level is, it is said.
    static func announcement(at addresses: ServingAddresses, _ plan: ServePlan) -> String {
        var fields = [
            (key: "strategy", value: plan.settings.strategy.name),
            (key: "docs", value: addresses.api + RouteTable[.docs].path),
        ]
        if let metrics = addresses.metrics { fields.append((key: "metrics", value: metrics)) }
        guard plan.logOutput == .standardOutput else {
            let rest = fields.map { " \($0.key)=\($0.value)" }.joined()
            return "lab-server listening on \(addresses.api)\(rest)"
        }
        fields += [(key: "address", value: addresses.api), (key: "event", value: "listening")]
        fields.sort { $0.key < $1.key }
        return plan.logFormat.text(
            of: LogLine(
                time: WallClock.system.now, level: .notice, label: "lab-server", message: "listening",
                fields: fields.map { (key: $0.key, value: "\($0.value)") }))
    }
}

/// What `serve` would run with.
struct Config: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Print the values that serve would run with, the source of each, and the fixed limits; check them."
    )

    @OptionGroup var options: ServeOptions

    func run() throws {
        let values = options.values
        var reading = SettingReader(values)
        let plan = Result { () throws(StartFailure) in try ServePlan(values, by: &reading) }
        let settings = SettingListing(values, inEffect: reading.inEffect).lines
        for line in settings + FixedLimits.listing { try answer(line + "\n") }
        _ = try plan.get().tls?.load(at: WallClock.system.now)
    }
}

extension ServeOptions {
    /// With the environment and the files of this process.
    var values: SettingValues {
        values(environment: ProcessInfo.processInfo.environment) {
            try? String(contentsOfFile: $0, encoding: .utf8)
        }
    }
}
