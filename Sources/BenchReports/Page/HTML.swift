import BenchModel
import Foundation

/// Text as HTML, and the small part of Markdown that the report uses.
enum HTML {
    static func escaped(_ text: some StringProtocol) -> String {
        var result = ""
        for character in text {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            default: result.append(character)
            }
        }
        return result
    }

    /// Headings, tables, lists, code blocks and paragraphs of ``MarkdownReport``.
    static func rendered(_ markdown: [String], _ palette: Palette) -> String {
        var blocks: [String] = []
        var lines = markdown[...]
        while let line = lines.first {
            if line.isEmpty {
                lines.removeFirst()
            } else if line.hasPrefix("#") {
                let level = line.prefix { $0 == "#" }.count
                blocks.append("<h\(level)>\(inline(line.dropFirst(level + 1)))</h\(level)>")
                lines.removeFirst()
            } else if line.hasPrefix("```") {
                lines.removeFirst()
                let code = take(&lines) { !$0.hasPrefix("```") }
                lines = lines.dropFirst()
                blocks.append("<pre><code>\(code.map(escaped).joined(separator: "\n"))</code></pre>")
            } else if line.hasPrefix("|") {
                blocks.append(table(take(&lines) { $0.hasPrefix("|") }, palette))
            } else if line.hasPrefix("- ") {
                let items = take(&lines) { $0.hasPrefix("- ") }.map { "<li>\(inline($0.dropFirst(2)))</li>" }
                blocks.append("<ul>\(items.joined(separator: "\n"))</ul>")
            } else {
                let text = take(&lines) { line in
                    !line.isEmpty && !["#", "|", "```", "- "].contains { line.hasPrefix($0) }
                }
                blocks.append("<p>\(inline(text.joined(separator: " ")))</p>")
            }
        }
        return blocks.joined(separator: "\n")
    }

    private static func take(_ lines: inout ArraySlice<String>, _ belongs: (String) -> Bool) -> [String] {
        let taken = Array(lines.prefix(while: belongs))
        lines = lines.dropFirst(taken.count)
        return taken
    }

    private static func table(_ lines: [String], _ palette: Palette) -> String {
        let rows = lines.map {
            $0.dropFirst(2).dropLast(2).split(separator: " | ", omittingEmptySubsequences: false)
        }
        guard let header = rows.first else { return "" }
        func row(_ cells: [Substring], _ tag: String) -> String {
            "<tr>"
                + cells.map { cell in
                    // The name of a strategy is one word.
                    let open = palette.knows(cell) ? "\(tag) class=\"id\"" : tag
                    return "<\(open)>\(inline(cell.replacing(#"\|"#, with: "|")))</\(tag)>"
                }.joined()
                + "</tr>"
        }
        let body = rows.dropFirst(2).map { row($0, "td") }.joined(separator: "\n")
        return
            "<div class=\"wide\"><table><thead>\(row(header, "th"))</thead>\n<tbody>\(body)</tbody></table></div>"
    }

    /// `code`, **strong**, and [words](of a file beside).
    private static func inline(_ text: some StringProtocol) -> String {
        var result = ""
        for (index, part) in text.split(separator: "`", omittingEmptySubsequences: false).enumerated() {
            if index % 2 == 1 {
                result += "<code>\(escaped(part))</code>"
                continue
            }
            let strong = escaped(part).split(separator: "**", omittingEmptySubsequences: false)
            for (place, words) in strong.enumerated() {
                result += place % 2 == 1 ? "<strong>\(words)</strong>" : links(words)
            }
        }
        return result
    }

    private static func links(_ text: Substring) -> String {
        guard let middle = text.range(of: "]("), let open = text[..<middle.lowerBound].lastIndex(of: "["),
            let close = text[middle.upperBound...].firstIndex(of: ")")
        else { return String(text) }
        let words = text[text.index(after: open)..<middle.lowerBound]
        let address = text[middle.upperBound..<close]
        return text[..<open] + "<a href=\"\(address)\">\(words)</a>"
            + links(text[text.index(after: close)...])
    }
}
