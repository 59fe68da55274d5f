import ArgumentParser
import Foundation
import Logging

/// The inventory API of the lock-strategy lab.
@main
struct LabServer: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lab-server", abstract: "The inventory API of the lock-strategy lab.",
        subcommands: [Serve.self], defaultSubcommand: Serve.self)

    /// Every failure is one line on stderr and an exit code; only `--help` prints more.
    static func main() async {
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
        FileHandle.standardError.write(Data("lab-server: \(line)\n".utf8))
        Foundation.exit(code)
    }
}

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Serve the API until SIGTERM or Ctrl-C.")

    @OptionGroup var options: ServeOptions

    func run() async throws {
        let plan = try ServePlan(options, secret: secret())
        LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
        var logger = Logger(label: "lab-server")
        logger.logLevel = plan.logLevel
        try await Server(plan: plan, logger: logger).run { address in
            FileHandle.standardOutput.write(
                Data("lab-server listening on \(address) strategy=\(plan.settings.strategy)\n".utf8))
        }
    }

    /// The file goes before the environment. A line end at its end is the editor's, not the secret's.
    private func secret() throws(StartFailure) -> String? {
        guard let path = options.jwtSecretFile else {
            return ProcessInfo.processInfo.environment["LAB_JWT_SECRET"]
        }
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw StartFailure(
                .unsafeSecret, "cannot read the token secret from \(path); check --jwt-secret-file")
        }
        return text.trimmingCharacters(in: .newlines)
    }
}
