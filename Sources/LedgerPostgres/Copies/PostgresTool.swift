import Foundation
import InventoryService
import LabProcesses
import PostgresClient

/// A program of PostgreSQL that reads or writes copies, of the version that fits a server.
///
/// It learns the address from its environment and the password from a file that only this user can read, so
/// neither stands in a list of processes. The file is removed when the program has signed in.
struct PostgresTool: Sendable {
    enum Name: String {
        case dump = "pg_dump"
        case restore = "pg_restore"
    }

    let name: Name
    let path: String
    let version: Int

    /// Finds the program of the server's version; where there is none, the newest.
    ///
    /// - Parameters:
    ///   - version: The major version of the server.
    ///   - environment: `PG_BIN` names the one folder to look into.
    /// - Throws: ``InventoryError`` when there is none, or `pg_dump` is older than the server.
    static func find(
        _ name: Name, for version: Int, environment: [String: String] = ProcessInfo.processInfo.environment
    ) async throws(InventoryError) -> PostgresTool {
        var newest: PostgresTool?
        for folder in PostgresServerProcess.folders(environment: environment) {
            let path = "\(folder)/\(name.rawValue)"
            guard Executable.find(path) != nil, let found = await Self.version(of: path, environment) else {
                continue
            }
            let tool = PostgresTool(name: name, path: path, version: found)
            if found == version { return tool }
            if found > newest?.version ?? 0 { newest = tool }
        }
        let advice =
            "install the client programs of PostgreSQL \(version) (on Debian and Ubuntu: apt-get install "
            + "postgresql-client-\(version))"
        guard let newest else {
            throw InventoryError(
                .databaseUnusable, "there is no program \(name.rawValue) on this machine; \(advice)")
        }
        guard name == .restore || newest.version > version else {
            throw InventoryError(
                .databaseUnusable,
                "\(newest.path) is of version \(newest.version) and cannot copy a database of version "
                    + "\(version); \(advice)")
        }
        return newest
    }

    /// What a program may know of the environment of this one: nothing of a database, and no secret.
    private static func cleared(_ environment: [String: String]) -> [String: String] {
        environment.filter { !$0.key.hasPrefix("PG") && !$0.key.hasPrefix("LAB_") }
    }

    private static func version(of path: String, _ environment: [String: String]) async -> Int? {
        guard
            let child = try? await ChildProcess.start(
                path, ["--version"], environment: cleared(environment)),
            await child.waitUntilExit(within: .seconds(10)) == .exited(0)
        else { return nil }
        // "pg_dump (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)"
        let text = child.lines(of: .standardOutput).first ?? ""
        return text.firstMatch(of: /\(PostgreSQL\) ([0-9]+)/).flatMap { Int($0.1) }
    }

    /// Runs it to its end.
    ///
    /// - Parameter endpoint: The database that it signs in to; nil: it reads and writes files only.
    /// - Throws: ``InventoryError`` with what the program says went wrong.
    func run(_ arguments: [String], on endpoint: PostgresEndpoint? = nil) async throws {
        let folder = try TemporaryDirectory(prefix: "lab-tool")
        defer { folder.remove() }
        var environment = Self.cleared(ProcessInfo.processInfo.environment)
        environment.merge(endpoint?.programEnvironment ?? [:]) { $1 }
        // Its words and times are read.
        environment["LC_ALL"] = "C"
        environment["TZ"] = "UTC"
        if let line = try endpoint?.passwordLine {
            let file = folder.file("password")
            guard
                FileManager.default.createFile(
                    atPath: file, contents: Data(line.utf8), attributes: [.posixPermissions: 0o600])
            else { throw InventoryError(.databaseUnusable, "cannot write \(file)") }
            environment["PGPASSFILE"] = file
        }
        let child = try await ChildProcess.start(
            path, ["--verbose", "--no-password"] + arguments, environment: environment)
        // What it does first, once it is connected, it says.
        _ = await child.line(of: .standardError, within: .seconds(60)) { !$0.contains("connecting to") }
        folder.remove()
        let status = await child.waitUntilExit()
        guard status != .exited(0) else { return }
        throw InventoryError(.databaseUnusable, "\(name.rawValue) failed: \(complaint(of: child, status))")
    }

    private func complaint(of child: ChildProcess, _ status: ExitStatus) -> String {
        let lines = child.lines(of: .standardError)
        let mark = "\(name.rawValue): error: "
        let line = lines.first { $0.hasPrefix(mark) }?.dropFirst(mark.count) ?? lines.last?[...]
        return line.map { "\($0)" } ?? "it ended with \(status)"
    }
}
