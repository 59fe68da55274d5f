import Foundation
import HTTPTypes
import LabProcesses
import LabTesting
import Testing

@testable import LabServerKit

/// `admin create` beside a server that has the ledger open.
@Suite("admin create on a running server", .timeLimit(.minutes(5)))
struct AdminSocketTests {
    private func create(
        _ name: String, at database: String, password: String = "lab-test-12"
    ) async throws -> (status: LabProcesses.ExitStatus?, output: [String], errors: [String]) {
        let file = database + ".password"
        try (password + "\n").write(toFile: file, atomically: true, encoding: .utf8)
        let child = try await ChildProcess.start(
            try BuiltProgram.path("lab-server"),
            [
                "admin", "create", "--database", "sqlite:" + database, "--username", name,
                "--password-file", file,
            ])
        let status = await child.waitUntilExit(within: .seconds(60))
        return (status, child.lines(of: .standardOutput), child.lines(of: .standardError))
    }

    private func mode(_ path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }

    @Test("An administrator is made, signs in and administers, while the server sells; a weak password is 64")
    func running() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-door")
        let path = directory.file("l.sqlite")
        try await RunningServer.run(database: path, units: 5) { server async throws in
            #expect(try await server.buyer.send(.get, "/api/admin/users").status == 403)
            let made = try await create("boss", at: path)
            #expect(made.status == .exited(0), "\(made.errors)")
            #expect(made.output == ["administrator boss was made (user 2)"])
            let boss = try await server.buyer.logIn("boss")
            #expect(try await boss.send(.get, "/api/admin/users").status == 200)
            let buyer = server.buyer
            #expect(try await buyer.buy(server.product).status == 200)
            let promoted = try await create("ann", at: path)
            #expect(
                promoted.output == ["user ann (user 1) is an administrator now, with the new password"])
            let weak = try await create("boss", at: path, password: "12345678")
            #expect(weak.status == .exited(64))
            #expect(weak.errors.count == 1 && weak.errors[0].contains("guessed first"), "\(weak.errors)")
            // The password is another one, so the token of before ends at once, and the new one is good at
            // once.
            #expect(try await buyer.buy(server.product).status == 401)
            let bought = try await server.buyer.logIn("ann").buy(server.product)
            #expect(bought.status == 200, "\(bought)")
            // Nobody else may open the socket.
            #expect(try mode(path + ".admin") == 0o700)
        }
        #expect(!FileManager.default.fileExists(atPath: path + ".admin"))
        directory.remove()
    }

    @Test(
        "What a killed server left behind is cleared by the next one, and does not stand in the way of a command"
    )
    func killed() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-door")
        let path = directory.file("l.sqlite")
        try await RunningServer.run(database: path, units: 1, endsWith: .signalled(SIGKILL)) {
            server async throws in
            server.process.signal(SIGKILL)
            _ = await server.process.waitUntilExit(within: .seconds(60))
        }
        #expect(FileManager.default.fileExists(atPath: path + ".admin/socket"))
        #expect(try await create("first", at: path).status == .exited(0))
        try await RunningServer.run(database: path, units: 1) { _ async throws in
            let made = try await create("second", at: path)
            #expect(made.status == .exited(0), "\(made.errors)")
        }
        directory.remove()
    }

    @Test(
        "Without a server's socket a ledger in use is 73, and no password goes to a folder that others can open"
    )
    func refused() async throws {
        try await withLab { lab async throws in
            let ended = try await create("boss", at: lab.databasePath)
            #expect(ended.status == .exited(73))
            #expect(ended.errors.first?.contains("another server is using") == true, "\(ended.errors)")
            let socket = AdminSocket(ofDatabase: lab.databasePath)
            try socket.prepare()
            #expect(socket.belongsToLedger)
            let dead = try await create("boss", at: lab.databasePath)
            #expect(dead.status == .exited(73))
            #expect(dead.errors.first?.contains("no such file or directory") == true, "\(dead.errors)")
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: socket.folder)
            #expect(!socket.belongsToLedger)
            try socket.prepare()
            #expect(socket.belongsToLedger)
            socket.remove()
            try FileManager.default.createSymbolicLink(
                atPath: socket.folder, withDestinationPath: FileManager.default.temporaryDirectory.path)
            #expect(!socket.belongsToLedger)
            #expect(throws: AdminSocket.Unusable.self) { try socket.prepare() }
            socket.remove()
        }
    }
}
