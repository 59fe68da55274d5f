/// The rules of a `tracestate` header: up to 32 entries `key=value` with commas between. We add none of our
/// own.
enum TraceState {
    /// What everybody has to hand on; we hand on no more.
    private static let longest = 512
    private static let mostEntries = 32

    /// Whether it can be handed on as it is.
    static func isValid(_ header: String) -> Bool {
        guard (1...longest).contains(header.utf8.count) else { return false }
        var keys: Set<[UInt8]> = []
        let entries = header.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
        guard entries.count <= mostEntries else { return false }
        for entry in entries {
            let trimmed = trim(entry)
            // An entry may be empty.
            guard !trimmed.isEmpty else { continue }
            let parts = trimmed.split(
                separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, isKey(parts[0]), isValue(parts[1]), keys.insert(Array(parts[0])).inserted
            else { return false }
        }
        return !keys.isEmpty
    }

    /// Without the blanks and tabs around it.
    private static func trim(_ entry: Substring.UTF8View.SubSequence) -> Substring.UTF8View.SubSequence {
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
        guard let last = entry.lastIndex(where: { !isBlank($0) }) else { return entry.prefix(0) }
        return entry[...last].drop(while: isBlank)
    }

    /// `name`, or `tenant@system`.
    private static func isKey(_ key: Substring.UTF8View.SubSequence) -> Bool {
        let parts = key.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        switch parts.count {
        case 1: return isName(parts[0], upTo: 256, mayBeginWithDigit: false)
        case 2:
            return isName(parts[0], upTo: 241, mayBeginWithDigit: true)
                && isName(parts[1], upTo: 14, mayBeginWithDigit: false)
        default: return false
        }
    }

    private static func isName(
        _ name: Substring.UTF8View.SubSequence, upTo longest: Int, mayBeginWithDigit: Bool
    ) -> Bool {
        guard let first = name.first, name.count <= longest,
            isLetter(first) || mayBeginWithDigit && isDigit(first)
        else { return false }
        return name.allSatisfy { isLetter($0) || isDigit($0) || "_-*/".utf8.contains($0) }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    /// Printable ASCII, and neither a comma nor a second equals sign. Its end cannot be a blank: those belong
    /// to the comma.
    private static func isValue(_ value: Substring.UTF8View.SubSequence) -> Bool {
        (1...256).contains(value.count)
            && value.allSatisfy { (0x20...0x7E).contains($0) && $0 != UInt8(ascii: "=") }
    }
}
