import COpenSSL

/// A Lua script and the digest by which Redis knows it.
public struct RedisScript: Sendable, Hashable {
    /// The name of its file, for logs and errors.
    public let name: String
    /// The Lua text.
    public let source: String
    /// SHA-1 of the source in hexadecimal: the name that EVALSHA takes.
    public let sha1: String

    /// - Parameters:
    ///   - name: For logs and errors.
    ///   - source: The Lua text; its digest is computed here.
    public init(name: String, source: String) {
        self.name = name
        self.source = source
        self.sha1 = Self.sha1Hexadecimal(Array(source.utf8))
    }

    /// Runs the script by its digest. When the server does not know it, and on no other error, the text is
    /// sent once.
    ///
    /// - Parameter send: Sends a command and waits for its reply.
    package func run(
        keys: [String], arguments: [String],
        through send: (RedisCommand) async throws(RedisError) -> RESPValue
    ) async throws(RedisError) -> RedisScriptReply {
        do throws(RedisError) {
            return RedisScriptReply(
                value: try await send(command("EVALSHA", sha1, keys, arguments)), commandsSent: 1)
        } catch {
            guard error.reply?.prefix == "NOSCRIPT" else { throw error }
        }
        do throws(RedisError) {
            return RedisScriptReply(
                value: try await send(command("EVAL", source, keys, arguments)), commandsSent: 2)
        } catch {
            throw error.after(sending: 1)
        }
    }

    private func command(
        _ name: String, _ script: String, _ keys: [String], _ arguments: [String]
    ) -> RedisCommand {
        var words: [String] = []
        words.reserveCapacity(3 + keys.count + arguments.count)
        words.append(name)
        words.append(script)
        words.append(String(keys.count))
        words += keys
        words += arguments
        return RedisCommand(words: words)
    }

    private static func sha1Hexadecimal(_ bytes: [UInt8]) -> String {
        var digest = [UInt8](repeating: 0, count: 20)
        _ = unsafe SHA1(bytes, bytes.count, &digest)
        return digest.map { byte in
            let text = String(byte, radix: 16)
            return text.count == 1 ? "0" + text : text
        }.joined()
    }
}

/// What a script returned, and what it took.
public struct RedisScriptReply: Sendable, Hashable {
    /// What the script returned.
    public let value: RESPValue
    /// 1, or 2 when the server had to be sent the text.
    public let commandsSent: Int

    /// Each parameter is the property of that name.
    public init(value: RESPValue, commandsSent: Int) {
        self.value = value
        self.commandsSent = commandsSent
    }
}
