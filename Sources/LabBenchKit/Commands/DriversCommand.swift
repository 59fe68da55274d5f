import ArgumentParser
import BenchModel
import Foundation
import LabProcesses
import LockDrivers

/// `lab-bench drivers`: locks of any language.
struct DriversCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drivers",
        abstract: "Checks a driver: a program that speaks the driver protocol for a lock in any language.",
        discussion: "The protocol, and a driver of 30 lines to start from, are in docs/DRIVERS.md.",
        subcommands: [DriversCheckCommand.self, DriversEchoCommand.self])
}

/// `lab-bench drivers check`.
struct DriversCheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Speaks the driver protocol with a program, and says in words what is wrong.",
        discussion: """
            Starts two processes of the program beside three Redis servers, asks them for locks as a run does, and ends \
            them. Options of lab-bench stand before the program.

              lab-bench drivers check python3 my_driver.py

            Exit codes: 0 the driver can be used; 64 it cannot, and one sentence says why; 6 redis-server is missing.
            """)

    @Option(
        help: "URLs for LAB_REDIS, separated by commas; default: three servers are started for it.")
    var redis: String?

    @Flag(help: "Print only what is wrong.")
    var quiet = false

    @Argument(parsing: .captureForPassthrough, help: "The program and its arguments.")
    var command: [String]

    func run() async throws {
        // All words behind the program are its own; one before it that looks like this is for lab-bench.
        if ["--help", "-h", "-help"].contains(command.first) { throw CleanExit.helpRequest(self) }
        let words = command.first == "--" ? Array(command.dropFirst()) : command
        let servers: [RedisServerProcess]
        do throws(LabProcessError) {
            servers = redis == nil ? try await Self.startServers() : []
        } catch {
            Terminal.complain("the check needs Redis: \(error)")
            throw ExitCode(BenchExit.unreachable.rawValue)
        }
        let urls = redis.map { $0.split(separator: ",").map(String.init) } ?? servers.map(\.url)
        let task = Task { await judge(words, urls) }
        let watch = InterruptWatch { task.cancel() }
        let wrong = await task.value
        watch.stop()
        for server in servers { await server.stop() }
        guard let wrong else { return }
        Terminal.complain("\(wrong)")
        throw ExitCode((wrong.code == .interrupted ? BenchExit.interrupted : .usage).rawValue)
    }

    /// - Returns: The first thing that is wrong; nil: the driver can be used.
    private func judge(_ words: [String], _ urls: [String]) async -> DriverError? {
        let environment = ProcessInfo.processInfo.environment
        let say: @Sendable (String) -> Void = { [quiet] in
            if !quiet { StandardStream.output.say("\($0)\n") }
        }
        do throws(DriverError) {
            try await DriverCheck(words, redis: urls, environment: environment).run { say("ok  \($0)") }
            if !quiet, let own = Executable.current() {
                let cost = try await EchoCost.measure(
                    DriversEchoCommand.command(own), environment: environment)
                say("-   \(cost.sentence)")
            }
            say("the driver can be used")
            return nil
        } catch {
            return error
        }
    }

    private static func startServers() async throws(LabProcessError) -> [RedisServerProcess] {
        var servers: [RedisServerProcess] = []
        do throws(LabProcessError) {
            for _ in 0..<3 { servers.append(try await RedisServerProcess.start()) }
            return servers
        } catch {
            for server in servers { await server.stop() }
            throw error
        }
    }
}

/// `lab-bench drivers echo`: grants everything at once, to measure the pipe. Not for people.
struct DriversEchoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "echo", abstract: "A driver that grants everything at once, to measure the pipe.",
        shouldDisplay: false)

    /// - Parameter program: A lab-bench.
    static func command(_ program: String) -> [String] { [program, "drivers", "echo"] }

    func run() { EchoDriver.run() }
}
