import BenchModel
import BenchResults
import FaultAudit

/// A matrix of verdicts as HTML: rows are faults, columns are strategies, each cell leads to its page.
struct FaultTable: Sendable {
    let matrix: FaultMatrix
    let level: FaultLevel

    var html: String {
        let heads = matrix.strategies.map { strategy in
            "<th scope=\"col\"\(Self.title(matrix.summary(strategy: strategy)))>\(HTML.escaped(strategy))</th>"
        }
        let rows = matrix.faults(at: level).map { fault in
            "<tr><th scope=\"row\"\(Self.title(matrix.summary(fault: fault)))>\(HTML.escaped(fault))</th>"
                + matrix.strategies.map { "<td>\(cell($0, fault))</td>" }.joined() + "</tr>"
        }
        return "<div class=\"wide matrix\" tabindex=\"0\" role=\"region\" "
            + "aria-label=\"Verdicts, \(level.words)\"><table><thead><tr><th scope=\"col\">fault</th>"
            + "\(heads.joined())</tr></thead>\n<tbody>\(rows.joined(separator: "\n"))</tbody></table></div>"
    }

    private static func title(_ words: String?) -> String {
        words.map { " title=\"\(HTML.escaped($0))\"" } ?? ""
    }

    private func cell(_ strategy: String, _ fault: String) -> String {
        guard let pair = matrix.pair(strategy, fault, level) else {
            if let why = matrix.reason(strategy, fault, level) {
                return "<span class=\"cell none\"\(Self.title("not applicable: \(why)"))>-</span>"
            }
            return "<span class=\"cell none\">not run</span>"
        }
        let (shown, result) = (pair.shown, pair.result)
        let title =
            "\(strategy) under \(fault): \(result.word)" + pair.notes.map { ", \($0)" }.joined()
            + "; theory: \(shown.expected.words); tries: \(FaultMarkdown.tries(shown))"
        let notes = pair.notes.map { "<small>\(HTML.escaped($0))</small>" }.joined()
        return "<a class=\"\(result.kind)\" href=\"\(HTML.address(FaultPages.path(of: shown)))\""
            + "\(Self.title(title))>\(result.word)\(result.mark)\(notes)</a>"
    }

    /// What the words of the matrices mean.
    static func legend(_ matrix: FaultMatrix) -> String {
        let used = Set(matrix.all.map(\.result))
        let entries = FaultPair.Result.allCases.filter(used.contains).map { result in
            "<div><dt><span class=\"word \(result.kind)\">\(result.word)\(result.mark)</span></dt>"
                + "<dd>\(HTML.escaped(result.meaning))</dd></div>"
        }
        var notes: [String] = []
        if matrix.all.contains(where: { $0.notes.contains("may break") }) {
            notes.append(
                "<div><dt>may break</dt><dd>Theory allows a violation, in a moment that a run may miss.</dd></div>"
            )
        }
        if !matrix.results.notApplicable.isEmpty {
            notes.append("<div><dt>-</dt><dd>This fault cannot strike this strategy.</dd></div>")
        }
        return "<dl class=\"legend\">\((entries + notes).joined())</dl>"
    }
}

extension FaultPair.Result {
    /// The class that colours it.
    var kind: String {
        switch self {
        case .safe: "safe"
        case .violated: "broken"
        case .againstTheory, .ledgerLost: "wrong"
        case .notShown, .unknown: "open"
        }
    }

    /// So that no colour alone says that a reader has to look at it.
    var mark: String {
        switch self {
        case .safe, .violated: ""
        case .againstTheory, .ledgerLost, .notShown: " !"
        case .unknown: " ?"
        }
    }

    var meaning: String {
        switch self {
        case .safe: "Every invariant held."
        case .violated: "An invariant did not hold, as theory says."
        case .againstTheory: "An invariant did not hold, although theory says safe."
        case .ledgerLost:
            "The ledger lost something that a buyer was told, or the ledger and the stock disagree."
        case .notShown: "Theory demands a violation and no try showed one: that is not safe."
        case .unknown: "It could not be decided: that is not safe."
        }
    }
}

extension HTML {
    /// A path as the address of a link: what an address cannot hold is written as percent and digits.
    static func address(_ path: String) -> String {
        path.utf8.map { byte in
            let character = Character(Unicode.Scalar(byte))
            let isPlain =
                byte < 128 && (character.isLetter || character.isNumber || "-._~/".contains(character))
            let digits = String(byte, radix: 16, uppercase: true)
            return isPlain ? String(character) : "%" + (byte < 16 ? "0" : "") + digits
        }.joined()
    }
}
