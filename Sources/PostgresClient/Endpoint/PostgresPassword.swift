/// A password that never shows itself in a log, a description or a dump.
package struct PostgresPassword: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    /// The text itself. Every use of this property is a place to review.
    package let revealed: String

    package init(_ text: String) {
        revealed = text
    }

    package var description: String { "<redacted>" }
    package var debugDescription: String { "<redacted>" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}
