extension Array where Element: Hashable {
    /// In the order in which each first appears.
    package func removingDuplicates() -> [Element] {
        var seen: Set<Element> = []
        return filter { seen.insert($0).inserted }
    }
}
