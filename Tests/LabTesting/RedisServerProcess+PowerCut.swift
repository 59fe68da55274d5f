import Foundation
public import LabProcesses

extension RedisServerProcess {
    /// What a power cut does to a server with an append-only file: kills it, takes the last `bytes` off its
    /// newest incremental file, as if they had never left the page cache, and starts it again.
    ///
    /// With ``RedisServerOptions/Persistence/aofAlways`` the file ends with what was acknowledged last, so it
    /// is known what is cut; else the kill alone may take some writes.
    ///
    /// - Returns: The bytes that are left in the file.
    /// - Throws: ``NoAppendOnlyFile`` where there is none, or one that is shorter.
    @discardableResult
    public func cutPower(losing bytes: UInt64) async throws -> UInt64 {
        await kill()
        let folder = URL(filePath: directory).appending(path: "appendonlydir")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        // "appendonly.aof.3.incr.aof": the highest number is written to.
        let newest = names.filter { $0.hasSuffix(".incr.aof") }
            .max { Self.sequence($0) < Self.sequence($1) }
        guard let newest else { throw NoAppendOnlyFile(directory: directory) }
        let file = try FileHandle(forUpdating: folder.appending(path: newest))
        let size = try file.seekToEnd()
        guard size >= bytes else { throw NoAppendOnlyFile(directory: directory) }
        try file.truncate(atOffset: size - bytes)
        try file.close()
        try await restart()
        return size - bytes
    }

    private static func sequence(_ name: String) -> Int {
        name.split(separator: ".").compactMap { Int($0) }.first ?? 0
    }

    public struct NoAppendOnlyFile: Error, Sendable {
        public let directory: String
    }
}
