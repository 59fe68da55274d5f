import BenchLoad
import BenchModel
import FaultInjection
import LockStrategies

extension RunPlan {
    /// The command that repeats the run, as typed at the root of the tree: strategies, seed, and every choice
    /// that is no default; no password, no path.
    var command: String {
        let names = (controls + strategies).map(\.name).joined(separator: ",")
        let defaults = Defaults()
        var words = ["./lab bench", "--strategies \(names)"]
        for driver in drivers { words.append("--driver \(driver.id)=COMMAND") }
        if mode != .http || !layers.isEmpty {
            words.append("--mode \(layers.isEmpty ? mode.rawValue : Self.allModes)")
        }
        if scenario != .purchase { words.append("--scenario \(scenario.rawValue)") }
        if let target { words.append("--target \(target.url)") }
        if target?.tls?.isOwnAuthority == true { words.append("--target-ca FILE") }
        if servers > 1 { words.append("--servers \(servers)") }
        if database != .sqlite { words.append("--database \(database.rawValue)") }
        if isQuick { words.append("--quick") }
        if arrivals != nil {
            words.append("--schedule-in FILE")
        } else if sweep != nil {
            if let rate { words.append("--rate \(Text.plain(rate))") }
        } else {
            if models != (isQuick ? [.closed] : [.closed, .poisson]) {
                words.append("--model \(models.count > 1 ? "both" : models[0].rawValue)")
            }
            if let rate { words.append("--rate \(Text.plain(rate))") }
        }
        if let sweep { words.append("--sweep \(sweep.rawValue)") }
        if sweep != .users && users != defaults.users { words.append("--users \(users)") }
        if duration != Self.standardDuration(isQuick, sweep, defaults) {
            words.append("--duration \(Text.plain(duration / .seconds(1)))")
        }
        if warmup != (isQuick ? defaults.quickWarmup : defaults.warmup) {
            words.append("--warmup \(Text.plain(warmup / .seconds(1)))")
        }
        if rounds != (isQuick || sweep != nil ? 1 : defaults.rounds) { words.append("--rounds \(rounds)") }
        if openRounds > 0 && openRounds != defaults.openRounds { words.append("--open-rounds \(openRounds)") }
        if stock != defaults.stock { words.append("--stock \(stock)") }
        if mix.count > 1 { words.append("--products \(mix.count) --skew \(Text.plain(mix.skew))") }
        if let strike {
            words.append(
                "--fault \(strike.fault.rawValue) --at \(Text.plain(strike.at / .seconds(1))) --for \(Text.plain(strike.lasts / .seconds(1)))"
            )
        } else if !hasCeilings {
            words.append("--no-ceilings")
        }
        if bcryptCost != defaults.bcryptCost { words.append("--bcrypt-cost \(bcryptCost)") }
        if thresholds != Thresholds() { words.append("--thresholds FILE") }
        words.append("--seed \(seed)")
        if let redis { words.append("--redis \(redis)") }
        return words.joined(separator: " ")
    }
}
