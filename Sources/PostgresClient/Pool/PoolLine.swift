/// Who has which connection, and who waits for one. Pure: the one who holds it makes and closes connections
/// and wakes those who wait. They are served in the order in which they came.
struct PoolLine<Connection, Waiter> {
    enum Turn {
        case use(Connection)
        /// There is room for one more connection: make it, and give it back when done.
        case open
    }

    enum Answer {
        case turn(Turn)
        case wait(id: Int)
        case closed
    }

    private let capacity: Int
    private let isUsable: (Connection) -> Bool
    private var idle: [Connection] = []
    private var waiters: [(id: Int, waiter: Waiter)] = []
    private var lastID = 0
    private(set) var isClosed = false
    /// Connections that somebody has, or makes.
    private(set) var taken = 0

    init(capacity: Int, isUsable: @escaping (Connection) -> Bool) {
        self.capacity = max(capacity, 1)
        self.isUsable = isUsable
    }

    var idleCount: Int { idle.count }
    var waiting: Int { waiters.count }

    /// - Parameter waiter: Called for when it has to wait.
    mutating func take(_ waiter: () -> Waiter) -> Answer {
        guard !isClosed else { return .closed }
        if let turn = nextTurn() { return .turn(turn) }
        lastID += 1
        waiters.append((lastID, waiter()))
        return .wait(id: lastID)
    }

    /// Takes a connection back.
    ///
    /// - Parameter connection: Nil when it ended or could not be made.
    /// - Returns: Whose turn it is now; nil when nobody waits.
    mutating func giveBack(_ connection: Connection?) -> (Waiter, Turn)? {
        taken -= 1
        guard !isClosed else { return nil }
        if let connection, isUsable(connection) { idle.append(connection) }
        guard !waiters.isEmpty, let turn = nextTurn() else { return nil }
        return (waiters.removeFirst().waiter, turn)
    }

    /// - Returns: Who waits no longer; nil when it got its turn before.
    mutating func leave(_ id: Int) -> Waiter? {
        guard let place = waiters.firstIndex(where: { $0.id == id }) else { return nil }
        return waiters.remove(at: place).waiter
    }

    /// - Returns: What is to be closed, and who waits in vain.
    mutating func close() -> ([Connection], [Waiter]) {
        isClosed = true
        defer { (idle, waiters) = ([], []) }
        return (idle, waiters.map(\.waiter))
    }

    private mutating func nextTurn() -> Turn? {
        // The one used last is the one most likely to live.
        while let connection = idle.popLast() {
            guard isUsable(connection) else { continue }
            taken += 1
            return .use(connection)
        }
        guard taken < capacity else { return nil }
        taken += 1
        return .open
    }
}
