import Foundation
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
        let git = Process()
        git.executableURL = URL(filePath: "/usr/bin/env")
        git.arguments = ["git", "-C", root, "ls-files"]
        let output = Pipe()
        git.standardOutput = output
        try git.run()
        let names = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        git.waitUntilExit()
        try #require(git.terminationStatus == 0)
        return names.split(separator: "\n").map(String.init)
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
            let isThere =
                source?.contains("func \(function)(") == true || source?.contains("func \(function)<") == true
            return isThere ? nil : "\(file): \(function)"
        }
    }

    @Test("has every file and function that the tour walks through")
    func tour() throws {
        let tour = try String(contentsOfFile: Self.root + "/docs/TOUR.md", encoding: .utf8)
        #expect(tour.split(separator: "\n").count { $0.hasPrefix("| `Sources/") } > 20)
        #expect(Self.lost(tour) == [])
        #expect(Self.lost("| `Sources/lab-bench/LabBench.swift` | `noSuch` | planted |").count == 1)
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
}
