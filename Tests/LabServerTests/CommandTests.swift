import ArgumentParser
import Foundation
import GRDB
import InventoryService
import LabProcesses
import LabTesting
import LedgerSQLite
import LockStrategies
import RedisClient
import Testing

@testable import LabServerKit

/// The commands beside `serve`, as processes.
@Suite struct CommandTests {
    private struct Ended {
        let status: LabProcesses.ExitStatus?
        let output: [String]
        let errors: [String]
    }

    private func run(
        _ arguments: [String], environment: [String: String] = [:]
    ) async throws -> Ended {
        var all = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("LAB_") }
        all.merge(environment) { $1 }
        let child = try await ChildProcess.start(
            try BuiltProgram.path("lab-server"), arguments, environment: all)
        let status = await child.waitUntilExit(within: .seconds(60))
        return Ended(
            status: status, output: child.lines(of: .standardOutput), errors: child.lines(of: .standardError))
    }

    /// The ledger's lock ends with the value.
    private func withLedger(_ path: String, _ body: (SQLiteLedger) async throws -> Void) async throws {
        let ledger = try await SQLiteLedger.open(path: path)
        try await body(ledger)
        await ledger.close()
    }

    @Test("S26 · the first administrator is made by a command; the password is in a file, never an argument")
    func firstAdministrator() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-admin")
        let database = "sqlite:" + directory.file("l.sqlite")
        let password = directory.file("password")
        try "one good pass phrase\n".write(toFile: password, atomically: true, encoding: .utf8)
        let arguments = [
            "admin", "create", "--database", database, "--username", "root-one", "--password-file", password,
            "--bcrypt-cost", "4",
        ]
        let first = try await run(arguments)
        #expect(first.status == .exited(0), "\(first.errors)")
        #expect(first.output == ["administrator root-one was made (user 1)"])
        let again = try await run(arguments)
        #expect(again.output == ["user root-one (user 1) is an administrator now, with the new password"])
        try await withLedger(directory.file("l.sqlite")) { ledger async throws in
            #expect(try await ledger.standing(of: UserID(1))?.role == .admin)
            #expect(try await ledger.users(Page()).total == 1)
        }
        try "12345678\n".write(toFile: password, atomically: true, encoding: .utf8)
        let weak = try await run(arguments)
        #expect(weak.status == .exited(64))
        #expect(weak.errors.first?.contains("guessed first") == true)
        directory.remove()
    }

    @Test("config prints what serve would run with and where it is from, and shows no secret")
    func config() async throws {
        let secret = "c8f1a0e4b7d29356f0a1c3e5d7b9082461"
        let ended = try await run(
            ["config", "--port", "9000", "--purchase-deadline-ms", "6000"],
            environment: [
                "LAB_JWT_SECRET": secret, "LAB_STRATEGY": "sql-row",
                "LAB_REDIS": "redis://user:hunter2@127.0.0.1:6379",
            ])
        #expect(ended.status == .exited(0), "\(ended.errors)")
        #expect(ended.output.contains("port = 9000 (flag --port)"))
        #expect(ended.output.contains("strategy = sql-row (environment variable LAB_STRATEGY)"))
        #expect(ended.output.contains("host = 127.0.0.1 (default)"))
        #expect(
            ended.output.contains("redis = redis://…@127.0.0.1:6379 (environment variable LAB_REDIS)"))
        for line in [
            "bcrypt-cost = 12 (default)", "auth-requests-per-minute = 120 (default)",
            "drain-delay-ms = 5000 (default)",
            "auth-guesses-per-minute = 10 (default)", "log-format = json (default)",
            "per-user-limit = no limit (default)",
            "request-timeout-ms = 69000 (default)", "metrics-port = none (default)",
        ] { #expect(ended.output.contains(line), "\(line)") }
        #expect(!ended.output.contains { $0.contains("not set") })
        #expect(ended.output.contains("body-bytes = 65536 (fixed)"))
        #expect(ended.output.count == Setting.allCases.count + FixedLimits.listing.count)
        let all = (ended.output + ended.errors).joined()
        #expect(!all.contains("hunter2"))
        #expect(!all.contains(secret))
    }

    @Test("config shows the defaults of --dev, and shows all values in effect beside what it finds wrong")
    func configDefaults() async throws {
        let development = try await run(["config", "--dev"])
        #expect(development.status == .exited(0), "\(development.errors)")
        for line in [
            "bcrypt-cost = 10 (default)", "auth-requests-per-minute = 0 (default)",
            "log-format = text (default)",
            "drain-delay-ms = 0 (default)", "jwt-secret = <random, not shown> (default)",
            "redis = a redis-server of its own (default)", "dev = true (flag --dev)",
        ] { #expect(development.output.contains(line), "\(line)") }
        let refused = try await run(["config"], environment: ["LAB_PORT": "x"])
        #expect(refused.status == .exited(64))
        #expect(refused.output.contains("port = x (environment variable LAB_PORT)"))
        #expect(refused.output.contains("log-format = json (default)"))
        #expect(refused.output.contains("jwt-secret = none (default)"))
    }

    @Test("How much the ledger takes on is set by flag or variable, and shown")
    func ledgerSettings() async throws {
        let secret = "c8f1a0e4b7d29356f0a1c3e5d7b9082461"
        let ended = try await run(
            ["config", "--ledger-batch", "64", "--metrics-products", "7"],
            environment: [
                "LAB_JWT_SECRET": secret, "LAB_LEDGER_QUEUE": "500", "LAB_LEDGER_PATIENCE_MS": "750",
            ])
        #expect(ended.status == .exited(0), "\(ended.errors)")
        for line in [
            "ledger-batch = 64 (flag --ledger-batch)",
            "ledger-queue = 500 (environment variable LAB_LEDGER_QUEUE)",
            "ledger-patience-ms = 750 (environment variable LAB_LEDGER_PATIENCE_MS)",
            "metrics-products = 7 (flag --metrics-products)",
        ] { #expect(ended.output.contains(line), "\(line)") }
        let options = try ServeOptions.parse(["--ledger-batch", "64", "--dev"])
        let plan = try ServePlan(
            options.values(environment: ["LAB_LEDGER_QUEUE": "500", "LAB_LEDGER_PATIENCE_MS": "750"]) { _ in
                nil
            })
        #expect(plan.ledger == LedgerSettings(batch: 64, queue: 500, patience: .milliseconds(750)))
        let standard = try ServePlan(ServeOptions.parse(["--dev"]).values(environment: [:]) { _ in nil })
        #expect(standard.ledger == LedgerSettings())
        for wrong in [["--ledger-batch", "0"], ["--ledger-queue", "x"], ["--ledger-patience-ms", "0"]] {
            let refused = try await run(["config", "--dev"] + wrong)
            #expect(refused.status == .exited(64))
            #expect(refused.errors.first?.contains(wrong[0]) == true)
        }
    }

    @Test(
        "With --log-output stdout the log goes there, as JSON from the first line to the last, and nothing else"
    )
    func logOutput() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-log")
        let child = try await ChildProcess.start(
            try BuiltProgram.path("lab-server"),
            [
                "serve", "--dev", "--port", "0", "--database", "sqlite:" + directory.file("l.sqlite"),
                "--log-output", "stdout", "--log-format", "json", "--log-level", "error", "--strategy",
                "redlock",
            ])
        let line = await child.line(within: .seconds(60)) { $0.contains("listening") }
        #expect(await child.terminate(grace: .seconds(30)) == .exited(0))
        let found = try #require(line, "\(child.lines())")
        let event = try JSONSerialization.jsonObject(with: Data(found.utf8)) as? [String: Any]
        #expect(event?["event"] as? String == "listening")
        #expect((event?["address"] as? String)?.hasPrefix("http://127.0.0.1:") == true)
        #expect(event?["strategy"] as? String == "redlock")
        #expect(event?["docs"] as? String == (event?["address"] as? String).map { $0 + "/docs" })
        #expect(child.lines(of: .standardError) == [])
        for line in child.lines(of: .standardOutput) {
            #expect(try JSONSerialization.jsonObject(with: Data(line.utf8)) is [String: Any], "\(line)")
        }
        directory.remove()
    }

    @Test("All that is wrong with flags and variables is said at once, by the name that was used")
    func allProblems() async throws {
        let ended = try await run(
            ["config", "--bcrypt-cost", "99"],
            environment: ["LAB_PORT": "x", "LAB_STRATGEY": "redlock", "LAB_DEV": "maybe"])
        #expect(ended.status == .exited(64))
        #expect(ended.errors.count == 1)
        for part in ["--bcrypt-cost", "LAB_PORT", "LAB_STRATGEY", "LAB_DEV"] {
            #expect(ended.errors.first?.contains(part) == true, "\(ended.errors)")
        }
    }

    @Test(
        "Time limits that contradict each other are refused: what is inside must fit into what is around it")
    func timeLimits() async throws {
        func problems(_ flags: [String]) throws -> String {
            let values = try ServeOptions.parse(["--dev"] + flags).values(environment: [:]) { _ in nil }
            do throws(StartFailure) {
                _ = try ServePlan(values)
                return ""
            } catch {
                return error.description
            }
        }
        #expect(try problems(["--request-timeout-ms", "7999"]).contains("must be at least 8000"))
        #expect(try problems(["--request-timeout-ms", "8000"]) == "")
        #expect(
            try problems(["--request-timeout-ms", "8000", "--redis-timeout-ms", "1001"]).contains("8001"))
        let nodes = ["--redis", "redis://127.0.0.1:1,redis://127.0.0.1:2", "--lock-node-timeout-ms"]
        #expect(try problems(nodes + ["5000", "--strategy", "redlock"]).contains("must be below 5000"))
        #expect(try problems(nodes + ["4999", "--strategy", "redlock"]) == "")
        #expect(try problems(nodes + ["5000"]) == "")
        let plan = try ServePlan(
            ServeOptions.parse(["--dev", "--redis-timeout-ms", "70000"]).values(environment: [:]) { _ in nil }
        )
        #expect(plan.redisLimits == RedisServers.Limits(stock: .seconds(70)))
        #expect(plan.front.connection.total == .seconds(60 + 5 + 70 + 2))
    }

    @Test(
        "A lock in PostgreSQL is refused where the ledger is a file, in one sentence that says what to give")
    func lockWithoutPostgres() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-lock")
        let file = directory.file("lab.sqlite")
        let sentence =
            "--strategy pg-advisory takes its lock in PostgreSQL: give --database postgres://HOST/NAME, or "
            + "another strategy"
        for command in [["serve", "--dev"], ["reconcile"]] {
            let ended = try await run(
                command + ["--strategy", "pg-advisory", "--database", "sqlite:" + file])
            #expect(ended.status == .exited(64))
            #expect(ended.errors == ["lab-server: " + sentence])
            #expect(!FileManager.default.fileExists(atPath: file), "nothing is made for it")
        }
        directory.remove()
    }

    @Test("A secret may stand in a file that a variable names")
    func secretFile() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-secret")
        let path = directory.file("secret")
        try "c8f1a0e4b7d29356f0a1c3e5d7b9082461\n".write(toFile: path, atomically: true, encoding: .utf8)
        let good = try await run(["config"], environment: ["LAB_JWT_SECRET_FILE": path])
        #expect(good.status == .exited(0), "\(good.errors)")
        #expect(
            good.output.contains(
                "jwt-secret = <34 bytes, not shown> (file \(path), named by LAB_JWT_SECRET_FILE)"))
        let missing = try await run(["config"], environment: ["LAB_JWT_SECRET_FILE": path + ".not"])
        #expect(missing.status == .exited(78))
        directory.remove()
    }

    @Test("A backup of a server that sells is sound, holds what was answered before, and overwrites nothing")
    func backup() async throws {
        try await withLab { lab async throws in
            let client = try await lab.client.signedIn()
            let product = try await client.product(units: 100)
            for _ in 0..<10 { #expect(try await client.buy(product).status == 200) }
            let directory = try TemporaryDirectory(prefix: "lab-backup")
            let copy = directory.file("copy.sqlite")
            let buyers = Task { for _ in 0..<30 { _ = try await client.buy(product) } }
            let ended = try await run(["backup", copy, "--database", "sqlite:" + lab.databasePath])
            try await buyers.value
            #expect(ended.status == .exited(0), "\(ended.errors)")
            let ledger = try await SQLiteLedger.open(path: copy)
            let purchases = try await ledger.purchases(matching: PurchaseFilter(), Page())
            #expect(purchases.total >= 10)
            let sold = try await ledger.product(.init(Int64(product)))?.sold
            #expect(sold == purchases.total)
            await ledger.close()
            let again = try await run(["backup", copy, "--database", "sqlite:" + lab.databasePath])
            #expect(again.status == .exited(73))
            #expect(again.errors.first?.contains("exists already") == true)
            directory.remove()
        }
    }

    @Test("A backup of a stopped server works; one of nothing ends with code 73")
    func backupStopped() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-backup")
        let database = "sqlite:" + directory.file("l.sqlite")
        #expect(try await run(["migrate", "--database", database]).status == .exited(0))
        let ended = try await run(["backup", directory.file("copy"), "--database", database])
        #expect(ended.status == .exited(0), "\(ended.errors)")
        #expect(ended.output.first?.contains("0 purchases") == true)
        let nothing = try await run(
            ["backup", directory.file("other"), "--database", database + ".not"])
        #expect(nothing.status == .exited(73))
        directory.remove()
    }

    @Test(
        "migrate says where the copy is that it made before; there is none for what is up to date or unwanted"
    )
    func migrateCopies() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-migrate")
        for keepsCopy in [true, false] {
            let path = directory.file("\(keepsCopy).sqlite")
            let command = ["migrate", "--database", "sqlite:" + path] + (keepsCopy ? [] : ["--without-copy"])
            #expect(try await run(command).output == ["the schema of \(path) is up to date"])
            // As the version before the checksums left it.
            let queue = try DatabaseQueue(path: path)
            try await queue.write { database in
                try database.execute(
                    sql: """
                        DROP TABLE schema_steps;
                        DROP TABLE backup_mark;
                        DROP INDEX refused_purchases_by_user;
                        DROP INDEX refused_purchases_by_time;
                        DROP TABLE servers;
                        DROP TABLE reconcile_turn;
                        DROP TABLE supply_under_way;
                        DROP TABLE user_changes;
                        DELETE FROM grdb_migrations WHERE substr(identifier, 1, 2) IN ('4 ', '5 ', '6 ')
                        """)
            }
            try queue.close()
            let changed = try await run(command)
            #expect(changed.status == .exited(0), "\(changed.errors)")
            #expect(changed.output.count == (keepsCopy ? 2 : 1))
            if keepsCopy {
                let copy = try #require(
                    changed.output.first?.split(separator: ": a copy of the ledger").first)
                #expect(copy.hasPrefix(path + ".before-migration-"))
                #expect(FileManager.default.fileExists(atPath: String(copy)))
            }
            #expect(try await run(command).output.count == 1)
        }
        directory.remove()
    }

    @Test("The line about listening names /docs, and the last line of all says that the server has ended")
    func firstAndLast() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-lines")
        let child = try await ChildProcess.start(
            try BuiltProgram.path("lab-server"),
            ["serve", "--dev", "--port", "0", "--database", "sqlite:" + directory.file("l.sqlite")])
        let line = try #require(
            await child.line(within: .seconds(60)) { $0.contains("listening on ") }, "\(child.lines())")
        let address = try #require(line.firstMatch(of: /listening on (http:[^ ]+)/)?.1)
        #expect(line.contains(" docs=\(address)/docs"), "\(line)")
        #expect(!child.lines().contains { $0.contains("ended") })
        #expect(await child.terminate(grace: .seconds(30)) == .exited(0))
        let last = try #require(child.lines(of: .standardError).last)
        #expect(last.contains("ended") && last.contains("event=ended"), "\(last)")
        directory.remove()
    }

    @Test("A database that another server uses is refused by migrate")
    func lockedDatabase() async throws {
        try await withLab { lab async throws in
            let ended = try await run(["migrate", "--database", "sqlite:" + lab.databasePath])
            #expect(ended.status == .exited(73))
            #expect(ended.errors.first?.contains("another server") == true)
        }
    }
}
