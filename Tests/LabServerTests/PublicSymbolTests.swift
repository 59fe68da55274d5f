import Foundation
import LabProcesses
import Testing

/// What `./lab docs` asks of public symbols, on symbol graphs as the compiler writes them.
@Suite("Public symbols without a comment", .timeLimit(.minutes(1)))
struct PublicSymbolTests {
    private static let script = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../docs/symbols.py").standardizedFileURL.path

    /// A public function, with what stands beside it.
    private func graph(comment: String = "", inherited: String = "") -> String {
        """
        {"symbols": [{"identifier": {"precise": "s:f"}, "pathComponents": ["Lock", "acquire(_:)"]\(comment),
          "location": {"uri": "file:///tree/Lock.swift", "position": {"line": 6, "character": 1}}}],
         "relationships": [{"kind": "memberOf", "source": "s:f", "target": "s:Lock"\(inherited)}]}
        """
    }

    private func judge(_ graph: String?) async throws -> (end: LabProcesses.ExitStatus, lines: [String]) {
        let folder = try TemporaryDirectory()
        if let graph {
            try graph.write(toFile: folder.file("Lock.symbols.json"), atomically: true, encoding: .utf8)
        }
        let child = try await ChildProcess.start("python3", [Self.script, folder.path])
        return (await child.waitUntilExit(), child.lines())
    }

    @Test("are named by file and line, and fail")
    func bare() async throws {
        let (end, lines) = try await judge(graph())
        #expect(end == .exited(1))
        #expect(lines.first?.hasSuffix("Lock.swift:7: Lock.acquire(_:) is public and has no comment") == true)
    }

    @Test("are none where a comment stands there or comes from a protocol")
    func commented() async throws {
        let own = try await judge(graph(comment: #", "docComment": {"lines": [{"text": "Waits."}]}"#))
        #expect(own.end == .exited(0), "\(own.lines)")
        let origin = #", "sourceOrigin": {"identifier": "s:g", "displayName": "LeaseLock.acquire(_:)"}"#
        let inherited = try await judge(graph(inherited: origin))
        #expect(inherited.end == .exited(0), "\(inherited.lines)")
    }

    @Test("are not looked for in an empty folder: that is an error")
    func empty() async throws {
        #expect(try await judge(nil).end == .exited(1))
    }
}
