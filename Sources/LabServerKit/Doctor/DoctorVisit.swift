import Foundation
import InventoryService
import LabProcesses
import LedgerPostgres
import LedgerSQLite
import RedisClient

#if canImport(Glibc)
    import Glibc
#endif

/// Looks at what a server would use, and changes nothing.
struct DoctorVisit: Sendable {
    let database: DatabaseAddress
    let redis: ServePlan.RedisSource
    var clock = WallClock.system

    /// Who waits here is a person.
    private static let limits = RedisClient.Limits(connect: .seconds(2), command: .seconds(4))

    func facts() async -> DoctorFacts {
        var facts = DoctorFacts()
        facts.databasePath = "\(database)"
        switch database {
        case .sqlite(let path):
            facts.ledger = await LedgerInspection.of(path: path)
            facts.freeBytes = Self.freeBytes(beside: path)
        case .postgres(let endpoint):
            facts.postgres = await PostgresInspection.of(endpoint, clock: clock)
        }
        switch redis {
        case .embedded: facts.hasRedisServerProgram = Executable.find("redis-server") != nil
        case .servers(let stock, let lockNodes):
            var servers = [await look(at: stock, .stock)]
            for node in lockNodes { servers.append(await look(at: node, .lockNode)) }
            facts.servers = servers
        }
        facts.openFileLimit = sysconf(Int32(_SC_OPEN_MAX))
        return facts
    }

    private func look(at endpoint: RedisEndpoint, _ use: DoctorFacts.Server.Use) async -> DoctorFacts.Server {
        var server = DoctorFacts.Server(name: "\(endpoint)", use: use)
        let client = RedisClient(endpoint, limits: Self.limits)
        do throws(RedisError) {
            let info = try await client.send(RedisCommand("INFO")).string ?? ""
            server.facts = RedisFacts(info: info)
            let before = clock.now
            let time = try await client.send(RedisCommand("TIME"))
            server.clockLead = Self.lead(of: time, between: before, and: clock.now)
        } catch {
            if server.facts == nil { server.failure = error.context }
        }
        await client.close()
        return server
    }

    /// How far the server's clock is ahead of ours, if it looked at it in the middle of the round trip.
    private static func lead(of time: RESPValue, between start: Timestamp, and end: Timestamp) -> Duration? {
        guard let parts = time.array, parts.count == 2, let seconds = parts[0].string.flatMap({ Int64($0) }),
            let microseconds = parts[1].string.flatMap({ Int64($0) })
        else { return nil }
        let ours = start.microseconds + (end.microseconds - start.microseconds) / 2
        return .microseconds(seconds * 1_000_000 + microseconds - ours)
    }

    /// Free space in the nearest directory above the database that is there.
    private static func freeBytes(beside path: String) -> Int64? {
        var place = URL(fileURLWithPath: path).deletingLastPathComponent()
        while place.path != "/", !FileManager.default.fileExists(atPath: place.path) {
            place.deleteLastPathComponent()
        }
        let attributes = try? FileManager.default.attributesOfFileSystem(forPath: place.path)
        return (attributes?[.systemFreeSize] as? NSNumber)?.int64Value
    }
}
