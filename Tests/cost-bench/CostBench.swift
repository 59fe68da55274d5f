import Foundation
import InventoryService
import LabServerKit
import LedgerSQLite
import LockStrategies
import RedisClient

/// Repeats one small piece of a purchase, so that what one repetition costs can be counted from outside:
/// instructions, allocations. `Tests/cost/run.py` runs it twice and takes the difference.
///
///     cost-bench PIECE TIMES [FILE]
///
/// PIECE is a ``Piece``; `record` and `record-together` write into the ledger FILE, which they make. With
/// PIECE+ each repetition also makes ``Piece/plantedArrays`` of 64 bytes: a planted cost that the check must
/// see.
@main
enum CostBench {
    static func main() async throws {
        let words = Array(CommandLine.arguments.dropFirst())
        let name = words.first.map { $0.hasSuffix("+") ? String($0.dropLast()) : $0 }
        guard words.count >= 2, let piece = name.flatMap(Piece.init(rawValue:)), let times = Int(words[1]),
            times >= 0, piece.needsFile == (words.count == 3)
        else {
            let names = Piece.allCases.map(\.rawValue).joined(separator: ", ")
            FileHandle.standardError.write(
                Data("usage: cost-bench PIECE[+] TIMES [FILE]; pieces: \(names)\n".utf8))
            exit(64)
        }
        let isPlanted = words[0].hasSuffix("+")
        var sum = 0
        if piece.needsFile {
            sum = try await Sales(file: words[2]).record(
                times, together: piece == .recordTogether ? 50 : 1,
                plantedArrays: isPlanted ? piece.plantedArrays : 0)
        } else {
            let pieces = try Pieces()
            for _ in 0..<times {
                sum &+= try pieces.run(piece)
                if isPlanted { sum &+= planted(sum, arrays: piece.plantedArrays) }
            }
        }
        // A result that is printed cannot be optimised away.
        print(sum)
    }

    /// As many allocations more as there are arrays.
    static func planted(_ seed: Int, arrays: Int) -> Int {
        (0..<arrays).reduce(0) { $0 &+ array(seed &+ $1) }
    }

    @inline(never)
    private static func array(_ seed: Int) -> Int {
        Int([UInt8](repeating: UInt8(truncatingIfNeeded: seed), count: 64)[seed & 63])
    }
}

/// What is counted.
enum Piece: String, CaseIterable {
    /// The command of a `lua-atomic` purchase as bytes.
    case encode
    /// The bytes of its reply as a value.
    case decode
    /// A token that was never seen before, with the making of the keeper of tokens.
    case token
    /// A token that is remembered.
    case knownToken = "known-token"
    /// The answer's body.
    case json
    /// A sale in a commit of its own.
    case record
    /// 50 sales that are recorded at the same time; a repetition is one of them.
    case recordTogether = "record-together"

    var needsFile: Bool { self == .record || self == .recordTogether }

    /// Arrays of the planted cost. An array takes about 800 instructions. The signature of a token takes
    /// 134,000, and another processor may take 5 in 100 more or less: the planted cost has to stand out.
    var plantedArrays: Int { self == .token ? 40 : 10 }
}

/// The pieces that need no ledger.
struct Pieces {
    private let wire = WireCost()
    private let command = RedisCommand(
        "EVALSHA", "0123456789abcdef0123456789abcdef01234567", "4", "stock:{1}", "reservations:{1}",
        "epoch:{1}",
        "ended:{1}:0198f0a1b2c300000123456789abcdef", "0198f0a1b2c300000123456789abcdef", "1")
    private let reply = Array("*3\r\n:1\r\n:9999999\r\n$16\r\n0123456789abcdef\r\n".utf8)
    private let settings = AccessTokens.Settings(secret: Secret("thirty-two bytes are the least here"))
    private let tokens: AccessTokens
    private let token: String
    private let purchase = Purchase(
        id: PurchaseID(1_234_567), user: UserID(42), product: ProductID(1), quantity: 1, totalPrice: 15_000,
        purchasedAt: Timestamp(microseconds: 1_790_000_000_123_456))

    init() throws {
        tokens = try AccessTokens(settings)
        token = try tokens.issue(for: UserID(42), version: 1).token.revealed
    }

    func run(_ piece: Piece) throws -> Int {
        switch piece {
        case .encode: wire.encode(command)
        case .decode: wire.decode(reply)?.array?.count ?? 0
        case .token: Int(try AccessTokens(settings).verify(token).user.rawValue)
        case .knownToken: Int(try tokens.verify(token).user.rawValue)
        case .json: PurchaseTextCost.bytes(of: purchase)
        case .record, .recordTogether: 0
        }
    }
}

/// Sales of one product to one user.
struct Sales {
    let file: String

    /// - Returns: How many rows were written.
    func record(_ times: Int, together: Int, plantedArrays: Int) async throws -> Int {
        let ledger = try await SQLiteLedger.open(path: file)
        let now = Timestamp(microseconds: 1_790_000_000_123_456)
        _ = try await ledger.createUser(
            NewUser(
                username: "buyer", email: nil, passwordHash: PasswordHash(stored: "none"), role: .user,
                createdAt: now))
        let offer = try NewProduct(name: "thing", price: 300, initialStock: 1_000_000_000)
        _ = try await ledger.createProduct(offer, actor: UserID(1), at: now)
        let ids = ReservationIDs()
        for _ in 0..<times / together {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<together {
                    group.addTask {
                        let sale = Sale(
                            reservation: ids.next(), user: UserID(1), product: ProductID(1), quantity: 1,
                            idempotencyKey: nil, strategy: "lua-atomic", fence: Fence(1), purchasedAt: now)
                        guard case .recorded = try await ledger.record(sale) else {
                            throw InventoryError(.ledgerUnavailable, "a sale was refused")
                        }
                        _ = CostBench.planted(1, arrays: plantedArrays)
                    }
                }
                try await group.waitForAll()
            }
        }
        let rows = ledger.load.rows
        await ledger.close()
        return rows
    }
}
