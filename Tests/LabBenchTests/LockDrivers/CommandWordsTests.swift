import LockDrivers
import Testing

@Suite("A driver's command")
struct CommandWordsTests {
    @Test(
        "is split into words as a shell does, and no shell runs",
        arguments: [
            ("", []), ("  ", []), ("python3 driver.py", ["python3", "driver.py"]),
            (" a\tb\n c ", ["a", "b", "c"]), ("a 'b c' d", ["a", "b c", "d"]),
            ("a \"b c\" d", ["a", "b c", "d"]), ("a''b ''", ["ab", ""]), ("a\\ b", ["a b"]),
            ("'a\\b'", ["a\\b"]), ("\"a\\b\\\"c\\\\\"", ["a\\b\"c\\"]),
            ("$HOME *.py | wc", ["$HOME", "*.py", "|", "wc"]),
            ("--name='my lock'", ["--name=my lock"]), ("a\\\nb", ["ab"]), ("über \"ü ß\"", ["über", "ü ß"]),
        ])
    func split(text: String, words: [String]) throws {
        #expect(try CommandWords.split(text) == words)
    }

    @Test(
        "is refused when a quote or a backslash is left open",
        arguments: ["a 'b", "a \"b", "a \"b\\\"", "a\\"])
    func refused(text: String) {
        #expect(throws: DriverError.self) { try CommandWords.split(text) }
    }
}
