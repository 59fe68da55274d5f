extension String {
    /// Filled with spaces on the right, for columns of a terminal.
    package func padding(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
