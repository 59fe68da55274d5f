extension String {
    /// Filled with spaces on the right, for columns of a terminal.
    package func padding(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }

    /// Filled with spaces on the left, for columns of numbers.
    package func leading(to width: Int) -> String {
        String(repeating: " ", count: max(0, width - count)) + self
    }

    /// Without the spaces at its end.
    package var trimmedEnd: String {
        var text = self[...]
        while text.last == " " { text.removeLast() }
        return String(text)
    }

    /// In lines of so many characters at most, cut between words; a longer word keeps a line of its own.
    ///
    /// - Parameter start: Characters that the first line has already.
    package func wrapped(to width: Int, after start: Int = 0) -> String {
        var length = start
        var text = ""
        for word in split(separator: " ", omittingEmptySubsequences: false) {
            if text.isEmpty {
                text += word
                length += word.count
            } else if length + 1 + word.count > width {
                text += "\n" + word
                length = word.count
            } else {
                text += " " + word
                length += 1 + word.count
            }
        }
        return text
    }
}
