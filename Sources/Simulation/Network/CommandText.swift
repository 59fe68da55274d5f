import LockStrategies
import RedisClient

/// Commands and their replies in a story.
enum CommandText {
    /// Commands that came in one piece, each with its reply.
    static func lines(_ commands: [RedisCommand], _ replies: [RESPValue]) -> String {
        zip(commands, replies).map { "\(text($0)) -> \(text($1))" }.joined(separator: "; ")
    }

    /// `SET`; `EVALSHA release-lock`.
    static func name(_ command: RedisCommand) -> String {
        guard command.name == "EVALSHA", command.arguments.count > 1,
            let script = names[command.arguments[1]]
        else { return command.name }
        return "EVALSHA \(script)"
    }

    /// Scripts by their names, tokens by their first digits.
    static func text(_ command: RedisCommand) -> String {
        guard ["EVAL", "EVALSHA"].contains(command.name), command.arguments.count >= 3,
            let keys = Int(command.arguments[2])
        else { return command.arguments.map(short).joined(separator: " ") }
        let script = command.arguments[1]
        let name = names[script] ?? "script"
        let values = command.arguments.dropFirst(3 + keys).map(short)
        let key = keys > 0 ? [command.arguments[3]] : []
        return ([name] + key + values).joined(separator: " ")
    }

    static func text(_ reply: RESPValue) -> String {
        switch reply {
        case .simpleString(let text): short(text)
        case .bulkString: short(reply.string ?? "bytes")
        case .integer(let number): String(number)
        case .null: "nil"
        case .error(let error): error.message.count > 60 ? error.prefix : error.message
        case .array(let values): "[" + values.map(text).joined(separator: ", ") + "]"
        }
    }

    /// Of scripts, by digest and by text.
    private static let names: [String: String] = Dictionary(
        EmbeddedScripts.all.flatMap { [($0.sha1, $0.name), ($0.source, $0.name)] },
        uniquingKeysWith: { first, _ in first })

    private static func short(_ text: String) -> String {
        let isToken = text.count >= 32 && text.allSatisfy(\.isHexDigit)
        return isToken ? "\(text.prefix(4))…" : text.isEmpty ? "\"\"" : text
    }
}
