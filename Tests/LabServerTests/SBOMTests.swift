import Foundation
import LabProcesses
import LabTesting
import Testing

@testable import LabServerKit

/// What `./lab sbom` says of the program, judged by a validator that is not ours: cyclonedx-python-lib.
@Suite("The bill of materials", .serialized, .timeLimit(.minutes(10)))
struct SBOMTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
        .standardizedFileURL.path

    private func run(_ program: String, _ arguments: [String]) async throws -> (
        text: String, errors: [String]
    ) {
        let directory = try TemporaryDirectory(prefix: "lab-sbom")
        let file = directory.file("out")
        // A file holds what is too long for a log of lines.
        let child = try await ChildProcess.start(
            "/bin/bash",
            ["-c", "cd \"$1\" && exec \"${@:3}\" >\"$2\"", "bash", Self.root, file, program] + arguments)
        let status = await child.waitUntilExit()
        let text = try String(contentsOfFile: file, encoding: .utf8)
        directory.remove()
        return (status == .exited(0) ? text : "", child.lines())
    }

    private func sbom() async throws -> String {
        let program = try BuiltProgram.path("lab-server")
        // The folder of this build, in which the program lies in the folders of platform and configuration.
        let scratch = URL(filePath: program).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().path
        let made = try await run("python3", ["deploy/sbom.py", program, "--scratch-path", scratch])
        try #require(!made.text.isEmpty, "\(made.errors)")
        return made.text
    }

    private static let script = """
        import sys
        from cyclonedx.schema import SchemaVersion
        from cyclonedx.validation.json import JsonStrictValidator
        error = JsonStrictValidator(SchemaVersion.V1_5).validate_str(open(sys.argv[1]).read())
        print("valid" if error is None else error)
        """

    /// What the validator says of a document.
    private func verdict(_ text: String) async throws -> String {
        let python = try await run("./lab", ["validator"])
        let path = try #require(python.text.split(separator: "\n").last, "\(python.errors)")
        let directory = try TemporaryDirectory(prefix: "lab-sbom")
        let file = directory.file("sbom.json")
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        let judged = try await run(String(path), ["-c", Self.script, file])
        directory.remove()
        return judged.text.isEmpty ? "\(judged.errors)" : judged.text
    }

    private struct Document: Decodable {
        struct Component: Decodable {
            struct Property: Decodable {
                let name: String
                let value: String
            }
            struct Hash: Decodable { let content: String }

            let name: String
            let version: String
            let purl: String
            let properties: [Property]?
            let hashes: [Hash]?

            enum CodingKeys: String, CodingKey { case name, version, purl, properties, hashes }
        }
        struct Metadata: Decodable { let component: Component }
        struct Edge: Decodable {
            let ref: String
            let dependsOn: [String]
        }

        let metadata: Metadata
        let components: [Component]
        let dependencies: [Edge]
    }

    @Test(
        "It is valid CycloneDX, the same each time, and names all that the program is made of, with versions")
    func contents() async throws {
        let text = try await sbom()
        #expect(try await sbom() == text)
        #expect(try await verdict(text) == "valid\n")
        let document = try JSONDecoder().decode(Document.self, from: Data(text.utf8))
        let program = document.metadata.component
        #expect(program.name == "lab-server" && program.version == LabServer.version)
        #expect(program.hashes?.first?.content.count == 64)
        let commit = try #require(program.properties?.first { $0.name == "lab:commit" }?.value)
        #expect(commit.contains(/^[0-9a-f]{40}( with changes)?$/), "\(commit)")

        let versions = Dictionary(grouping: document.components, by: \.name).mapValues { $0.map(\.version) }
        for name in [
            "hummingbird", "GRDB", "swift-nio", "swift-nio-ssl", "swift-log", "swift-argument-parser",
            "swift-service-lifecycle", "boringssl", "swift-runtime", "libhiredis0.14", "libpq5",
            "libsqlite3-0", "libssl3", "libcrypt1", "libc6",
        ] { #expect(versions[name]?.allSatisfy { !$0.isEmpty } == true, "\(name) is missing") }
        // Of lab-bench only.
        #expect(versions["hdrhistogram-swift"] == nil && versions["zlib1g"] == nil)
        let references = Set(document.components.map(\.purl))
        #expect(
            references.contains(
                "pkg:swift/github.com/groue/GRDB.swift@\(versions["GRDB"]?.first ?? "")"))
        #expect(document.components.map(\.purl) == references.sorted())
        // Everything is reached from the program.
        let edges = Dictionary(uniqueKeysWithValues: document.dependencies.map { ($0.ref, $0.dependsOn) })
        var reached: Set<String> = []
        var next = [program.purl]
        while let reference = next.popLast() {
            guard reached.insert(reference).inserted else { continue }
            next += edges[reference] ?? []
        }
        #expect(reached == references.union([program.purl]))
    }

    @Test("The validator refuses a component without a name: it can fail")
    func planted() async throws {
        let text = try await sbom().replacing(#""name": "hummingbird","#, with: "")
        #expect(try await verdict(text).contains("'name' is a required property"))
    }
}
