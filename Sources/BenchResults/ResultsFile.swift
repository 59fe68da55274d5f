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
            throw BenchError(.badInput, missing(path))
        }
        do throws(BenchError) {
            return try RunResults.decode(data)
        } catch {
            throw BenchError(error.code, "\(file): \(error.context)")
        }
    }

    /// What was looked for, and what lies near.
    private static func missing(_ path: String) -> String {
        let files = FileManager.default
        var isFolder: ObjCBool = false
        let isThere = unsafe files.fileExists(atPath: path, isDirectory: &isFolder)
        guard isThere else {
            let parent = (path as NSString).deletingLastPathComponent
            let near = results(in: parent.isEmpty ? "." : parent)
            return "there is no \(path)" + hint(near)
        }
        guard isFolder.boolValue else { return "the file \(path) cannot be read" }
        let near = results(in: path)
        return "\(path) holds no results.json"
            + (near.isEmpty ? ": is it the folder that a run wrote?" : hint(near))
    }

    private static func hint(_ near: [String]) -> String {
        near.isEmpty
            ? ""
            : "; results lie in \(near.prefix(3).joined(separator: ", "))" + (near.count > 3 ? ", …" : "")
    }

    /// The folders in a folder, and in those, that hold results; the newest names first.
    private static func results(in folder: String) -> [String] {
        let files = FileManager.default
        func inner(_ path: String) -> [String] {
            ((try? files.contentsOfDirectory(atPath: path)) ?? []).sorted(by: >).map {
                path == "." ? $0 : "\(path)/\($0)"
            }
        }
        let around = inner(folder).prefix(200)
        return (around + around.flatMap { inner($0).prefix(20) }).filter {
            files.fileExists(atPath: "\($0)/results.json")
        }
    }
}
