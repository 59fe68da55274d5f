import Foundation
import LabProcesses
import LabTesting
import Testing

/// The same commit builds the same versions on another day.
@Suite("The versions of packages", .timeLimit(.minutes(5)))
struct PinTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
        .standardizedFileURL.path

    private struct Ended {
        let status: LabProcesses.ExitStatus?
        let text: String
        let errors: [String]
    }

    private func run(_ words: [String]) async throws -> Ended {
        let folder = try TemporaryDirectory(prefix: "lab-pins")
        let file = folder.file("out")
        let child = try await ChildProcess.start(
            "/bin/bash",
            ["-c", "cd \"$1\" && exec \"${@:3}\" >\"$2\"", "bash", Self.root, file] + words)
        let status = await child.waitUntilExit()
        let text = try String(contentsOfFile: file, encoding: .utf8)
        folder.remove()
        return Ended(status: status, text: text, errors: child.lines())
    }

    private struct Manifest: Decodable {
        struct Dependency: Decodable {
            struct Package: Decodable {
                struct Requirement: Decodable { let exact: [String]? }

                let identity: String
                let requirement: Requirement
            }

            let sourceControl: [Package]
        }

        let dependencies: [Dependency]
    }

    private struct State: Decodable {
        struct Object: Decodable { let dependencies: [Dependency] }
        struct Dependency: Decodable {
            struct Reference: Decodable { let identity: String }
            struct Checkout: Decodable {
                struct State: Decodable { let version: String? }

                let checkoutState: State
            }

            let packageRef: Reference
            let state: Checkout
        }

        let object: Object
    }

    @Test("are pinned exactly in Package.swift, those of indirect packages too, and are what was built")
    func pins() async throws {
        let folder = try TemporaryDirectory(prefix: "lab-pins")
        let dumped = try await run(["swift", "package", "--scratch-path", folder.path, "dump-package"])
        folder.remove()
        let manifest = try JSONDecoder().decode(Manifest.self, from: Data(dumped.text.utf8))
        var pinned: [String: String] = [:]
        for package in manifest.dependencies.flatMap(\.sourceControl) {
            let version = try #require(
                package.requirement.exact?.first, "\(package.identity) is not pinned exactly")
            pinned[package.identity] = version
        }
        #expect(pinned.count > 20)

        let program = URL(filePath: try BuiltProgram.path("lab-server"))
        let scratch = program.deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let kept = try Data(contentsOf: scratch.appending(path: "workspace-state.json"))
        let state = try JSONDecoder().decode(State.self, from: kept)
        let built = Dictionary(
            uniqueKeysWithValues: state.object.dependencies.map {
                ($0.packageRef.identity, $0.state.checkoutState.version ?? "no version")
            })
        #expect(built == pinned)
    }

    @Test("stop the bill of materials when another one was built, or one that is not pinned")
    func planted() async throws {
        let script = """
            import sys
            source = open("deploy/sbom.py").read().rsplit("main()", 1)[0]
            names = {"__file__": "deploy/sbom.py", "__name__": "sbom"}
            exec(compile(source, "sbom.py", "exec"), names)
            exact = {"identity": "a", "requirement": {"exact": ["1.0.0"]}}
            ranged = {"identity": "b", "requirement": {"range": [{"lowerBound": "1.0.0", "upperBound": "2.0.0"}]}}
            pinned = names["pins"]({"dependencies": [{"sourceControl": [exact]}, {"sourceControl": [ranged]}]})
            names["check_pins"](pinned, {"a": "1.0.0"})
            names["check_pins"](pinned, {sys.argv[1]: sys.argv[2]})
            """
        let other = try await run(["python3", "-c", script, "a", "1.0.1"])
        #expect(other.status == .exited(1))
        #expect(other.errors == ["sbom: Package.swift pins a 1.0.0, and 1.0.1 was built"])
        let loose = try await run(["python3", "-c", script, "b", "1.0.0"])
        #expect(loose.status == .exited(1))
        #expect(loose.errors == ["sbom: Package.swift does not pin b exactly; 1.0.0 was built"])
        #expect(try await run(["python3", "-c", script, "a", "1.0.0"]).status == .exited(0))
    }

    /// Actions of a workflow that a tag names: a tag may point to something else tomorrow.
    private static func tagged(_ workflow: String) -> [String] {
        workflow.split(separator: "\n").compactMap { $0.firstMatch(of: /uses: *([^ ]+)/)?.1 }
            .filter { $0.wholeMatch(of: /[^@]+@[0-9a-f]{40}/) == nil }.map(String.init)
    }

    @Test("are digests where the workflows use actions")
    func actions() throws {
        let folder = Self.root + "/.github/workflows"
        let names = try FileManager.default.contentsOfDirectory(atPath: folder)
        let workflows = try names.map { try String(contentsOfFile: "\(folder)/\($0)", encoding: .utf8) }
        #expect(workflows.count == 2 && workflows.allSatisfy { $0.contains("uses: ") })
        #expect(workflows.flatMap(Self.tagged) == [])
        #expect(Self.tagged("      - uses: actions/checkout@v4\n") == ["actions/checkout@v4"])
    }
}
