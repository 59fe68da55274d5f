/// The slot of a cluster that a key belongs to.
///
/// CRC-16/XMODEM of the key, or of what stands between the first `{` and the next `}` where that is not
/// empty (redis.io/docs/reference/cluster-spec).
enum KeySlot {
    static let count = 16_384

    static func of(_ key: String) -> Int {
        let bytes = Array(key.utf8)
        return Int(checksum(hashed(bytes))) % count
    }

    private static func hashed(_ bytes: [UInt8]) -> ArraySlice<UInt8> {
        guard let open = bytes.firstIndex(of: UInt8(ascii: "{")) else { return bytes[...] }
        let rest = bytes[(open + 1)...]
        guard let close = rest.firstIndex(of: UInt8(ascii: "}")), close > rest.startIndex else {
            return bytes[...]
        }
        return rest[..<close]
    }

    private static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt16 {
        bytes.reduce(UInt16(0)) { crc, byte in
            var crc = crc ^ (UInt16(byte) << 8)
            for _ in 0..<8 {
                crc = crc & 0x8000 == 0 ? crc << 1 : (crc << 1) ^ 0x1021
            }
            return crc
        }
    }
}
