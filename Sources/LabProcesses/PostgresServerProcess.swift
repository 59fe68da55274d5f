import Foundation
import Synchronization

/// A PostgreSQL server of our own with an empty data folder: for tests and measurements. Dies with this
/// process.
///
/// PostgreSQL refuses to run as root: then it runs as the user `postgres`, or `nobody` where there is none.
/// It listens on a port of 127.0.0.1 and on a Unix socket in its folder, and wants a password on both.
package final class PostgresServerProcess: Sendable {
    package let options: PostgresServerOptions
    /// Where its data and its socket are.
    package let directory: String
    package let port: Int
    /// Of the user ``user``, who may do everything.
    package let password: String
    package static let user = "lab"
    private let programs: Programs
    private let systemUser: SystemUser?
    private let process: Mutex<ChildProcess>
    /// Processes of a server that was killed, which may still be there.
    private let orphans = Mutex<[Int32]>([])
    private let ownDirectory: TemporaryDirectory

    package struct Programs: Sendable, Hashable {
        package let folder: String
        package func path(_ name: String) -> String { "\(folder)/\(name)" }
    }

    /// The programs of the newest PostgreSQL on this machine: those of `PG_BIN` of the environment, else
    /// where Debian has them, else in `PATH`.
    ///
    /// - Returns: Nil when no server is installed.
    package static func programs(
        environment: [String: String] = ProcessInfo.processInfo.environment,
        debian: String = "/usr/lib/postgresql"
    ) -> Programs? {
        folders(environment: environment, debian: debian).map { Programs(folder: $0) }.first { programs in
            ["initdb", "postgres"].allSatisfy { Executable.find(programs.path($0)) != nil }
        }
    }

    /// Where PostgreSQL's programs may be: the folder `PG_BIN` of the environment alone, else those of
    /// Debian, the newest version first, then those of `PATH`.
    package static func folders(
        environment: [String: String] = ProcessInfo.processInfo.environment,
        debian: String = "/usr/lib/postgresql"
    ) -> [String] {
        if let folder = environment["PG_BIN"] { return [folder] }
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: debian)) ?? []
        let folders = versions.compactMap { Int($0) }.sorted(by: >).map { "\(debian)/\($0)/bin" }
        return folders + (environment["PATH"] ?? "").split(separator: ":").map(String.init)
    }

    /// What a test or a command says that cannot run without PostgreSQL.
    package static let absence = "no PostgreSQL server is installed here (apt-get install postgresql)"

    /// Makes an empty database system and starts its server; returns when it takes connections.
    package static func start(
        _ options: PostgresServerOptions = PostgresServerOptions()
    ) async throws(LabProcessError) -> PostgresServerProcess {
        guard let programs = programs() else { throw LabProcessError(.executableMissing, absence) }
        let user = SystemUser.insteadOfRoot(["postgres", "nobody"])
        let directory = try TemporaryDirectory(prefix: "lab-pg")
        try user?.own(directory.path)
        let password = UUID().uuidString.lowercased()
        try await initialise(directory.path, programs, user, password)
        if let encryption = options.encryption { try copy(encryption, to: directory.path, for: user) }
        return try await start(options, directory, programs, user, password)
    }

    /// Starts a replica of another server that runs: it has all that the other one has, follows it, and takes
    /// no writes until ``promote()``. Its user and password are those of the other one.
    package static func start(
        following primary: PostgresServerProcess, _ options: PostgresServerOptions = PostgresServerOptions()
    ) async throws(LabProcessError) -> PostgresServerProcess {
        let user = primary.systemUser
        let directory = try TemporaryDirectory(prefix: "lab-pg")
        try user?.own(directory.path)
        // It writes down how to follow, with the password.
        let copy = [
            "-h", "127.0.0.1", "-p", "\(primary.port)", "-U", Self.user, "-D", "\(directory.path)/data",
            "--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync",
        ]
        try await run("pg_basebackup", copy, primary.programs, user, ["PGPASSWORD": primary.password])
        return try await start(options, directory, primary.programs, user, primary.password)
    }

    private static func start(
        _ options: PostgresServerOptions, _ directory: TemporaryDirectory, _ programs: Programs,
        _ user: SystemUser?, _ password: String
    ) async throws(LabProcessError) -> PostgresServerProcess {
        // A picked port may be taken by somebody else before the server binds it.
        var attemptsLeft = 10
        while true {
            attemptsLeft -= 1
            let port = try FreePort.pick()
            do throws(LabProcessError) {
                let child = try await launch(options, directory.path, programs, user, port)
                return PostgresServerProcess(options, directory, programs, user, port, password, child)
            } catch {
                let isTaken = error.output.contains { $0.contains("could not bind") }
                guard isTaken, attemptsLeft > 0 else { throw error }
            }
        }
    }

    private init(
        _ options: PostgresServerOptions, _ directory: TemporaryDirectory, _ programs: Programs,
        _ systemUser: SystemUser?, _ port: Int, _ password: String, _ child: ChildProcess
    ) {
        self.options = options
        self.directory = directory.path
        ownDirectory = directory
        self.programs = programs
        self.systemUser = systemUser
        self.port = port
        self.password = password
        process = Mutex(child)
    }

    /// The address of one of its databases; `postgres` is always there.
    package func url(_ database: String = "postgres") -> String {
        "postgres://\(Self.user):\(password)@127.0.0.1:\(port)/\(database)"
    }

    package var processIdentifier: Int32 { process.withLock(\.processIdentifier) }

    package var isRunning: Bool { process.withLock(\.isRunning) }

    /// The newest lines of its log.
    package var log: [String] { process.withLock { $0.lines() } }

    /// Ends the server: it breaks connections off and writes what it must. A second call does nothing.
    package func stop() async {
        let child = process.withLock { $0 }
        resume()
        child.signal(SIGINT)
        if await child.waitUntilExit(within: .seconds(10)) == nil { await child.killNow() }
    }

    /// Kills the server and the processes of its connections (SIGKILL), as a crash of the machine would.
    /// Returns when all are gone: left alone they would answer for a moment longer.
    package func kill() async {
        let own = children
        orphans.withLock { $0 += own }
        await process.withLock { $0 }.killNow()
        for pid in own { Foundation.kill(pid, SIGKILL) }
        await waitForOrphans()
    }

    /// A server does not start as long as processes of the one before it have the data open.
    private func waitForOrphans() async {
        for turn in 0..<500 {
            let left = orphans.withLock { orphans in
                orphans.removeAll { Self.parent(of: $0) == nil }
                return orphans
            }
            if left.isEmpty { return }
            // They were stopped, or hang.
            if turn == 200 { for pid in left { Foundation.kill(pid, SIGKILL) } }
            try? await Task.sleep(for: .milliseconds(10))
        }
    }

    /// Stops the time of the server and of its processes (SIGSTOP): connections stay open and nothing
    /// answers.
    package func pause() { signalAll(SIGSTOP) }

    /// Lets a paused server go on.
    package func resume() { signalAll(SIGCONT) }

    /// Each process of the server is in a group of its own.
    private func signalAll(_ number: Int32) {
        process.withLock { $0.signal(number) }
        for pid in children { Foundation.kill(pid, number) }
    }

    /// Kills a process of the server that serves a connection (SIGKILL), one that is committing where there
    /// is one. The server ends all other connections then, and recovers.
    ///
    /// - Returns: False when there is none.
    @discardableResult
    package func killBackend() -> Bool {
        // postgres: lab postgres 127.0.0.1(40312) COMMIT
        let titles = children.map { pid in
            let bytes = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") ?? Data()
            return (pid: pid, words: String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self))
        }.filter { $0.words.hasPrefix("postgres: \(Self.user) ") }
        guard let one = titles.first(where: { $0.words.hasSuffix("COMMIT") }) ?? titles.first else {
            return false
        }
        return Foundation.kill(one.pid, SIGKILL) == 0
    }

    private var children: [Int32] {
        let parent = processIdentifier
        return ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap { name in
            Int32(name).flatMap { Self.parent(of: $0) == parent ? $0 : nil }
        }
    }

    /// Nil where there is no such process, or only what is left of one until its parent asks how it ended.
    private static func parent(of pid: Int32) -> Int32? {
        guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
            // The name of the program stands in brackets and may hold anything.
            let end = text.lastIndex(of: ")")
        else { return nil }
        let words = text[end...].split(separator: " ")
        guard words.count > 2, words[1] != "Z" else { return nil }
        return Int32(words[2])
    }

    /// Makes a server of its own of a replica; returns when it takes writes.
    package func promote() async throws(LabProcessError) {
        let arguments = ["promote", "-D", "\(directory)/data", "-w", "-t", "60"]
        try await Self.run("pg_ctl", arguments, programs, systemUser)
    }

    /// Starts it again on the same port and data, after ``stop()`` or ``kill()``.
    package func restart() async throws(LabProcessError) {
        await stop()
        await waitForOrphans()
        let child = try await Self.launch(options, directory, programs, systemUser, port)
        process.withLock { $0 = child }
    }

    /// Ends the server and removes its data.
    package func discard() async {
        await stop()
        ownDirectory.remove()
    }
}

