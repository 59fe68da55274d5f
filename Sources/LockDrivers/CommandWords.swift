/// A command line as words, split as a POSIX shell splits it. No shell runs: a variable, a pattern or a pipe
/// stays the text that it is.
package enum CommandWords {
    /// - Throws: A sentence when a quote is not closed, or nothing follows a backslash.
    package static func split(_ text: String) throws(DriverError) -> [String] {
        var words: [String] = []
        /// Nil between two words; a pair of quotes alone is an empty word.
        var word: String?
        var rest = text[...]
        while let letter = rest.popFirst() {
            switch letter {
            case "'":
                guard let end = rest.firstIndex(of: "'") else { throw unclosed("'", text) }
                word = (word ?? "") + rest[..<end]
                rest = rest[rest.index(after: end)...]
            case "\"":
                word = (word ?? "") + (try quoted(&rest, text))
            case "\\":
                guard let next = rest.popFirst() else {
                    throw DriverError(.notStarted, "nothing follows the backslash at the end of: \(text)")
                }
                word = (word ?? "") + (next == "\n" ? "" : String(next))
            case let space where space.isWhitespace:
                if let word { words.append(word) }
                word = nil
            default:
                word = (word ?? "") + String(letter)
            }
        }
        if let word { words.append(word) }
        return words
    }

    /// Up to the closing double quote. A backslash there is one only before the letters that it can quote.
    private static func quoted(_ rest: inout Substring, _ text: String) throws(DriverError) -> String {
        var part = ""
        while let letter = rest.popFirst() {
            if letter == "\"" { return part }
            guard letter == "\\", let next = rest.first else {
                part.append(letter)
                continue
            }
            if "$`\"\\\n".contains(next) {
                rest.removeFirst()
                if next != "\n" { part.append(next) }
            } else {
                part.append(letter)
            }
        }
        throw unclosed("\"", text)
    }

    private static func unclosed(_ quote: String, _ text: String) -> DriverError {
        DriverError(.notStarted, "the quote \(quote) is not closed in: \(text)")
    }
}
