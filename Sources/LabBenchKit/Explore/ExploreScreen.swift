import BenchModel
import BenchResults
import Exploration
import LabProcesses
import LockStrategies

/// What a person sees of an exploration: a line for each cell, the stories that were asked for, the answer.
struct ExploreScreen: Sendable {
    let isSilent: Bool
    /// Of the first schedule.
    let seed: UInt64

    func announce(_ plan: ExplorePlan) {
        let length =
            switch plan.length {
            case .schedules(let count): "\(Text.number(Double(count))) schedules each"
            case .time(let time): "\(Text.time(time)) in all"
            }
        say(
            "\(Text.count(plan.cells.count, "cell")), \(length), seed \(plan.seed), order \(plan.orders.rawValue)"
        )
        #if DEBUG
            say("this is a debug build: rates are not representative")
        #endif
    }

    func show(_ cell: ExploredCell, number: Int, of count: Int) {
        let outcome = cell.outcome
        let rate = outcome.seconds > 0 ? Double(outcome.schedules) / outcome.seconds : 0
        let place = "[\(number)/\(count)]".padding(to: 2 * String(count).count + 3)
        say(
            "\(place) \(cell.plan.level.rawValue.padding(to: 8)) \(cell.plan.strategy.name.padding(to: 13)) "
                + "\(cell.plan.fault.rawValue.padding(to: 20)) "
                + "\(words(cell)); \(Text.number(rate))/s on one core")
        if let first = outcome.first, cell.isAgainstTheory {
            say("    seed \(first.seed): \(first.findings.joined(separator: "; "))")
        }
    }

    /// Tells the first violation, made small; without one the first schedule.
    func tell(_ cell: ExploredCell, _ plan: ExplorePlan) throws(BenchError) {
        if let story = cell.story { return say(story.text) }
        guard cell.outcome.first == nil else { return }
        do {
            let schedule = try ScheduleRunner(cell.plan).run(seed: plan.seed, plan.orders, isTold: true)
            say(StoryText(schedule).text)
        } catch {
            throw BenchError(.badInput, "\(error)")
        }
    }

    /// Writes the results, then says how it ended: also where they cannot be written.
    func finish(
        _ cells: [ExploredCell], _ plan: ExplorePlan, _ record: ExploreRecord, in folder: ResultsFolder
    ) throws(BenchError) {
        guard let results = record.results else {
            folder.removeIfEmpty()
            return finish(cells, plan)
        }
        let writing = Result { () throws(BenchError) in try folder.write(results) }
        finish(cells, plan)
        try writing.get()
        StandardStream.output.say("report: \(folder.path)/EXPLORE.md\n")
    }

    func finish(_ cells: [ExploredCell], _ plan: ExplorePlan) {
        let schedules = cells.reduce(0) { $0 + $1.outcome.schedules }
        let against = cells.filter(\.isAgainstTheory)
        let missing = cells.filter { !$0.isAsExpected && !$0.isAgainstTheory }
        var lines = [
            "\(Text.number(Double(schedules))) schedules in \(Text.count(cells.count, "cell")), seed \(plan.seed): "
                + (against.isEmpty && missing.isEmpty
                    ? "all as theory says"
                    : "\(against.count) against theory, \(missing.count) not shown or not decided")
        ]
        lines += [ExploreTrace(cells).sentence, Self.chance(cells)].compactMap(\.self)
        for cell in against + missing {
            lines.append(
                "  \(Self.name(cell)): \(words(cell))")
        }
        StandardStream.output.say(lines.joined(separator: "\n") + "\n")
    }

    /// Where the chance of a bug is smallest, among cells in which every schedule was played.
    private static func chance(_ cells: [ExploredCell]) -> String? {
        let known = cells.filter { $0.isWhole && $0.outcome.first == nil }
            .compactMap { cell in cell.chance.map { (cell, $0) } }
        guard let (cell, chance) = known.min(by: { $0.1.depth3 < $1.1.depth3 }) else { return nil }
        return "pct's chance of a bug that needs 2 steps in order: at least \(Text.chance(chance.depth2)), "
            + "3 steps: \(Text.chance(chance.depth3))\n"
            + "  (\(name(cell)), the worst cell)"
    }

    private static func name(_ cell: ExploredCell) -> String {
        let place = cell.plan.level == .service ? " in the service" : ""
        return "\(cell.plan.strategy.name) under \(cell.plan.fault.rawValue)\(place)"
    }

    private func words(_ cell: ExploredCell) -> String {
        let outcome = cell.outcome
        let count = Text.number(Double(outcome.schedules))
        guard let at = cell.place(from: seed) else {
            let open =
                (outcome.undecided > 0 ? ", \(outcome.undecided) not decided" : "")
                + (cell.isComplete == false ? ", and there are more" : "")
            if cell.isComplete == true { return "held in all \(count) orders\(open)" }
            return cell.expected == .violated
                ? "NOT SHOWN in \(count) schedules\(open)" : "held in \(count) schedules\(open)"
        }
        if cell.isComplete != nil, cell.expected != .safe {
            return "violated as theory says, in \(outcome.violations) of \(count) orders"
        }
        return cell.expected == .safe
            ? "VIOLATED AGAINST THEORY in \(outcome.violations) of \(count) schedules"
            : "violated as theory says, shown by schedule \(at)"
    }

    private func say(_ text: String) {
        guard !isSilent else { return }
        StandardStream.output.say(text + "\n")
    }
}

/// All schedules of the cells in which every schedule was played, as one number. Where a violation ends a
/// cell, the number of its schedules is not fixed.
struct ExploreTrace: Sendable {
    private let cells: [ExploredCell]

    init(_ cells: [ExploredCell]) { self.cells = cells.filter(\.isWhole) }

    var number: String { String(cells.reduce(UInt64(0)) { $0 &+ $1.outcome.fingerprint }, radix: 16) }

    var sentence: String {
        "trace of the \(Text.count(cells.count, "cell")) that no violation ends: \(number)"
    }
}
