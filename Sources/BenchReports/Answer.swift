import BenchModel
package import BenchResults
import BenchStatistics

/// What a run says to somebody who has to choose: who sold most, what a lock costs against that, and who is
/// not to be trusted. From the run's own data only.
package struct Answer: Sendable, Equatable {
    package let sentences: [String]

    package var text: String { sentences.joined(separator: " ") }

    package init(_ results: RunResults) {
        let answer = Reading(results)
        sentences = [answer.most, answer.bestLock, answer.safety].compactMap(\.self)
    }
}

private struct Reading {
    let results: RunResults
    /// With a rate, the highest one first.
    let sellers: [StrategyResult]
    let leaders: [StrategyResult]

    init(_ results: RunResults) {
        self.results = results
        sellers = results.byRate.filter { $0.purchasesPerSecond != nil && !$0.isViolated }
        leaders = results.leaders.compactMap { id in results.strategies.first { $0.id == id } }
    }

    private func rate(_ strategy: StrategyResult) -> Double { strategy.purchasesPerSecond?.median ?? 0 }

    private func perSecond(_ strategy: StrategyResult) -> String {
        "\(Text.number(rate(strategy))) purchases/s"
    }

    var most: String? {
        if let sweep = results.sweep { return swept(sweep) }
        if let fault = results.workload.fault { return struck(fault) }
        guard let best = leaders.first else { return unranked }
        if leaders.count == 1 {
            guard let next = sellers.first(where: { $0.id != best.id && $0.isRanked }) else {
                return "\(best.id) sold \(perSecond(best)); nothing else was ranked beside it."
            }
            return
                "\(best.id) sold most: \(perSecond(best)), \(times(best, next)) as many as \(next.id), beyond chance."
        }
        let slowest = leaders.map(rate).min() ?? 0
        return
            "\(list(leaders.map(\.id))) sold most (\(Text.number(rate(best))) to \(Text.number(slowest)) purchases/s); "
            + "\(Text.count(results.workload.rounds, "round")) cannot tell them apart."
    }

    /// Where the best strategy of a sweep sold most, or how far it kept up.
    private func swept(_ sweep: SweepResult) -> String? {
        let points = sweep.kind == .rate ? sweep.points.filter { $0.isSustained == true } : sweep.points
        guard let best = points.max(by: { $0.purchasesPerSecond < $1.purchasesPerSecond }) else {
            return sweep.points.isEmpty ? nil : "No rate was kept by any strategy."
        }
        let rate = "\(Text.number(best.purchasesPerSecond)) purchases/s"
        return sweep.kind == .users
            ? "\(best.strategy) sold most, \(rate), with \(Text.count(best.users, "user"))."
            : "The highest rate that was kept is \(Text.number(best.offeredPerSecond ?? best.purchasesPerSecond))/s, by \(best.strategy)."
    }

    /// Who went on selling during the fault, and who took longest to sell again; of the first round.
    private func struck(_ fault: String) -> String? {
        let trials = results.strategies.compactMap { strategy in
            results.trials.first { $0.strategy == strategy.id && $0.struck != nil }
        }
        guard !trials.isEmpty else { return nil }
        let stuck = trials.filter { $0.struck?.recoveryMs == nil }.map(\.strategy)
        let slowest = trials.compactMap { trial in trial.struck?.recoveryMs.map { (trial.strategy, $0) } }
            .max { $0.1 < $1.1 }
        let most = trials.compactMap { trial in trial.struck?.availability.map { (trial.strategy, $0) } }
            .max { $0.1 < $1.1 }
        var words: [String] = []
        if let most {
            words.append(
                most.1 < 0.01
                    ? "In the first round next to nothing was sold during \(fault)"
                    : "In the first round \(most.0) kept most of its purchases during \(fault), \(Text.percent(min(most.1, 1)))"
            )
        }
        if let slowest {
            words.append(
                "\(slowest.0) took longest to sell again, \(Text.number(slowest.1 / 1000, digits: 2)) s")
        }
        if !stuck.isEmpty { words.append("\(list(stuck)) did not recover in the window") }
        return words.joined(separator: "; ") + "."
    }

    private var unranked: String? {
        guard let best = sellers.first, sellers.count > 1 else { return nil }
        let why = results.workload.rounds == 1 ? "one round ranks nothing" : "nothing is ranked here"
        return "\(best.id) sold most in this run (\(perSecond(best))), but \(why)."
    }

    /// What the best lock costs against what sold most.
    var bestLock: String? {
        guard let best = leaders.first else { return nil }
        guard let lock = sellers.first(where: { $0.takesLock && $0.isRanked }) else { return nil }
        if leaders.contains(where: { $0.id == lock.id }) {
            return leaders.count == 1 ? "It is a lock." : nil
        }
        let tail = [lock, best].map { $0.latencyUs.milliseconds($0.latencyUs.p99) }
        let tails = tail.contains("-") ? "" : ", with a p99 of \(tail[0]) ms against \(tail[1])"
        let share = rate(best) > 0 ? rate(lock) / rate(best) : 0
        return
            "The best lock, \(lock.id), sold \(Text.number(rate(lock)))/s, \(share < 0.995 ? Text.number(share * 100) : "100") % of that\(tails)."
    }

    var safety: String? {
        let wrong = results.strategies.filter(\.isViolated).map(\.id)
        if !wrong.isEmpty {
            return "Unsafe: \(list(wrong)) sold what was not there, whatever the speed."
        }
        let unknown = results.strategies.filter { $0.stockWord == "unknown" }.map(\.id)
        if !unknown.isEmpty { return "Whether \(list(unknown)) sold rightly could not be read." }
        guard results.strategies.contains(where: { $0.stockWord == "exact" }) else { return nil }
        let caught = results.negativeControls.filter { $0.isCaught == true }.map(\.id)
        let control = caught.isEmpty ? "" : " by a real strategy; \(list(caught)) oversold, as a control must"
        let fault = results.workload.fault.map { "\($0) struck each load" } ?? "No fault was injected"
        return "Nothing was oversold\(control). \(fault)."
    }

    private func times(_ one: StrategyResult, _ other: StrategyResult) -> String {
        let pair = results.pairs.first { $0.first == other.id && $0.second == one.id }?.judgement.ratio
        let turned = results.pairs.first { $0.first == one.id && $0.second == other.id }?.judgement.ratio
        let ratio = pair ?? turned.map { 1 / $0 } ?? rate(one) / max(rate(other), 1e-9)
        return "\(Text.number(ratio, digits: 2)) times"
    }

    /// `a`, `a and b`, `a, b and c`
    private func list(_ names: [String]) -> String {
        names.count < 2
            ? names.joined() : names.dropLast().joined(separator: ", ") + " and " + (names.last ?? "")
    }
}

extension RunResults {
    /// The strategies, the one that sold most first, those without a rate last.
    package var byRate: [StrategyResult] {
        strategies.enumerated().sorted { one, other in
            let (left, right) = (
                one.element.purchasesPerSecond?.median, other.element.purchasesPerSecond?.median
            )
            return left != right ? (left ?? -1) > (right ?? -1) : one.offset < other.offset
        }.map(\.element)
    }
}
