import Foundation
import RedisClient

/// Who could read along on the way to Redis, or ask it without a password: a stock that anybody could change.
///
/// Judged by the addresses that somebody named. Servers that Sentinels or a cluster name later are reached in
/// the same way as those, with TLS or without.
enum PlaintextRedis {
    /// - Returns: What to say to the person who starts a server on these; nil when all of them are on this
    ///   machine, behind a Unix socket, or encrypted.
    static func problem(_ endpoints: [RedisEndpoint]) -> String? {
        let open = remote(endpoints.filter { $0.password == nil }).map {
            "\($0) is another machine, and its URL has no password: whoever reaches it can change the stock; give the "
                + "server a user of its own (rediss://USER:PASSWORD@HOST)"
        }
        let readable = remote(endpoints.filter { $0.tls == nil }).map {
            "\($0) is another machine, and redis:// is not encrypted; write rediss://"
        }
        let found = [open, readable].compactMap { $0 }
        guard !found.isEmpty else { return nil }
        return found.joined(separator: "; ")
            + ", or set --allow-plaintext-redis (LAB_ALLOW_PLAINTEXT_REDIS=true) when nobody else is on that network"
    }

    /// The first host that is another machine.
    private static func remote(_ endpoints: [RedisEndpoint]) -> String? {
        endpoints.flatMap(hosts).first { !isLoopback($0) }
    }

    private static func hosts(_ endpoint: RedisEndpoint) -> [String] {
        switch endpoint.address {
        case .tcp(let host, _): [host]
        case .unixSocket: []
        case .sentinel(let sentinels): sentinels.hosts.map(\.host)
        case .cluster(let nodes): nodes.map(\.host)
        }
    }

    /// `localhost`, 127.0.0.0/8 and ::1, however they are written. A name that only looks like them is none.
    static func isLoopback(_ host: String) -> Bool {
        if host.lowercased() == "localhost" { return true }
        var four = in_addr()
        if unsafe inet_pton(AF_INET, host, &four) == 1 { return UInt32(bigEndian: four.s_addr) >> 24 == 127 }
        var six = in6_addr()
        guard unsafe inet_pton(AF_INET6, host, &six) == 1 else { return false }
        let bytes = unsafe withUnsafeBytes(of: &six) { unsafe Array($0) }
        return bytes.dropLast().allSatisfy { $0 == 0 } && bytes.last == 1
    }
}
