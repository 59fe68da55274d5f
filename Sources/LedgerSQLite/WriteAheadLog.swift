import Foundation
import InventoryService

/// What stands in the log (`-wal`) of a SQLite database, read without SQLite.
///
/// SQLite takes a log's frames up to the first one whose checksum is wrong and drops the rest without a word:
/// right after a power cut, when the last transaction was on its way, and fatal when the damage is in the
/// middle. A log that was written with synchronous=FULL is synced after each commit, so behind a frame that a
/// power cut spoiled stands the rest of one transaction and no more.
struct WriteAheadLog: Sendable, Hashable {
    /// Frames that SQLite will read.
    private(set) var frames = 0
    /// Commits behind the first frame that it will not read.
    private(set) var lostCommits = 0
    /// There is a header, and it is not one.
    private(set) var isHeaderDamaged = false

    /// The transaction of a power cut, and the empty one with which GRDB begins a log before the ledger
    /// sets FULL; a damage to the last commits cannot be told from these.
    static let commitsOfPowerCut = 2

    var isDamaged: Bool { isHeaderDamaged || lostCommits > Self.commitsOfPowerCut }

    /// One sentence for who starts a server on it; nil when nothing is wrong with the log.
    static func damage(ofDatabase path: String) -> String? {
        guard let data = FileManager.default.contents(atPath: path + "-wal") else { return nil }
        let log = WriteAheadLog([UInt8](data))
        guard log.isDamaged else { return nil }
        let place = log.isHeaderDamaged ? "in its first bytes" : "after frame \(log.frames)"
        return
            "the log \(path)-wal is damaged \(place), and SQLite would drop the commits behind that; copy both "
            + "files away and restore a backup, or remove the log to go on without them"
    }

    init(_ bytes: [UInt8]) {
        guard bytes.count >= Self.headerSize else { return }
        guard bytes[..<Self.headerSize].contains(where: { $0 != 0 }) else {
            // Made, and never written.
            return
        }
        let magic = Self.word(bytes, 0)
        var checksum = Checksum(isBigEndian: magic & 1 == 1)
        checksum.add(bytes[0..<24])
        let page = Int(Self.word(bytes, 8))
        guard magic & ~1 == Self.magic, (512...65_536).contains(page),
            checksum.first == Self.word(bytes, 24), checksum.second == Self.word(bytes, 28)
        else {
            isHeaderDamaged = true
            return
        }
        let salts = bytes[16..<24]
        var isReadable = true
        var start = Self.headerSize
        while start + Self.frameHeaderSize + page <= bytes.count {
            let isOfThisLog = bytes[start + 8..<start + 16] == salts
            if isReadable {
                checksum.add(bytes[start..<start + 8])
                checksum.add(bytes[start + Self.frameHeaderSize..<start + Self.frameHeaderSize + page])
                isReadable =
                    isOfThisLog && checksum.first == Self.word(bytes, start + 16)
                    && checksum.second == Self.word(bytes, start + 20)
            }
            if isReadable {
                frames += 1
            } else if isOfThisLog, Self.word(bytes, start + 4) != 0 {
                lostCommits += 1
            }
            start += Self.frameHeaderSize + page
        }
    }

    private static let magic: UInt32 = 0x377f_0682
    private static let headerSize = 32
    private static let frameHeaderSize = 24

    private static func word(_ bytes: [UInt8], _ at: Int) -> UInt32 {
        bytes[at..<at + 4].reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// The running sum of SQLite's file format, section 4.2.
    private struct Checksum {
        let isBigEndian: Bool
        var first: UInt32 = 0
        var second: UInt32 = 0

        init(isBigEndian: Bool) {
            self.isBigEndian = isBigEndian
        }

        mutating func add(_ bytes: ArraySlice<UInt8>) {
            var at = bytes.startIndex
            while at < bytes.endIndex {
                first = first &+ word(bytes, at) &+ second
                second = second &+ word(bytes, at + 4) &+ first
                at += 8
            }
        }

        private func word(_ bytes: ArraySlice<UInt8>, _ at: Int) -> UInt32 {
            let word =
                UInt32(bytes[at]) | UInt32(bytes[at + 1]) << 8 | UInt32(bytes[at + 2]) << 16
                | UInt32(bytes[at + 3]) << 24
            return isBigEndian ? word.byteSwapped : word
        }
    }
}
