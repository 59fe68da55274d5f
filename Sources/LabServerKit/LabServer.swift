package import ArgumentParser
import Foundation
import LabProcesses

/// The inventory API of the lock-strategy lab.
package struct LabServer: AsyncParsableCommand {
    static let version = "0.3.0"

    /// How it was compiled: `release` or `debug`.
    static var buildMode: String {
        #if DEBUG
            "debug"
        #else
            "release"
        #endif
    }

    package static let configuration = CommandConfiguration(
        commandName: "lab-server", abstract: "The inventory API of the lock-strategy lab.",
        version: version,
        subcommands: [
            Serve.self, Config.self, Admin.self, Migrate.self, Backup.self, Restore.self, Reconcile.self,
            Doctor.self, Health.self,
        ],
        defaultSubcommand: Serve.self)

    package init() {}

    /// Every failure is one line on stderr and an exit code; only `--help` prints more.
    package static func main() async {
        StandardStream.prepare()
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch let failure as StartFailure {
            fail(failure.description, code: failure.code.rawValue)
        } catch {
            guard exitCode(for: error) != .success else { exit(withError: error) }
            let lines = message(for: error).split(separator: "\n")
            fail(
                "\(lines.first ?? "wrong usage"); see lab-server --help",
                code: StartFailure.Code.usage.rawValue)
        }
    }

    private static func fail(_ sentence: String, code: Int32) -> Never {
        let line = sentence.split(whereSeparator: \.isNewline).joined(separator: " ")
        StandardStream.error.say("lab-server: \(line)\n")
        Foundation.exit(code)
    }
}
