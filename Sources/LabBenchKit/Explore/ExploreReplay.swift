import BenchModel
import BenchResults
import Exploration
import FaultAudit
import Foundation
import LabProcesses

/// A story that was written down, played again.
enum ExploreReplay {
    /// - Returns: ``BenchExit/violation`` when it is violated again.
    /// - Throws: ``BenchError`` with `.badInput`, in one sentence.
    static func play(_ file: String) throws(BenchError) -> BenchExit {
        guard let data = FileManager.default.contents(atPath: file) else {
            throw BenchError(.badInput, "--replay: the file \(file) cannot be read")
        }
        do throws(BenchError) {
            let told = try ExploreStory.decode(data)
            let small = try told.play()
            let played = ExploreStory(small, gitCommit: nil)
            StandardStream.output.say(played.text + "\n")
            if played.text != told.text {
                let commit = told.gitCommit.map { " of commit \($0.prefix(12))" } ?? ""
                Terminal.note(
                    "this is another story than the file tells: it was written by the code\(commit)")
            }
            return small.schedule.verdict == .violated ? .violation : .good
        } catch {
            throw BenchError(error.code, "\(file): \(error.context)")
        }
    }
}
