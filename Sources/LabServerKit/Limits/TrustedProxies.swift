import Foundation

/// Proxies whose word about the client's address is taken, by address or network. None by default: a header
/// is written by whoever sends it.
struct TrustedProxies: Sendable, Hashable {
    /// An address of 4 or 16 bytes, and how many of its leading bits count.
    private struct Network: Sendable, Hashable {
        let bytes: [UInt8]
        let bits: Int

        func holds(_ address: [UInt8]) -> Bool {
            guard address.count == bytes.count else { return false }
            return (0..<bits).allSatisfy { bit in
                let mask: UInt8 = 0x80 >> UInt8(bit % 8)
                return address[bit / 8] & mask == bytes[bit / 8] & mask
            }
        }
    }

    private let networks: [Network]

    static let none = TrustedProxies(networks: [])

    private init(networks: [Network]) { self.networks = networks }

    /// Reads `10.0.0.1, 192.168.0.0/16, fd00::/8`.
    ///
    /// - Throws: ``StartFailure`` that names what is neither an address nor a network.
    init(parsing text: String) throws(StartFailure) {
        var networks: [Network] = []
        for part in text.split(separator: ",") {
            let entry = part.filter { !$0.isWhitespace }
            let pieces = entry.split(separator: "/", omittingEmptySubsequences: false)
            guard pieces.count <= 2, let bytes = Self.bytes(of: String(pieces[0])),
                let bits = pieces.count == 1 ? bytes.count * 8 : Int(pieces[1]),
                (0...bytes.count * 8).contains(bits)
            else {
                throw StartFailure(
                    .usage, "must be addresses or networks such as 10.0.0.1 or fd00::/8, not \(entry)")
            }
            networks.append(Network(bytes: bytes, bits: bits))
        }
        self.networks = networks
    }

    /// The address that the limits count: that of the connection, or, where it is a trusted proxy's, the last
    /// one in `X-Forwarded-For` that is not. A text that is no address ends the search: what stands left of
    /// it was never checked by anybody who is trusted.
    ///
    /// - Parameter forwarded: The header's fields, in their order.
    func client(of peer: String, forwarded: [String]) -> String {
        guard isTrusted(peer) else { return peer }
        var client = peer
        for part in forwarded.joined(separator: ",").split(separator: ",").reversed() {
            let address = part.filter { !$0.isWhitespace }
            guard Self.bytes(of: address) != nil else { return client }
            client = address
            if !isTrusted(address) { return client }
        }
        return client
    }

    private func isTrusted(_ address: String) -> Bool {
        guard !networks.isEmpty, let bytes = Self.bytes(of: address) else { return false }
        return networks.contains { $0.holds(bytes) }
    }

    /// The bytes of an address as it is written; nil for a text that is none. An IPv4 address inside IPv6 is
    /// one of IPv4.
    private static func bytes(of text: String) -> [UInt8]? {
        var four = in_addr()
        if unsafe inet_pton(AF_INET, text, &four) == 1 {
            return unsafe withUnsafeBytes(of: &four) { unsafe Array($0) }
        }
        var six = in6_addr()
        guard unsafe inet_pton(AF_INET6, text, &six) == 1 else { return nil }
        let bytes = unsafe withUnsafeBytes(of: &six) { unsafe Array($0) }
        let isMapped = bytes[..<10].allSatisfy { $0 == 0 } && bytes[10] == 0xFF && bytes[11] == 0xFF
        return isMapped ? Array(bytes[12...]) : bytes
    }
}
