import Foundation
import LabProcesses
import Testing

/// A document against a committed JSON Schema, judged by a validator that is not ours: python's jsonschema,
/// in the version that `./lab` installs into the build folder.
enum SchemaJudge {
    private static let root: String = {
        var path = #filePath
        for _ in 0..<4 { path = (path as NSString).deletingLastPathComponent }
        return path
    }()

    private static let script = """
        import json, sys, jsonschema
        schema = json.load(open(sys.argv[1]))
        jsonschema.Draft202012Validator.check_schema(schema)
        def refuse(word): raise ValueError(word)
        document = json.load(open(sys.argv[2]), parse_constant=refuse)
        errors = list(jsonschema.Draft202012Validator(schema).iter_errors(document))
        for error in errors[:5]: print(error.json_path, error.message[:300])
        sys.exit(1 if errors else 0)
        """

    /// - Parameter schema: Of `docs/schema`, by its name without the ending.
    /// - Returns: What the validator has against the document; empty when it is valid.
    static func complaints(_ document: Data, schema name: String) async throws -> [String] {
        let lab = try await ChildProcess.start(Self.root + "/lab", ["validator"])
        let status = await lab.waitUntilExit()
        let python = lab.lines(of: .standardOutput).last
        try #require(status.isSuccess, "./lab validator: \(lab.lines().joined(separator: "; "))")
        let directory = try TemporaryDirectory()
        let file = directory.file("document.json")
        try document.write(to: URL(fileURLWithPath: file))
        let schema = Self.root + "/docs/schema/\(name).schema.json"
        let child = try await ChildProcess.start(try #require(python), ["-c", Self.script, schema, file])
        let end = await child.waitUntilExit()
        directory.remove()
        let lines = child.lines()
        return end.isSuccess ? [] : lines.isEmpty ? ["ended with \(end)"] : lines
    }
}
