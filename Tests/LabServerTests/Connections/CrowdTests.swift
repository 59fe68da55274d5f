import Foundation
import HTTPTypes
import LabProcesses
import LabTesting
import Testing

/// Many connections that do nothing.
@Suite("A crowd of connections")
struct CrowdTests {
    /// Ten thousand need half a minute and as many descriptors in two processes.
    private static let isLong = ProcessInfo.processInfo.environment["LAB_LONG_TESTS"] == "1"

    @Test(
        "Idle connections by the thousand do not keep buyers from buying; they are printed with what they cost",
        arguments: isLong ? [1000, 10_000] : [1000])
    func idleCrowd(count: Int) async throws {
        let directory = try TemporaryDirectory(prefix: "lab-crowd")
        let allowed = OwnDescriptors.allow(count + 1000)
        try #require(
            allowed >= count + 500, "this test needs \(count + 500) descriptors and may have \(allowed)")
        let patient = ["--head-timeout-ms", "3600000", "--idle-timeout-ms", "3600000"]
        try await RunningServer.run(
            database: directory.file("l.sqlite"), units: 1000, arguments: patient, descriptors: count + 1000
        ) { server async throws in
            for _ in 0..<20 { #expect(try await server.buyer.buy(server.product).status == 200) }
            let before = try ProcessFigures(of: server.process)
            var crowd: [RawConnection] = []
            for number in 0..<count {
                let connection = try await RawConnection.open(server.buyer.port)
                // Every other one has asked something and now idles; the rest never said a word.
                if number.isMultiple(of: 2) {
                    try await connection.send("GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
                    let answer = await connection.read(until: "live")
                    #expect(answer.hasPrefix("HTTP/1.1 200 "))
                }
                crowd.append(connection)
            }
            try await waitUntil { try ProcessFigures(of: server.process).descriptors >= count }
            for _ in 0..<30 { #expect(try await server.buyer.buy(server.product).status == 200) }
            let during = try ProcessFigures(of: server.process)
            let each = Double(during.residentKiB - before.residentKiB) / Double(count)
            print("lab-server: \(before); with \(count) idle connections \(during), \(each) KiB for each")
            let open = crowd.count { $0.isOpen }
            #expect(open == count)
            for connection in crowd { await connection.close() }
            try await waitUntil { try ProcessFigures(of: server.process).isLike(before) }
            try await server.expectExact(sold: 50)
        }
        directory.remove()
    }

    @Test("A server that has no descriptor left serves again as soon as connections end")
    func noDescriptors() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-crowd")
        try await RunningServer.run(
            database: directory.file("l.sqlite"), units: 100, arguments: ["--head-timeout-ms", "3600000"],
            descriptors: 96
        ) { server async throws in
            #expect(try await server.buyer.buy(server.product).status == 200)
            var crowd: [RawConnection] = []
            for _ in 0..<200 { crowd.append(try await RawConnection.open(server.buyer.port)) }
            try await waitUntil { try ProcessFigures(of: server.process).descriptors >= 96 }
            #expect(server.process.isRunning)
            for connection in crowd { await connection.close() }
            // The kernel may end some of those that waited; who comes now is served.
            try await waitUntil(limit: .seconds(120)) {
                (try? await server.buyer.send(.get, "/health/ready").status) == 200
            }
            #expect(try await server.buyer.buy(server.product).status == 200)
            try await server.expectExact(sold: 2)
        }
        directory.remove()
    }
}
