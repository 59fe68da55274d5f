import Foundation
import LabProcesses
import Testing

/// The tree is what its map says. Newcomers read the map first.
@Suite("The tree")
struct TreeTests {
    private static let root: String = {
        var path = #filePath
        for _ in 0..<3 { path = (path as NSString).deletingLastPathComponent }
        return path
    }()

    private static func map() throws -> String {
        try String(contentsOfFile: root + "/docs/map.md", encoding: .utf8)
    }

    /// What git keeps, from the root on.
    private static func tracked() throws -> [String] {
        let names = try output(of: ["git", "-C", root, "ls-files"])
        return names.split(separator: "\n").map(String.init)
    }

    /// What a program prints.
    private static func output(of words: [String], input: Data? = nil) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = words
        let (output, source) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardInput = source
        try process.run()
        if let input {
            // In the background: both pipes may fill up.
            DispatchQueue.global().async {
                try? source.fileHandleForWriting.write(contentsOf: input)
                try? source.fileHandleForWriting.close()
            }
        } else {
            try source.fileHandleForWriting.close()
        }
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        return text
    }

    private struct Manifest: Decodable {
        struct Target: Decodable {
            struct Dependency: Decodable {
                let name: String?

                private enum CodingKeys: String, CodingKey {
                    case byName
                }

                init(from decoder: any Decoder) throws {
                    let values = try decoder.container(keyedBy: CodingKeys.self)
                    name = try values.decodeIfPresent([String?].self, forKey: .byName)?.first.flatMap(\.self)
                }
            }

            let name: String
            let path: String?
            let dependencies: [Dependency]
        }

        let targets: [Target]

        /// Own modules by the target that may import them.
        var arrows: [String: Set<String>] {
            Dictionary(
                uniqueKeysWithValues: targets.map { ($0.name, Set($0.dependencies.compactMap(\.name))) })
        }
    }

    /// Imports of own modules that the manifest does not allow, as `file: module`.
    private static func forbidden(_ sources: [String: String], _ arrows: [String: Set<String>]) -> [String] {
        let own = Set(arrows.keys)
        return sources.flatMap { file, text -> [String] in
            let target = file.split(separator: "/").dropFirst().first.map(String.init) ?? ""
            let imported = text.split(separator: "\n").compactMap { line -> String? in
                let words = line.split(separator: " ")
                guard let place = words.firstIndex(of: "import"), place <= 1 else { return nil }
                return words.last.map(String.init)
            }
            return imported.filter { own.contains($0) && arrows[target]?.contains($0) != true }
                .map { "\(file): \($0)" }
        }.sorted()
    }

    @Test("has no import that the manifest does not allow, and is drawn as the manifest has it")
    func arrows() throws {
        let scratch = try TemporaryDirectory(prefix: "lab-tree")
        let json = try Self.output(of: [
            "swift", "package", "--package-path", Self.root, "--scratch-path", scratch.path, "dump-package",
        ])
        scratch.remove()
        let arrows = try JSONDecoder().decode(Manifest.self, from: Data(json.utf8)).arrows
        #expect(arrows["LedgerSQLite"]?.contains("InventoryService") == true)
        var sources: [String: String] = [:]
        for file in try Self.tracked() where file.hasPrefix("Sources/") && file.hasSuffix(".swift") {
            sources[file] = try String(contentsOfFile: Self.root + "/" + file, encoding: .utf8)
        }
        #expect(Self.forbidden(sources, arrows) == [])
        let planted = ["Sources/InventoryService/Ledger/Ledger.swift": "public import LedgerSQLite\n"]
        #expect(Self.forbidden(planted, arrows).count == 1)
        let drawn = try Self.output(
            of: ["python3", Self.root + "/docs/targets.py"], input: Data(json.utf8))
        let kept = try String(contentsOfFile: Self.root + "/docs/targets.svg", encoding: .utf8)
        #expect(drawn == kept, "draw it again: ./lab targets")
    }

    /// Names of the root that the map does not have.
    private static func unnamed(_ files: [String], _ map: String) -> [String] {
        let top = Set(files.compactMap { $0.split(separator: "/").first.map(String.init) })
        return top.filter { !map.contains("`\($0)`") && !map.contains("`\($0)/") }.sorted()
    }

    @Test("has nothing at its root that the map does not name")
    func root() throws {
        let (files, map) = (try Self.tracked(), try Self.map())
        #expect(files.count > 100)
        #expect(Self.unnamed(files, map) == [])
        #expect(Self.unnamed(files + ["passlib-1.7.4-py2.py3-none-any.whl"], map).count == 1)
    }

    @Test("has every place that the map names")
    func places() throws {
        let files = try Self.tracked()
        var missing: [String] = []
        for row in try Self.map().split(separator: "\n") where row.hasPrefix("| `") {
            guard let cell = row.split(separator: "|").first else { continue }
            // Names without a slash stand beside the first one of their row.
            for part in cell.split(separator: "`") where part.contains("/") && !part.contains(" ") {
                let place = String(part)
                let isThere = files.contains { $0 == place || $0.hasPrefix(place + "/") }
                if !isThere { missing.append(place) }
            }
        }
        #expect(missing == [])
    }

    /// Rows of the tour whose file or function is not there.
    private static func lost(_ tour: String) -> [String] {
        tour.split(separator: "\n").filter { $0.hasPrefix("| `Sources/") }.compactMap { row in
            let names = row.split(separator: "`").map(String.init)
            let (file, function) = (names[1], names[3])
            let source = try? String(contentsOfFile: root + "/" + file, encoding: .utf8)
            let forms = [
                "func \(function)(", "func \(function)<", "var \(function): ", "struct \(function):",
            ]
            let isThere = forms.contains { source?.contains($0) == true }
            return isThere ? nil : "\(file): \(function)"
        }
    }

    @Test("has every file and function that the tour walks through")
    func tour() throws {
        let tour = try String(contentsOfFile: Self.root + "/docs/TOUR.md", encoding: .utf8)
        #expect(tour.split(separator: "\n").count { $0.hasPrefix("| `Sources/") } > 20)
        #expect(Self.lost(tour) == [])
        #expect(Self.lost("| `Sources/LabBenchKit/LabBench.swift` | `noSuch` | planted |").count == 1)
    }

    @Test("keeps the strategies' library in rooms: no source lies loose at its top")
    func rooms() throws {
        let loose = try Self.tracked().filter { file in
            file.hasPrefix("Sources/LockStrategies/") && file.split(separator: "/").count == 3
        }
        #expect(loose == [])
    }

    @Test("has no source of more than 400 lines, comments included")
    func lengths() throws {
        func tooLong(_ sources: [String: String]) -> [String] {
            sources.filter { $0.value.split(separator: "\n", omittingEmptySubsequences: false).count > 401 }
                .keys.sorted()
        }
        var sources: [String: String] = [:]
        for file in try Self.tracked() where file.hasSuffix(".swift") {
            sources[file] = try String(contentsOfFile: Self.root + "/" + file, encoding: .utf8)
        }
        #expect(sources.count > 400)
        #expect(tooLong(sources) == [])
        #expect(tooLong(["planted": String(repeating: "//\n", count: 401)]) == ["planted"])
    }

    /// Functions and initialisers of more than 60 lines, by file and line. The formatter puts the closing
    /// brace of a declaration below its first word.
    private static func longFunctions(_ file: String, _ text: String) -> [String] {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        return lines.indices.compactMap { first in
            guard lines[first].firstMatch(of: /^ *([a-z@()]+ )*(func |init[?(<])/) != nil else { return nil }
            let indent = lines[first].prefix { $0 == " " }
            let end = lines[(first + 1)...].firstIndex { line in
                guard line.hasPrefix(indent), let word = line.dropFirst(indent.count).first else {
                    return false
                }
                // A signature of several lines goes on with its bracket or its `where`.
                return word != " " && word != ")" && !line.dropFirst(indent.count).hasPrefix("where ")
            }
            guard let end, end - first + 1 > 60, lines[end].hasPrefix(indent + "}") else { return nil }
            return "\(file):\(first + 1)"
        }
    }

    @Test("has no function of more than 60 lines")
    func functions() throws {
        var long: [String] = []
        for file in try Self.tracked() where file.hasSuffix(".swift") {
            let text = try String(contentsOfFile: Self.root + "/" + file, encoding: .utf8)
            long += Self.longFunctions(file, text)
        }
        #expect(long == [])
        let body = String(repeating: "        step()\n", count: 59)
        #expect(
            Self.longFunctions("a", "    private func f(\n        x: Int\n    ) {\n\(body)    }\n").count == 1
        )
        #expect(
            Self.longFunctions("a", "    func f<T>()\n    where T: Sendable {\n\(body)    }\n").count == 1)
        #expect(Self.longFunctions("a", "    func f() {\n\(body.dropFirst(15))    }\n") == [])
    }
}
