import Foundation
import LabProcesses
import LabTesting
import Testing

@testable import LabServerKit

/// `backup` and `restore` with PostgreSQL, as processes.
@Suite(
    "Commands for copies on PostgreSQL", .serialized,
    .enabled(if: PostgresDatabases.canBeMade, "\(PostgresDatabases.absence)"))
struct PostgresCopyCommandTests {
    private func run(
        _ arguments: [String], environment: [String: String] = [:]
    ) async throws -> (status: LabProcesses.ExitStatus?, text: String) {
        var all = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("LAB_") }
        all.merge(environment) { $1 }
        let child = try await ChildProcess.start(
            try BuiltProgram.path("lab-server"), arguments, environment: all)
        let status = await child.waitUntilExit(within: .seconds(60))
        return (status, child.lines().joined(separator: "\n"))
    }

    /// A server that waits for its disk, as the commands want it, and a database of the name `other`.
    private func withPlace(
        _ body: (_ ledger: [String], _ other: [String], TemporaryDirectory, PostgresServerProcess)
            async throws ->
            Void
    ) async throws {
        let directory = try TemporaryDirectory(prefix: "lab-copy")
        try await withPostgresServer { database in
            let file = directory.file("db-password")
            try database.password.write(toFile: file, atomically: true, encoding: .utf8)
            func ledger(_ name: String) -> [String] {
                let url = database.url(name).replacing(":\(database.password)@", with: "@")
                return ["--database", url, "--database-password-file", file]
            }
            let programs = try #require(PostgresServerProcess.programs())
            let made = try await ChildProcess.start(
                programs.path("createdb"), ["-h", "127.0.0.1", "-p", "\(database.port)", "other"],
                environment: ["PGUSER": PostgresServerProcess.user, "PGPASSWORD": database.password])
            #expect(await made.waitUntilExit(within: .seconds(30)) == .exited(0), "\(made.lines())")
            try await body(ledger("postgres"), ledger("other"), directory, database)
        }
        directory.remove()
    }

    @Test(
        "A backup is restored into another database by two commands, and the password is in no list of processes"
    )
    func thereAndBack() async throws {
        try await withPlace { ledger, other, directory, database in
            #expect(try await run(["migrate"] + ledger).status == .exited(0))
            let file = directory.file("lab.pgdump")
            // A stand-in for pg_dump that notes how it was called, and who may read the password.
            let folder = directory.file("bin")
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
            let programs = try #require(PostgresServerProcess.programs())
            for name in ["pg_dump", "pg_restore"] {
                let script = """
                    #!/bin/bash
                    echo "$0 $* $(env)" >>'\(directory.file("calls"))'
                    [ -z "$PGPASSFILE" ] || stat -c '%a' "$PGPASSFILE" >>'\(directory.file("modes"))'
                    [ -z "$PGPASSFILE" ] || echo "$PGPASSFILE" >>'\(directory.file("files"))'
                    exec '\(programs.path(name))' "$@"
                    """
                try script.write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
                unsafe chmod("\(folder)/\(name)", 0o700)
            }
            let environment = ["PG_BIN": folder, "PGPASSWORD": "wrong", "PGHOST": "nowhere.invalid"]
            let made = try await run(["backup", file] + ledger, environment: environment)
            #expect(made.status == .exited(0), "\(made)")
            #expect(
                made.text == "\(file): a sound copy of 127.0.0.1:\(database.port)/postgres with 0 purchases")
            let restored = try await run(["restore", file, "--json"] + other, environment: environment)
            #expect(restored.status == .exited(0), "\(restored)")
            #expect(restored.text.contains("\"backup_time_from\" : \"backup\""), "\(restored)")
            let calls = try String(contentsOfFile: directory.file("calls"), encoding: .utf8)
            #expect(calls.contains("pg_dump --verbose") && calls.contains("pg_restore --verbose"))
            #expect(!calls.contains(database.password) && !calls.contains("PGPASSWORD"))
            let modes = try String(contentsOfFile: directory.file("modes"), encoding: .utf8)
            #expect(Set(modes.split(separator: "\n")).isSubset(of: ["600"]), "\(modes)")
            for path in try String(contentsOfFile: directory.file("files"), encoding: .utf8).split(
                separator: "\n")
            {
                #expect(!FileManager.default.fileExists(atPath: String(path)), "\(path) is still there")
            }
            let again = try await run(["restore", file] + other)
            #expect(again.status == .exited(73) && again.text.contains("is not empty"), "\(again)")
            let replace = try await run(["restore", file, "--replace"] + other)
            #expect(replace.status == .exited(64) && replace.text.contains("createdb"), "\(replace)")
            #expect(try await run(["migrate"] + other).status == .exited(0))
        }
    }

    @Test("A program of PostgreSQL that is missing or too old is named with the package that has it (73)")
    func programs() async throws {
        try await withPlace { ledger, other, directory, _ in
            #expect(try await run(["migrate"] + ledger).status == .exited(0))
            let file = directory.file("copy")
            let nowhere = ["PG_BIN": directory.file("nowhere")]
            let missing = try await run(["backup", file] + ledger, environment: nowhere)
            #expect(missing.status == .exited(73), "\(missing)")
            #expect(
                missing.text.contains("there is no program pg_dump on this machine; install"), "\(missing)")
            #expect(missing.text.contains("apt-get install postgresql-client-"))
            try Data("PGDMP".utf8).write(to: URL(filePath: file))
            let restored = try await run(["restore", file] + other, environment: nowhere)
            #expect(restored.status == .exited(73) && restored.text.contains("no program pg_restore"))
            try FileManager.default.removeItem(atPath: file)
            let old = directory.file("pg_dump")
            try "#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.1'\n".write(
                toFile: old, atomically: true, encoding: .utf8)
            unsafe chmod(old, 0o700)
            let older = try await run(["backup", file] + ledger, environment: ["PG_BIN": directory.path])
            #expect(older.status == .exited(73) && older.text.contains("is of version 9 and cannot copy"))
            #expect(!FileManager.default.fileExists(atPath: file + ".partial"))
        }
    }

    @Test(
        "A restore that is killed in the middle leaves no ledger that a server takes; run again, it ends well"
    )
    func killed() async throws {
        try await withPlace { ledger, other, directory, _ in
            #expect(try await run(["migrate"] + ledger).status == .exited(0))
            let file = directory.file("copy")
            #expect(try await run(["backup", file] + ledger).status == .exited(0))
            let killed = try await run(
                ["restore", file] + other, environment: ["LAB_CRASH_AT": "after-restore-copy"])
            #expect(killed.status == .signalled(SIGKILL), "\(killed)")
            let server = try await run(["migrate"] + other)
            #expect(server.status == .exited(73) && server.text.contains("holds half a ledger"), "\(server)")
            var again = try await run(["restore", file] + other)
            // Until PostgreSQL has noticed that the killed one is gone.
            while again.text.contains("another restore") { again = try await run(["restore", file] + other) }
            #expect(again.status == .exited(0), "\(again)")
            #expect(try await run(["migrate"] + other).status == .exited(0))
        }
    }
}
