import Foundation
import HTTPTypes
import LabProcesses
import LabTesting
import Testing

/// The built program where a stranger starts it.
@Suite("lab-server in odd surroundings", .timeLimit(.minutes(5)))
struct SurroundingsTests {
    /// A folder whose path is longer than the name of a socket may be, with blanks in it.
    private static func longFolder(in directory: TemporaryDirectory) throws -> String {
        let path = directory.file("a folder with blanks " + String(repeating: "x", count: 130))
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }

    /// - Parameter line: For the shell; `$0` is the program and its flags follow.
    private static func shell(
        _ line: String, _ directory: TemporaryDirectory, strategy: String = "lua-atomic",
        database: String? = nil
    ) async throws -> ChildProcess {
        try await ChildProcess.start(
            "/bin/sh",
            [
                "-c", line + " \"$0\" \"$@\"", try BuiltProgram.path("lab-server"), "serve", "--dev",
                "--bcrypt-cost", "4", "--port", "0", "--strategy", strategy, "--database",
                "sqlite:" + (database ?? directory.file("l.sqlite")),
            ])
    }

    /// It sells, and ends as it should.
    private static func sells(_ server: ChildProcess) async throws {
        let line = try #require(
            await server.line(within: .seconds(60)) { $0.contains("listening on http://") },
            "\(server.lines())")
        let ports = line.split(separator: " ").compactMap { URL(string: String($0))?.port }
        let buyer = try await ApiClient(port: try #require(ports.first)).signedIn()
        let product = try await buyer.product(units: 3)
        #expect(try await buyer.buy(product).status == 200)
        #expect(await server.terminate(grace: .seconds(30)) == .exited(0))
    }

    /// It says one sentence, and which code it ends with.
    private static func refuses(_ server: ChildProcess, _ code: Int32, _ part: String) async throws {
        #expect(await server.waitUntilExit(within: .seconds(60)) == .exited(code))
        let said = server.lines(of: .standardError).filter { !$0.contains(" warning ") }
        #expect(said.count == 1 && said[0].contains(part), "\(said)")
    }

    @Test("C2 · from a folder that was deleted: it sells from an absolute path, and refuses a relative one")
    func deletedFolder() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-odd")
        let line = "mkdir -p '\(directory.path)/gone' && cd '\(directory.path)/gone' && rmdir . 2>/dev/null "
        let gone = line + "|| rmdir '\(directory.path)/gone'; exec"
        try await Self.sells(try await Self.shell(gone, directory))
        try await Self.refuses(
            try await Self.shell(gone, directory, database: "data/l.sqlite"), 73, "cannot create data/")
        directory.remove()
    }

    @Test("C2 · with an empty environment it sells")
    func emptyEnvironment() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-odd")
        try await Self.sells(try await Self.shell("exec env -i", directory))
        directory.remove()
    }

    @Test("C2 · with a TMPDIR that is no name for a socket, or is not there, it sells or says so")
    func temporaryFolder() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-odd")
        let long = try Self.longFolder(in: directory)
        try await Self.sells(try await Self.shell("TMPDIR='\(long)' exec", directory))
        try await Self.sells(try await Self.shell("exec", directory, database: long + "/l.sqlite"))
        try await Self.refuses(
            try await Self.shell("TMPDIR='\(long)' exec", directory, strategy: "redlock"), 6,
            "the path of the socket")
        try await Self.sells(
            try await Self.shell(
                "TMPDIR='\(directory.file("missing"))' exec", directory, strategy: "redlock"))
        directory.remove()
    }

    @Test(
        "C2 · whatever the umask, it sells, and nobody else can write what it made",
        arguments: [
            "0", "777",
        ])
    func mask(umask: String) async throws {
        let directory = try TemporaryDirectory(prefix: "lab-odd")
        try await Self.sells(try await Self.shell("umask \(umask); exec", directory))
        for name in try FileManager.default.contentsOfDirectory(atPath: directory.path) {
            let attributes = try FileManager.default.attributesOfItem(atPath: directory.file(name))
            let mode = try #require(attributes[.posixPermissions] as? Int)
            #expect(mode & 0o022 == 0, "\(name): \(String(mode, radix: 8))")
        }
        directory.remove()
    }
}
