import Foundation
import LabProcesses
import LabTesting
import Testing

/// `./lab` in a folder of its own, beside a compiler that only writes down how it was called.
@Suite("The entry point", .timeLimit(.minutes(2)))
struct EntryPointTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
        .standardizedFileURL.path

    /// Writes its arguments down, and makes a program that prints its own.
    private static let compiler = """
        #!/bin/bash
        echo "swift $*" >>calls
        echo "warning: a file of another package is unhandled"
        echo "[1/2] Compiling Something.swift"
        if [[ -e broken ]]; then
            echo "Sources/A/A.swift:1:2: error: no such thing"
            exit 1
        fi
        mkdir -p .build-release/release
        for program in lab-server lab-bench; do
            printf '#!/bin/bash\\necho "%s $*"\\n' "$program" >".build-release/release/$program"
            chmod +x ".build-release/release/$program"
        done
        echo "✔ Test run with 1 test passed"
        """

    private struct Ended {
        let status: LabProcesses.ExitStatus?
        let lines: [String]
        /// How the compiler was called.
        let calls: [String]
    }

    /// A folder with the entry point and the compiler.
    private func folder() throws -> TemporaryDirectory {
        let folder = try TemporaryDirectory(prefix: "lab-entry")
        try FileManager.default.copyItem(atPath: Self.root + "/lab", toPath: folder.file("lab"))
        try Self.compiler.write(toFile: folder.file("swift"), atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder.file("swift"))
        return folder
    }

    /// Runs a line of a shell in the folder; the calls are those of this line.
    private func run(
        _ line: String, in folder: TemporaryDirectory, variables: [String: String] = [:]
    ) async throws -> Ended {
        try? FileManager.default.removeItem(atPath: folder.file("calls"))
        var environment = ProcessInfo.processInfo.environment.merging(variables) { $1 }
        environment["PATH"] = "\(folder.path):\(environment["PATH"] ?? "")"
        environment["TMPDIR"] = folder.path
        let child = try await ChildProcess.start(
            "/bin/bash", ["-c", "cd '\(folder.path)' && \(line)"], environment: environment)
        let status = await child.waitUntilExit()
        let calls = (try? String(contentsOfFile: folder.file("calls"), encoding: .utf8)) ?? ""
        return Ended(
            status: status, lines: child.lines(),
            calls: calls.split(separator: "\n").map(String.init))
    }

    @Test("builds with one flag for colour, in a pipe and on a terminal; warnings of others are not shown")
    func colour() async throws {
        let folder = try folder()
        let piped = try await run("./lab strategies --json", in: folder)
        #expect(piped.status == .exited(0) && piped.lines.last == "lab-bench strategies --json")
        let terminal = try await run("script -qec './lab strategies --json' /dev/null", in: folder)
        #expect(piped.calls.count == 1 && piped.calls == terminal.calls)
        #expect(piped.calls.allSatisfy { $0.contains(" --no-color-diagnostics ") })
        #expect(!(piped.lines + terminal.lines).contains { $0.contains("another package") })
        // What the build is at, on a terminal only.
        #expect(terminal.lines.contains { $0.contains("[1/2] Compiling Something.swift") })
        #expect(!piped.lines.contains { $0.contains("[1/2]") })
        folder.remove()
    }

    @Test("links the runtime into release programs where the toolchain has it as an archive")
    func runtime() async throws {
        let folder = try folder()
        let without = try await run("./lab strategies", in: folder)
        #expect(without.calls.count == 1 && !without.calls[0].contains("static"))
        // As a toolchain is laid out: the compiler in bin, which the PATH has a link to.
        for part in ["usr/bin", "usr/lib/swift_static/linux"] {
            try FileManager.default.createDirectory(
                atPath: folder.file(part), withIntermediateDirectories: true)
        }
        try FileManager.default.moveItem(atPath: folder.file("swift"), toPath: folder.file("usr/bin/swift"))
        try FileManager.default.createSymbolicLink(
            atPath: folder.file("swift"), withDestinationPath: folder.file("usr/bin/swift"))
        let with = try await run("./lab strategies", in: folder)
        #expect(with.calls.count == 1 && with.calls[0].contains(" --static-swift-stdlib "))
        folder.remove()
    }

    @Test("shows the errors of a build that fails, in a pipe and on a terminal", arguments: [false, true])
    func failure(onTerminal: Bool) async throws {
        let folder = try folder()
        try "".write(toFile: folder.file("broken"), atomically: true, encoding: .utf8)
        let words = "./lab report x"
        let ended = try await run(onTerminal ? "script -qec '\(words)' /dev/null" : words, in: folder)
        #expect(ended.status == .exited(1))
        #expect(ended.lines.contains { $0.contains("A.swift:1:2: error: no such thing") }, "\(ended.lines)")
        #expect(ended.lines.last?.contains("the build failed") == true)
        folder.remove()
    }

    @Test("builds nothing for --help and --version of a program that is built")
    func words() async throws {
        let folder = try folder()
        #expect(try await run("./lab compare --help", in: folder).calls.count == 1)
        for (line, answer) in [
            ("bench --help", "lab-bench run --help"), ("compare --version", "lab-bench compare --version"),
            ("serve -h", "lab-server serve -h"),
        ] {
            let ended = try await run("./lab \(line)", in: folder)
            #expect(ended.lines == [answer] && ended.calls.isEmpty)
        }
        #expect(try await run("./lab selftest", in: folder).calls.count == 2)
        folder.remove()
    }

    @Test(
        "refuses at once what swift test would refuse after the build, or what would change the build",
        arguments: [
            ("--enable-code-coverage", "./lab test --coverage"),
            ("--sanitize=thread", "./lab check --threads"),
            ("-c release", "changes the build"), ("-Xswiftc -O", "changes the build"),
            ("--fliter X", "--fliter is no option"), ("--filter", "a value is missing behind --filter"),
        ])
    func refusals(options: String, sentence: String) async throws {
        let folder = try folder()
        let ended = try await run("./lab test \(options)", in: folder)
        #expect(ended.status == .exited(64) && ended.calls.isEmpty)
        #expect(ended.lines.count == 1 && ended.lines.first?.contains(sentence) == true, "\(ended.lines)")
        folder.remove()
    }

    @Test("completes for the shells that it knows, and names them for another")
    func completion() async throws {
        let folder = try folder()
        let zsh = try await run("./lab completion zsh", in: folder)
        #expect(zsh.lines.last == "lab-bench --generate-completion-script zsh")
        #expect(try await run("./lab completion csh", in: folder).status == .exited(64))
        folder.remove()
    }
}
