import Foundation
import Testing

/// What the articles of the strategies name as their evidence, held against the tests.
@Suite struct EvidenceTableTests {
    /// A line of a table whose first columns are a file of tests and the title of one.
    private struct Row: Sendable {
        let article: String
        let file: String
        let title: String
    }

    private static let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
        .standardizedFileURL

    private static func rows() throws -> [Row] {
        let articles = try FileManager.default.contentsOfDirectory(
            at: root.appending(path: "docs/strategies"), includingPropertiesForKeys: nil)
        return try articles.filter { $0.pathExtension == "md" }.flatMap { article in
            rows(of: try String(contentsOf: article, encoding: .utf8), in: article.lastPathComponent)
        }
    }

    private static func rows(of text: String, in article: String) -> [Row] {
        var found: [Row] = []
        var isEvidence = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let isHead = line.hasPrefix("| where | title |") || line.hasPrefix("| file | title |")
            isEvidence = isHead || isEvidence && line.hasPrefix("|")
            guard isEvidence, !isHead, !line.hasPrefix("| ---") else { continue }
            let cells = line.dropFirst(2).components(separatedBy: " |")
            let title = (cells.count > 1 ? cells[1] : "").trimmingCharacters(in: .whitespaces)
            found.append(Row(article: article, file: cells[0], title: title))
        }
        return found
    }

    /// The sources of the tests by their paths, without `.swift`.
    private static func sources() throws -> [String: String] {
        let tests = root.appending(path: "Tests")
        var texts: [String: String] = [:]
        for path in try FileManager.default.subpathsOfDirectory(atPath: tests.path)
        where path.hasSuffix(".swift") {
            texts["Tests/" + path.dropLast(".swift".count)] = try String(
                contentsOf: tests.appending(path: path), encoding: .utf8)
        }
        return texts
    }

    private static let numbers = [
        "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
        "thirteen", "fourteen", "fifteen",
    ]

    /// Why a row is not true; nil: it is.
    private static func complaint(_ row: Row, _ sources: [String: String]) -> String? {
        let files = sources.filter { $0.key.hasSuffix("/" + row.file) || $0.key == row.file }
        guard files.count == 1, let text = files.first?.value else {
            return "\(row.article): \(files.count) files are named \(row.file)"
        }
        // A file of a pure machine is named as a whole: so many tests of something.
        if let number = row.title.prefixMatch(of: /([a-z]+) tests of\s/)?.1 {
            let count = text.matches(of: /@Test\b/).count
            return numbers.firstIndex(of: String(number)).map { $0 + 2 } == count
                ? nil : "\(row.article): \(row.file) has \(count) tests, not \(number)"
        }
        return text.contains("\"\(row.title)\"") ? nil : "\(row.article): \(row.file) has no “\(row.title)”"
    }

    @Test("Every test that an article of a strategy names as its evidence is there, under that title")
    func titles() throws {
        let sources = try Self.sources()
        let rows = try Self.rows()
        #expect(rows.count > 100)
        #expect(Set(rows.map(\.article)).count == 13)
        for row in rows { #expect(Self.complaint(row, sources) == nil) }
    }

    @Test("A title that nobody has, a file that is not there and a wrong count are found")
    func planted() throws {
        let table = """
            | where | title |
            | --- | --- |
            | A/OneTests | first |
            | OneTests | second |
            | TwoTests | first |
            | OneTests | two tests of a kind |
            | OneTests | three tests of a kind |

            | name | title |
            | OneTests | third |
            """
        let sources = ["Tests/A/OneTests": #"@Test("first") func a() {} @Test("other") func b() {}"#]
        let found = Self.rows(of: table, in: "x.md").map { Self.complaint($0, sources) }
        #expect(
            found == [
                nil, "x.md: OneTests has no “second”", "x.md: 0 files are named TwoTests", nil,
                "x.md: OneTests has 2 tests, not three",
            ])
    }
}
