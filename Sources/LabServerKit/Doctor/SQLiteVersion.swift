/// A version of SQLite, as far as one of its faults depends on it.
struct SQLiteVersion: Sendable, Hashable, Comparable {
    let major: Int
    let minor: Int
    let patch: Int

    /// Nil for what is not three numbers.
    init?(_ text: String) {
        let parts = text.split(separator: ".").map { Int($0) }
        guard parts.count >= 3, let major = parts[0], let minor = parts[1], let patch = parts[2] else {
            return nil
        }
        (self.major, self.minor, self.patch) = (major, minor, patch)
    }

    static func < (left: SQLiteVersion, right: SQLiteVersion) -> Bool {
        (left.major, left.minor, left.patch) < (right.major, right.minor, right.patch)
    }

    /// Two connections that write or checkpoint a WAL at once can lose committed pages: in all versions since
    /// the WAL came (3.7.0), fixed in 3.51.3 and in the patches 3.50.7 and 3.44.6.
    var hasWALResetRace: Bool {
        guard major == 3, minor >= 7 else { return false }
        switch minor {
        case 44: return patch < 6
        case 50: return patch < 7
        case 51: return patch < 3
        default: return minor < 51
        }
    }
}
