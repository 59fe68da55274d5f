/// What a node of a cluster says instead of running a command. The command was not run.
enum Redirection: Equatable {
    /// The slot lives there now.
    case moved(slot: Int, RedisHost)
    /// This one command is to be tried there, after ASKING.
    case ask(RedisHost)
    /// The same again in a moment: keys on the move, no master elected yet, data still being read.
    case wait

    /// - Parameter node: Who said it: an address without host means the same host.
    init?(_ error: RedisServerError, from node: RedisHost) {
        let words = error.message.split(separator: " ")
        switch error.prefix {
        case "MOVED", "ASK":
            guard words.count >= 3, let slot = Int(words[1]), let host = Self.host(words[2], node) else {
                return nil
            }
            self = error.prefix == "ASK" ? .ask(host) : .moved(slot: slot, host)
        case "TRYAGAIN", "CLUSTERDOWN", "LOADING", "MASTERDOWN":
            self = .wait
        default:
            return nil
        }
    }

    private static func host(_ text: Substring, _ node: RedisHost) -> RedisHost? {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]) else {
            return nil
        }
        let host = text[..<colon]
        return RedisHost(host.isEmpty || host == "?" ? node.host : String(host), port)
    }
}
