import Foundation
import LabProcesses
import LabTesting
import Testing

@Suite("The program that is shipped", .timeLimit(.minutes(5)))
struct SymbolsTests {
    private static let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../deploy/split-symbols.sh").standardized.path

    private static func size(_ path: String) throws -> Int {
        try #require(FileManager.default.attributesOfItem(atPath: path)[.size] as? Int)
    }

    @Test("D · is smaller without what only a debugger reads, and its backtraces still name functions")
    func backtrace() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-symbols")
        let built = try BuiltProgram.path("lab-server")
        let shipped = directory.file("lab-server")
        let split = try await ChildProcess.start("/bin/bash", [Self.script, built, shipped])
        #expect(await split.waitUntilExit() == .exited(0), "\(split.lines())")
        #expect(try Self.size(shipped) * 10 < Self.size(built) * 9)
        #expect(try Self.size(shipped + ".debug") > 0)

        var environment = ProcessInfo.processInfo.environment
        environment["SWIFT_BACKTRACE"] = "enable=yes,color=no,interactive=no"
        let server = try await ChildProcess.start(
            shipped,
            [
                "serve", "--dev", "--bcrypt-cost", "4", "--port", "0", "--database",
                "sqlite:" + directory.file("l.sqlite"),
            ], environment: environment)
        _ = try #require(
            await server.line(within: .seconds(60)) { $0.contains("listening on") }, "\(server.lines())")
        kill(server.processIdentifier, SIGSEGV)
        // A function of this program, by its name.
        let named = await server.line(of: .standardError, within: .seconds(120)) {
            $0.contains("ChildProcess.") && $0.contains(" in lab-server")
        }
        #expect(named != nil, "\(server.lines(of: .standardError).suffix(20))")
        await server.terminate(grace: .seconds(1))
        directory.remove()
    }
}