extension PostgresServerProcess {
    private static func initialise(
        _ directory: String, _ programs: Programs, _ user: SystemUser?, _ password: String
    ) async throws(LabProcessError) {
        let file = "\(directory)/password"
        let isWritten = FileManager.default.createFile(
            atPath: file, contents: Data(password.utf8), attributes: [.posixPermissions: 0o600])
        guard isWritten else { throw LabProcessError(.noResource, "cannot write \(file)") }
        try user?.own(file)
        let arguments = [
            "-D", "\(directory)/data", "-U", Self.user, "-A", "scram-sha-256", "--pwfile", file, "-E", "UTF8",
            "--locale", "C.UTF-8", "--no-sync", "--no-instructions",
        ]
        try await run("initdb", arguments, programs, user)
        try? FileManager.default.removeItem(atPath: file)
    }

    /// Runs a program of PostgreSQL to its end.
    ///
    /// - Parameter variables: Of its environment, beside those of this process.
    private static func run(
        _ name: String, _ arguments: [String], _ programs: Programs, _ user: SystemUser?,
        _ variables: [String: String] = [:]
    ) async throws(LabProcessError) {
        let child = try await ChildProcess.start(
            programs.path(name), arguments,
            environment: variables.isEmpty
                ? nil : ProcessInfo.processInfo.environment.merging(variables) { $1 }, as: user)
        guard let status = await child.waitUntilExit(within: .seconds(60)) else {
            await child.killNow()
            throw LabProcessError(.notReady, "\(name) did not end in time", output: child.lines())
        }
        guard status == .exited(0) else {
            throw LabProcessError(.endedEarly, "\(name) failed", output: child.lines())
        }
    }

