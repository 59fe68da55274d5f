package import BenchModel
import Foundation

/// Results on disk.
package enum ResultsFile {
    /// - Parameter path: Of a results.json, or of the directory that holds one.
    package static func read(_ path: String) throws(BenchError) -> RunResults {
        let files = FileManager.default
        let inside = "\(path)/results.json"
        let file = files.fileExists(atPath: inside) ? inside : path
        guard let data = files.contents(atPath: file) else {
            throw BenchError(.badInput, "the file \(file) cannot be read")
        }
        do throws(BenchError) {
            return try RunResults.decode(data)
        } catch {
            throw BenchError(error.code, "\(file): \(error.context)")
        }
    }
}
