import Foundation
import LabProcesses
import Testing

/// The built program with its database on a small disk of its own.
@Suite struct FullDiskTests {
    /// A file system in memory, mounted for one test.
    private struct SmallDisk {
        let directory: TemporaryDirectory

        /// Nil where this process may not mount.
        static func mount(megabytes: Int) async throws -> SmallDisk? {
            let directory = try TemporaryDirectory(prefix: "lab-full")
            let mount = try await ChildProcess.start(
                "mount", ["-t", "tmpfs", "-o", "size=\(megabytes)m", "tmpfs", directory.path])
            guard await mount.waitUntilExit().isSuccess else { return nil }
            return SmallDisk(directory: directory)
        }

        func unmount() async throws {
            let unmount = try await ChildProcess.start("umount", [directory.path])
            #expect(await unmount.waitUntilExit().isSuccess)
            directory.remove()
        }

        /// Takes all the space that is left.
        func fill() throws {
            let path = directory.file("filler")
            #expect(FileManager.default.createFile(atPath: path, contents: nil))
            let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
            for size in [4096, 1] {
                let block = Data(repeating: 1, count: size)
                while (try? file.write(contentsOf: block)) != nil {}
            }
            try file.close()
        }

        func clear() throws { try FileManager.default.removeItem(atPath: directory.file("filler")) }
    }

    private static func mayMount() async throws -> Bool {
        guard let disk = try await SmallDisk.mount(megabytes: 1) else { return false }
        try await disk.unmount()
        return true
    }

    @Test(
        "On a full disk buyers are refused with 503 that says so, keep their units in stock, and buy when there is space",
        .enabled("mounting a tmpfs needs root", FullDiskTests.mayMount))
    func fullDisk() async throws {
        let disk = try #require(await SmallDisk.mount(megabytes: 2))
        let path = disk.directory.file("l.sqlite")
        try await RunningServer.run(database: path, units: 50) { server async throws in
            #expect(try await server.buy(2).map(\.status) == [200, 200])
            try disk.fill()
            let refusal = RunningServer.Answer(status: 503, type: "/problems/ledger-full")
            #expect(try await Set(server.buy(10)) == [refusal])
            try await server.expectExact(sold: 2)
            #expect(try await Set(server.buy(10)) == [refusal])
            try disk.clear()
            #expect(try await server.buy(3).map(\.status) == [200, 200, 200])
            try await server.expectExact(sold: 5)
        }
        try await disk.unmount()
    }
}
