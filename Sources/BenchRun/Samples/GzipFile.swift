import CZlib

/// A file that is compressed while it is written.
@safe
package struct GzipFile: ~Copyable {
    private let file: gzFile

    /// - Returns: nil when the file cannot be made.
    package init?(path: String) {
        guard let file = unsafe gzopen(path, "wb6") else { return nil }
        unsafe self.file = file
    }

    deinit {
        _ = unsafe gzclose(file)
    }

    /// - Returns: False when the text was not written whole.
    package func write(_ text: String) -> Bool {
        var text = text
        let count = text.utf8.count
        guard count > 0 else { return true }
        let written = text.withUTF8 { bytes in
            unsafe gzwrite(file, bytes.baseAddress, UInt32(bytes.count))
        }
        return written == Int32(count)
    }
}
