/// Who has which connection for himself, and who waits for one.
///
/// Pure: the one who holds it makes and closes the connections. Those who wait are served in the order in
/// which they came.
struct DedicatedPool<Connection: Sendable> {
    /// A connection that belongs to one caller until it is given back.
    struct Lease: Sendable {
        let number: Int
        let connection: Connection
        /// It was used before, so it may have been lost without anybody noticing.
        let isReused: Bool
    }

    enum Answer {
        case lease(Lease)
        /// Wait, and make a connection first where it says so.
        case wait(id: Int, mustConnect: Bool)
        case closed
    }

    private let capacity: Int
    private let isUsable: @Sendable (Connection) -> Bool
    private var idle: [Connection] = []
    private var leased: [Int: Connection] = [:]
    private var connecting = 0
    private var waiters: [(id: Int, completion: Completion<Lease>)] = []
    private var lastNumber = 0
    private var isClosed = false

    init(capacity: Int, isUsable: @escaping @Sendable (Connection) -> Bool) {
        self.capacity = max(capacity, 1)
        self.isUsable = isUsable
    }

    var waiting: Int { waiters.count }

    mutating func request(_ completion: Completion<Lease>) -> Answer {
        guard !isClosed else { return .closed }
        // The one used last is the one most likely to live.
        while let connection = idle.popLast() {
            if isUsable(connection) { return .lease(lease(connection, isReused: true)) }
        }
        lastNumber += 1
        waiters.append((lastNumber, completion))
        return .wait(id: lastNumber, mustConnect: startConnecting())
    }

    /// A waiter gives up. A connection that is being made for it serves the next one, or is kept.
    mutating func leave(_ id: Int) {
        waiters.removeAll { $0.id == id }
    }

    /// - Returns: Whether the pool took it; else it is to be closed.
    mutating func didConnect(_ connection: Connection) -> Bool {
        guard !isClosed else { return false }
        connecting -= 1
        serve(connection, isReused: false)
        return true
    }

    /// - Returns: All who wait: there is no server for any of them.
    mutating func didNotConnect() -> [Completion<Lease>] {
        connecting -= 1
        defer { waiters = [] }
        return waiters.map(\.completion)
    }

    /// - Parameter isClean: The server keeps nothing of what was done on it.
    /// - Returns: Whether it is to be closed, and whether a new one is to be made for those who wait.
    mutating func giveBack(_ lease: Lease, isClean: Bool) -> (mustClose: Bool, mustConnect: Bool) {
        leased[lease.number] = nil
        guard !isClosed else { return (true, false) }
        guard isClean, isUsable(lease.connection) else { return (true, startConnecting()) }
        serve(lease.connection, isReused: true)
        return (false, false)
    }

    /// Every connection there is, lent or not.
    var connections: [Connection] { idle + leased.values }

    /// Takes out those that nobody has.
    mutating func dropIdle() -> [Connection] {
        defer { idle = [] }
        return idle
    }

    /// - Returns: Every connection there is, and all who wait.
    mutating func close() -> ([Connection], [Completion<Lease>]) {
        isClosed = true
        defer { (idle, leased, waiters) = ([], [:], []) }
        return (connections, waiters.map(\.completion))
    }

    private mutating func serve(_ connection: Connection, isReused: Bool) {
        while !waiters.isEmpty {
            let lease = lease(connection, isReused: isReused)
            // False for one who was cancelled or ran out of time and is about to leave.
            if waiters.removeFirst().completion.finish(.success(lease)) { return }
            leased[lease.number] = nil
        }
        idle.append(connection)
    }

    private mutating func lease(_ connection: Connection, isReused: Bool) -> Lease {
        lastNumber += 1
        leased[lastNumber] = connection
        return Lease(number: lastNumber, connection: connection, isReused: isReused)
    }

    private mutating func startConnecting() -> Bool {
        guard connecting < waiters.count, idle.count + leased.count + connecting < capacity else {
            return false
        }
        connecting += 1
        return true
    }
}
