import Foundation
import InventoryService
import LabProcesses
import LabTesting
import LockStrategies
import Testing

@testable import LedgerSQLite

@Suite("The file of a ledger")
struct LedgerFileTests {
    private let files = FileManager.default

    private func withDirectory(_ body: (TemporaryDirectory) async throws -> Void) async throws {
        let directory = try TemporaryDirectory(prefix: "lab-ledger")
        try await body(directory)
        directory.remove()
    }

    enum Harm: String, CaseIterable, Sendable {
        case moved, deleted, replaced
    }

    @Test(
        "takes no more writes when its name leads elsewhere, says what to do, and goes on when it is back",
        arguments: Harm.allCases, ["", "-wal", "-shm"])
    func displaced(harm: Harm, ending: String) async throws {
        try await withDirectory { directory async throws in
            let path = directory.file("ledger.sqlite")
            let ledger = try await SQLiteLedger.open(path: path)
            _ = try await ledger.createUser(.sample("before"))
            let (file, aside) = (path + ending, directory.file("aside"))
            // A second name keeps the file for later.
            try files.linkItem(atPath: file, toPath: aside)
            try files.removeItem(atPath: file)
            if harm == .moved { try files.createDirectory(atPath: file, withIntermediateDirectories: false) }
            if harm == .replaced { try files.copyItem(atPath: aside, toPath: file) }

            let code = try await code { _ = try await ledger.createUser(.sample("lost")) }
            #expect(code == .ledgerUnavailable)
            do throws(InventoryError) {
                try await ledger.check()
                Issue.record("the ledger says that it is well")
            } catch {
                #expect(error.context.contains(file) && error.context.contains("put the file back"))
            }

            if harm != .deleted { try files.removeItem(atPath: file) }
            try files.moveItem(atPath: aside, toPath: file)
            guard case .created = try await ledger.createUser(.sample("after")) else {
                Issue.record("no write after the file was back")
                return
            }
            await ledger.close()
            let again = try await SQLiteLedger.open(path: path)
            #expect(try await again.credentials(of: "before") != nil)
            #expect(try await again.credentials(of: "lost") == nil)
            #expect(try await again.credentials(of: "after") != nil)
            await again.close()
        }
    }

    @Test("has one lock under all names that lead to it, and its log beside its own name")
    func symbolicLinks() async throws {
        try await withDirectory { directory async throws in
            let folder = directory.file("folder")
            try files.createDirectory(atPath: folder, withIntermediateDirectories: false)
            let path = folder + "/ledger.sqlite"
            let other = directory.file("other")
            try files.createSymbolicLink(atPath: other, withDestinationPath: folder)
            // The file is not there yet.
            let ledger = try await SQLiteLedger.open(path: other + "/ledger.sqlite")
            let link = directory.file("link.sqlite")
            try files.createSymbolicLink(atPath: link, withDestinationPath: path)
            #expect(files.fileExists(atPath: path + "-wal"))
            #expect(!files.fileExists(atPath: link + "-wal"))
            for name in [path, link, other + "/ledger.sqlite", folder + "/../folder/ledger.sqlite"] {
                let code = try await code { await (try SQLiteLedger.open(path: name)).close() }
                #expect(code == .databaseLocked, "\(name)")
                #expect(await LedgerInspection.of(path: name).isServed, "\(name)")
            }
            await ledger.close()
            let second = try await SQLiteLedger.open(path: link)
            await second.close()
        }
    }

    @Test("is locked itself, for names that lead there through another mount")
    func lockedFile() async throws {
        try await withDirectory { directory async throws in
            let path = directory.file("ledger.sqlite")
            let ledger = try await SQLiteLedger.open(path: path)
            // As another mount would show it: without the lock file beside it.
            try files.removeItem(atPath: path + ".lock")
            #expect(try await code { _ = try await SQLiteLedger.open(path: path) } == .databaseLocked)
            await ledger.close()
        }
    }

    @Test("is refused with two names, beside each of which SQLite would keep a log")
    func hardLink() async throws {
        try await withDirectory { directory async throws in
            let (path, name) = (directory.file("ledger.sqlite"), directory.file("name.sqlite"))
            await (try SQLiteLedger.open(path: path)).close()
            try files.linkItem(atPath: path, toPath: name)
            for one in [path, name] {
                #expect(try await code { _ = try await SQLiteLedger.open(path: one) } == .databaseUnusable)
            }
            try files.removeItem(atPath: name)
            await (try SQLiteLedger.open(path: path)).close()
        }
    }
}
