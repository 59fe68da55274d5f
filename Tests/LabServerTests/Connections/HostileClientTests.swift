import HTTPTypes
import InventoryService
import LabProcesses
import LabTesting
import LedgerSQLite
import LockStrategies
import Testing

/// Buyers beside clients that mean harm. The long version with wrk is `./lab check --hostile`.
@Suite("Hostile clients")
struct HostileClientTests {
    /// Ends the others when the buyers are through.
    private final class Round: Sendable {
        let turns = Recorder<String>()
        let isOver = Gate()

        func run(_ name: String, _ turn: () async throws -> Void) async {
            while !isOver.isOpen {
                // What a hostile client meets is no matter: the server may end it at any moment.
                try? await turn()
                turns.note(name)
            }
        }
    }

    private func hostile(_ round: Round, _ server: RunningServer) async {
        let port = server.buyer.port
        let purchase = RawConnection.purchase(server.product, token: server.buyer.token ?? "")
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await round.run("resets after half an answer") {
                    let connection = try await RawConnection.open(port)
                    try await connection.send("GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n")
                    _ = await connection.read(until: "{")
                    await connection.reset()
                }
            }
            group.addTask {
                var waiting: [RawConnection] = []
                await round.run("sends half a request and waits") {
                    let connection = try await RawConnection.open(port)
                    try await connection.send(String(purchase.prefix(purchase.count / 2)))
                    waiting.append(connection)
                    // Its pace: without one it would be a flood, and all others wait for the machine.
                    try await Task.sleep(for: .milliseconds(10))
                    guard waiting.count >= 20 else { return }
                    await waiting.removeFirst().close()
                }
                for connection in waiting { await connection.close() }
            }
            group.addTask {
                await round.run("sends garbage") {
                    let connection = try await RawConnection.open(port)
                    try await connection.send(
                        "\u{16}\u{3}\u{1}\0 GET \u{7F}\r\n" + String(repeating: "\u{0}é\n", count: 99))
                    _ = await connection.readToEnd()
                    await connection.close()
                }
            }
        }
    }

    /// - Returns: Purchases that were answered with 200.
    private func round(_ server: RunningServer) async throws -> Int {
        let round = Round()
        async let harm: Void = hostile(round, server)
        let buyer = server.buyer
        let product = server.product
        let sold = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    var sold = 0
                    for _ in 0..<25 {
                        let answer = try await buyer.buy(product)
                        #expect(answer.status == 200 || answer.status == 400, "\(answer.text)")
                        if answer.status == 200 { sold += 1 }
                    }
                    return sold
                }
            }
            return try await group.reduce(0, +)
        }
        for name in ["resets after half an answer", "sends half a request and waits", "sends garbage"] {
            try await waitUntil(limit: .seconds(60)) { round.turns.values.count { $0 == name } >= 20 }
        }
        round.isOver.open()
        await harm
        return sold
    }

    @Test(
        "Clients that reset, wait half-way or send garbage change nothing for buyers, leave nothing open, and leak nothing"
    )
    func beside() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-hostile")
        let path = directory.file("l.sqlite")
        try await RunningServer.run(database: path, units: 250) { server async throws in
            for _ in 0..<10 { #expect(try await server.buyer.buy(server.product).status == 200) }
            _ = try await server.buyer.send(.get, "/openapi.json")
            let before = try ProcessFigures(of: server.process)
            var sold = 10
            var memory: [Int] = []
            for _ in 0..<3 {
                sold += try await round(server)
                try await waitUntil { try ProcessFigures(of: server.process).isLike(before) }
                memory.append(try ProcessFigures(of: server.process).residentKiB)
            }
            print(
                "lab-server: before hostile clients \(before); after three rounds \(memory.map { $0 / 1024 }) MiB"
            )
            // The first round fills caches and the allocator's arenas; a leak would go on growing.
            #expect(memory[2] <= memory[0] * 5 / 4, "\(memory)")
            #expect(sold == 250)
            #expect(try await server.buyer.stock(server.product) == 0)
            #expect(try await server.buyer.buy(server.product).status == 400)
        }
        let ledger = try await SQLiteLedger.open(path: path)
        #expect(try await ledger.purchases(of: UserID(1), Page()).total == 250)
        #expect(try await ledger.product(.init(1))?.sold == 250)
        await ledger.close()
        directory.remove()
    }
}
