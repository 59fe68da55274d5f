/// The name that somebody meant who typed another one.
package enum NearName {
    /// - Returns: Nil where none of the names is near.
    package static func suggestion(for name: String, among names: [String]) -> String? {
        let typed = name.lowercased()
        let near = names.map { (name: $0, distance: distance(typed, $0)) }.min {
            $0.distance < $1.distance
        }
        guard let near else { return nil }
        let isStart = typed.count >= 3 && near.name.hasPrefix(typed)
        // Two slips, or one in three letters of a short name.
        return isStart || near.distance <= max(1, min(typed.count / 3, 2))
            ? near.name : names.first { typed.count >= 3 && $0.hasPrefix(typed) }
    }

    /// Letters to put in, take out or replace, to come from one word to another one (Levenshtein).
    private static func distance(_ one: String, _ other: String) -> Int {
        let (one, other) = (Array(one), Array(other))
        var row = Array(0...other.count)
        for (index, letter) in one.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for column in other.indices {
                let above = row[column + 1]
                row[column + 1] = min(
                    above + 1, row[column] + 1, diagonal + (letter == other[column] ? 0 : 1))
                diagonal = above
            }
        }
        return row[other.count]
    }
}
