import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A file on the way to its name.
///
/// It is written beside its place, under the name with `.partial` behind it, and gets the name when it is
/// whole and on the disk: a kill or a power cut at any moment leaves nothing of this name, or all of it. Only
/// its owner may read it. Every function blocks.
package struct NewFile: Sendable {
    package let path: String

    package init(path: String) {
        self.path = path
    }

    package var partial: String { path + ".partial" }

    /// Begins the file. Whoever begins it must publish or discard it.
    ///
    /// - Throws: ``InventoryError`` with `.databaseUnusable` when it is there already, or cannot be made.
    package func begin() throws(InventoryError) {
        let file = unsafe open(partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else {
            let failure = errno
            throw InventoryError(
                .databaseUnusable,
                failure == EEXIST
                    ? "\(partial) exists: another copy is being made, or one was killed; remove it when none is"
                    : "cannot create \(partial): \(Self.reason(failure))")
        }
        close(file)
    }

    /// Gives the file its name, durably; overwrites nothing.
    package func publish() throws(InventoryError) {
        try Self.sync(partial)
        do throws(InventoryError) {
            try Self.link(partial, path)
        } catch {
            // A file system without second names.
            guard !Self.exists(path), unsafe rename(partial, path) == 0 else { throw error }
        }
        try Self.syncFolder(of: path)
        discard()
    }

    /// Removes what is left of the unfinished file.
    package func discard() {
        unsafe unlink(partial)
    }

    // MARK: - The file system

    /// A second name for a file, where there is none of this name.
    package static func link(_ path: String, _ name: String) throws(InventoryError) {
        // Qualified: the type has a function of this name.
        #if canImport(Glibc)
            let result = unsafe Glibc.link(path, name)
        #else
            let result = unsafe Darwin.link(path, name)
        #endif
        guard result == 0 else {
            throw InventoryError(.databaseUnusable, "cannot name a file \(name): \(reason(errno))")
        }
    }

    package static func remove(_ path: String) throws(InventoryError) {
        guard unsafe unlink(path) == 0 || errno == ENOENT else {
            throw InventoryError(.databaseUnusable, "cannot remove \(path): \(reason(errno))")
        }
    }

    /// Whether there is anything of this name, a link that leads nowhere too.
    package static func exists(_ path: String) -> Bool {
        (try? FileManager.default.attributesOfItem(atPath: path)) != nil
    }

    package static func syncFolder(of path: String) throws(InventoryError) {
        try sync(URL(fileURLWithPath: path).deletingLastPathComponent().path)
    }

    package static func sync(_ path: String) throws(InventoryError) {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            throw InventoryError(.databaseUnusable, "cannot open \(path): \(reason(errno))")
        }
        defer { close(file) }
        guard fsync(file) == 0 else {
            throw InventoryError(.databaseUnusable, "the disk did not keep \(path): \(reason(errno))")
        }
    }

    private static func reason(_ code: CInt) -> String {
        unsafe String(cString: strerror(code))
    }
}
