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

    /// The words of a title as the name of a place on the page.
    static func anchor(_ title: some StringProtocol) -> String {
        title.lowercased().split { !($0.isASCII && ($0.isLetter || $0.isNumber)) }.joined(separator: "-")
    }

    /// A heading that can be linked to, and links to itself.
    static func heading(_ text: some StringProtocol) -> String {
        let name = anchor(text)
        return "<h2 id=\"\(name)\">\(inline(text)) <a class=\"permalink\" href=\"#\(name)\" "
            + "aria-label=\"Link to \(escaped(text))\">#</a></h2>"
    }

    /// Headings, tables, lists, code blocks and paragraphs of ``MarkdownReport``.
    ///
    /// - Parameter place: Tells tables with the same heads apart, for who hears the page.
    static func rendered(_ markdown: [String], _ palette: Palette, in place: String = "") -> String {
        var blocks: [String] = []
        var lines = markdown[...]
        while let line = lines.first {
            if line.isEmpty {
                lines.removeFirst()
            } else if line.hasPrefix("#") {
                let level = line.prefix { $0 == "#" }.count
                let text = line.dropFirst(level + 1)
                blocks.append(level == 2 ? heading(text) : "<h\(level)>\(inline(text))</h\(level)>")
                lines.removeFirst()
            } else if line.hasPrefix("```") {
                lines.removeFirst()
                let code = take(&lines) { !$0.hasPrefix("```") }
                lines = lines.dropFirst()
                blocks.append("<pre><code>\(code.map(escaped).joined(separator: "\n"))</code></pre>")
            } else if line.hasPrefix("|") {
                blocks.append(table(take(&lines) { $0.hasPrefix("|") }, palette, place))
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

    private static func table(_ lines: [String], _ palette: Palette, _ place: String) -> String {
        let rows = lines.map {
            $0.dropFirst(2).dropLast(2).split(separator: " | ", omittingEmptySubsequences: false)
        }
        guard let header = rows.first else { return "" }
        func text(_ cell: Substring) -> String { inline(cell.replacing(#"\|"#, with: "|")) }
        func row(_ cells: [Substring]) -> String {
            let first = cells.prefix(1).map { cell in
                // The name of a strategy is one word.
                "<th scope=\"row\"\(palette.knows(cell) ? " class=\"id\"" : "")>\(text(cell))</th>"
            }
            return "<tr>"
                + (first
                + cells.dropFirst().map { cell in
                    // A short one is not broken; a sentence may be.
                    "<td\(cell.count > 24 ? " class=\"text\"" : "")>\(text(cell))</td>"
                }).joined() + "</tr>"
        }
        let head = header.map { cell in
            // A cell without words heads nothing.
            cell.isEmpty ? "<td></td>" : "<th scope=\"col\"\(explained(cell))>\(text(cell))</th>"
        }
        let body = rows.dropFirst(2).map(row).joined(separator: "\n")
        let name =
            header.filter { !$0.isEmpty }.prefix(3).joined(separator: ", ")
            + (place.isEmpty ? "" : "; \(place)")
        return
            "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Table: \(escaped(name))\"><table><thead><tr>\(head.joined())</tr></thead>\n<tbody>\(body)</tbody></table></div>"
    }

    /// The terms in the heads of the tables, explained below them.
    static func terms(of lines: [String]) -> String {
        let heads = zip(lines, lines.dropFirst()).filter { $1.hasPrefix("| ---") }.map(\.0)
        let titles = heads.flatMap {
            $0.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
        }
        let known = titles.removingDuplicates().compactMap { term in
            Glossary.meaning(of: term).map { (term, $0) }
        }
        guard !known.isEmpty else { return "" }
        let list = known.map { "<dt>\(escaped($0.0))</dt><dd>\(escaped($0.1))</dd>" }.joined()
        return "\n<details class=\"terms\"><summary>What the columns mean</summary><dl>\(list)</dl></details>"
    }

    /// What a column means, for somebody who points at it.
    private static func explained(_ title: Substring) -> String {
        Glossary.meaning(of: String(title)).map { " title=\"\(escaped($0))\"" } ?? ""
    }

    /// `code`, **strong**, and [words](of a file beside). A sign behind a backslash stands for itself.
    static func inline(_ text: some StringProtocol) -> String {
        var result = ""
        let parts = masked(text).split(separator: "`", omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            if index % 2 == 1 {
                result += "<code>\(escaped(part))</code>"
                continue
            }
            let strong = escaped(part).split(separator: "**", omittingEmptySubsequences: false)
            for (place, words) in strong.enumerated() {
                result += place % 2 == 1 ? "<strong>\(words)</strong>" : links(words)
            }
        }
        return unmasked(result)
    }

    private static let signs = Array(#"\`*_[]<>&"#)
    /// Of Unicode's private use: no text of ours has one.
    private static let firstMask: UInt32 = 0xE000

    /// Signs behind a backslash as characters that mean nothing; code keeps its backslashes.
    private static func masked(_ text: some StringProtocol) -> String {
        guard text.contains("\\") else { return String(text) }
        var result = ""
        var isCode = false
        var isBehind = false
        for character in text {
            if isBehind, let place = signs.firstIndex(of: character),
                let mask = Unicode.Scalar(firstMask + UInt32(place))
            {
                result.removeLast()
                result.unicodeScalars.append(mask)
                isBehind = false
                continue
            }
            if character == "`" { isCode.toggle() }
            isBehind = character == "\\" && !isCode
            result.append(character)
        }
        return result
    }

    private static func unmasked(_ html: String) -> String {
        guard html.unicodeScalars.contains(where: { $0.value >= firstMask }) else { return html }
        var result = ""
        for scalar in html.unicodeScalars {
            let place = Int(scalar.value) - Int(firstMask)
            if signs.indices.contains(place) {
                result += escaped(String(signs[place]))
            } else {
                result.unicodeScalars.append(scalar)
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
