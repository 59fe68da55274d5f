/// A text that never shows itself in a log, a description or a dump.
public struct Secret: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    /// The text itself. Every use of this property is a place to review.
    public let revealed: String

    /// - Parameter text: What must not be shown.
    public init(_ text: String) {
        revealed = text
    }

    public var description: String { "<redacted>" }
    public var debugDescription: String { "<redacted>" }
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}