    private static func copy(
        _ encryption: PostgresServerOptions.Encryption, to directory: String, for user: SystemUser?
    ) throws(LabProcessError) {
        let copies = PostgresServerOptions.Encryption.copies
        for (file, name) in [(encryption.certificate, copies.certificate), (encryption.key, copies.key)] {
            let path = "\(directory)/\(name)"
            // PostgreSQL refuses a key that others may read.
            let isCopied = FileManager.default.createFile(
                atPath: path, contents: FileManager.default.contents(atPath: file),
                attributes: [.posixPermissions: 0o600])
            guard isCopied else { throw LabProcessError(.noResource, "cannot copy \(file) to \(path)") }
            try user?.own(path)
        }
    }

    private static func launch(
        _ options: PostgresServerOptions, _ directory: String, _ programs: Programs, _ user: SystemUser?,
        _ port: Int
    ) async throws(LabProcessError) -> ChildProcess {
        let child = try await ChildProcess.start(
            programs.path("postgres"), options.commandLine(directory: directory, port: port), as: user)
        let ready = await child.line(of: .standardError, within: options.startLimit) {
            $0.contains("database system is ready to accept ")
        }
        guard ready == nil else { return child }
        let didEnd = await child.waitUntilExit(within: .zero) != nil
        await child.killNow()
        throw LabProcessError(
            didEnd ? .endedEarly : .notReady,
            didEnd ? "postgres ended at once" : "postgres was not ready in time", output: child.lines())
    }
}

/// Runs `body` with a fresh PostgreSQL server that is removed afterwards, whatever happened.
package func withPostgresServer<Value>(
    _ options: PostgresServerOptions = PostgresServerOptions(),
    _ body: (PostgresServerProcess) async throws -> Value
) async throws -> Value {
    let server = try await PostgresServerProcess.start(options)
    do {
        let value = try await body(server)
        await server.discard()
        return value
    } catch {
        await server.discard()
        throw error
    }
}
