import ArgumentParser
import Foundation
import InventoryService
import Logging

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Serve the API until SIGTERM or Ctrl-C.")

    @OptionGroup var options: ServeOptions

    func run() async throws {
        let plan = try ServePlan(
            options.values, crashAt: ProcessInfo.processInfo.environment["LAB_CRASH_AT"])
        let threshold = LogThreshold(plan.logLevel)
        LoggingSystem.bootstrap { LineLogHandler(label: $0, format: plan.logFormat, threshold: threshold) }
        let server = Server(plan: plan, logger: Logger(label: "lab-server"), logThreshold: threshold)
        try await server.run { address in
            // Not `print`, which keeps it in a buffer where the output is a pipe.
            FileHandle.standardOutput.write(
                Data("lab-server listening on \(address) strategy=\(plan.settings.strategy)\n".utf8))
        }
    }
}

/// What `serve` would run with.
struct Config: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the settings that serve would run with, and where each is from; check them.")

    @OptionGroup var options: ServeOptions

    func run() throws {
        for line in options.values.listing { print(line) }
        let plan = try ServePlan(options.values)
        _ = try plan.tls?.load(at: WallClock.system.now)
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
