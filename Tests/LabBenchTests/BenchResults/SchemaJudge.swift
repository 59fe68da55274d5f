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
        import json, sys
        # Its check of the format of an IRI, which no schema here asks for, builds a grammar for seconds.
        sys.modules["rfc3987_syntax"] = None
        import jsonschema
        schema = json.load(open(sys.argv[1]))
        jsonschema.Draft202012Validator.check_schema(schema)
        def refuse(word): raise ValueError(word)
        texts = open(sys.argv[2]).read()
        documents = [json.loads(text, parse_constant=refuse)
            for text in (texts.splitlines() if sys.argv[3] == "lines" else [texts])]
        errors = [list(jsonschema.Draft202012Validator(schema).iter_errors(document)) for document in documents]
        for number, found in enumerate(errors, 1):
            for error in found[:5]: print(*([number] if len(errors) > 1 else []), error.json_path, error.message[:300])
        sys.exit(1 if any(errors) else 0)
        """

    /// - Parameter schema: Of `docs/schema`, by its name without the ending.
    /// - Returns: What the validator has against the document; empty when it is valid.
    static func complaints(_ document: Data, schema name: String) async throws -> [String] {
        try await complaints(document, "document", schema: name)
    }

    /// The same for a file of which each line is a document; a complaint begins with the number of its line.
    static func complaints(ofLines documents: Data, schema name: String) async throws -> [String] {
        try await complaints(documents, "lines", schema: name)
    }

    private static func complaints(
        _ document: Data, _ kind: String, schema name: String
    ) async throws -> [String] {
        let lab = try await ChildProcess.start(Self.root + "/lab", ["validator"])
        let status = await lab.waitUntilExit()
        let python = lab.lines(of: .standardOutput).last
        try #require(status.isSuccess, "./lab validator: \(lab.lines().joined(separator: "; "))")
        let directory = try TemporaryDirectory()
        let file = directory.file("document.json")
        try document.write(to: URL(fileURLWithPath: file))
        let schema = Self.root + "/docs/schema/\(name).schema.json"
        let child = try await ChildProcess.start(
            try #require(python), ["-c", Self.script, schema, file, kind])
        let end = await child.waitUntilExit()
        directory.remove()
        let lines = child.lines()
        return end.isSuccess ? [] : lines.isEmpty ? ["ended with \(end)"] : lines
    }
}
