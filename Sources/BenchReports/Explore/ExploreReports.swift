import BenchModel
package import BenchResults
import Foundation

/// Everything that is drawn from the results of an exploration, and from nothing else: EXPLORE.md, and of
/// each story its text, its page, and the file from which it is played again.
package struct ExploreReports: Sendable {
    private let results: ExploreResults
    /// Of the results' folder: those that the report may link.
    private let others: Set<String>

    package init(_ results: ExploreResults, files: Set<String> = []) {
        (self.results, others) = (results, files)
    }

    /// With their paths in the results' folder.
    package var files: [(path: String, text: String)] {
        get throws {
            var files: [(path: String, text: String)] = []
            for cell in results.cells {
                guard let story = cell.story else { continue }
                let place = Self.place(of: story)
                files.append(("\(place).txt", Self.text(story)))
                files.append(("\(place).json", String(decoding: try story.json(), as: UTF8.self)))
                files.append(("\(place).html", ExploreStoryPage(story, of: cell, in: results).text))
            }
            let names = others.union(files.map(\.path))
            return files + [("EXPLORE.md", ExploreMarkdown(results, files: names).text)]
        }
    }

    /// Without the ending.
    static func place(of story: ExploreStory) -> String { "stories/\(story.name)" }

    private static func text(_ story: ExploreStory) -> String {
        "\(story.title): \(story.people)\n\n\(story.text)\n"
    }
}

extension ExploreStory {
    var title: String { "\(strategy) under \(fault)" + (level == .service ? ", in the service" : "") }

    /// Who buys what.
    var people: String {
        if level == .service {
            return
                "a server, \(Text.count(stage.buyers, "client")), \(Text.count(stage.purchases, "order")) each, "
                + "\(Text.count(stage.stock, "unit")) in stock"
        }
        let all = stage.buyers * stage.processes
        return "\(Text.count(stage.processes, "process", "processes")), \(Text.count(all, "buyer")), "
            + "\(Text.count(stage.purchases, "purchase")) each, \(Text.count(stage.stock, "unit")) in stock"
    }
}
