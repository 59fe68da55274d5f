public import LockStrategies

/// What the servers on one ledger know of each other. All times are by the clock of the ledger's database, so
/// the clocks of the servers do not have to agree.
///
/// A server has a lease: it lives while it gives a sign of life often enough. One that was stopped for longer
/// counts as dead, and what it left is taken over; when it goes on, the ledger refuses what was ended
/// meanwhile.
public protocol ServerCompany: Sendable {
    /// This server among the others; nil until ``join()``.
    var own: ServerNumber? { get }

    /// Makes this server one of those on the ledger, under a number that no other had. Call it before the
    /// first reservation is made.
    func join() async throws(InventoryError)

    /// Gives a sign of life, and looks what others did.
    func beat() async throws(InventoryError) -> CompanyNews

    /// Says that this server has ended and left nothing.
    func leave() async

    /// The servers whose lease has not ended.
    func living() async throws(InventoryError) -> Set<ServerNumber>

    /// Takes the turn to compare stock and ledger, of which there is one.
    ///
    /// - Returns: Nil while another has it.
    func takeTurn() async throws(InventoryError) -> ReconcileTurn?

    /// Lets the next one have it; nothing when it was lost.
    func endTurn(_ turn: ReconcileTurn) async

    /// Supply of a product that is in the ledger and maybe not in the stock yet.
    func supplyUnderWay(of product: ProductID) async throws(InventoryError) -> [ReservationID]

    /// This supply is in the stock for certain.
    func settleSupply(_ ids: [ReservationID]) async throws(InventoryError)
}

/// One of the servers on a ledger. Reservations carry it, so everybody sees who works on them.
public struct ServerNumber: Sendable, Hashable {
    public let rawValue: UInt32

    public init(_ rawValue: UInt32) {
        self.rawValue = rawValue
    }
}

/// The right to compare stock and ledger. It ends by itself, and its fence is above that of all before it:
/// the ledger refuses what is written under an older one, or after its end.
public struct ReconcileTurn: Sendable, Hashable {
    public let fence: Fence

    public init(fence: Fence) {
        self.fence = fence
    }
}

/// What a server learns with its sign of life.
public struct CompanyNews: Sendable, Hashable {
    /// Rises with each change of a user that ends tokens.
    public let userChanges: Int64
    /// Servers that died without a word.
    public let dead: Set<ServerNumber>

    public init(userChanges: Int64, dead: Set<ServerNumber>) {
        self.userChanges = userChanges
        self.dead = dead
    }
}

extension ReservationID {
    /// The server that made it, where one did: digits 17 to 24. Any number, where an older version or a
    /// server without a number made it.
    var maker: ServerNumber? {
        guard description.utf8.count == 32 else { return nil }
        return UInt32(description.dropFirst(16).prefix(8), radix: 16).map { ServerNumber($0) }
    }
}
