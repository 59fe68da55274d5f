import BenchAudit
import BenchLoad
import BenchModel
package import BenchResults
import FaultInjection
package import Foundation
package import LockDrivers
import LockStrategies

extension RunResults {
    /// Makes the results of a run from what was run to its end.
    ///
    /// - Parameter layers: The results of the modes inside of this one, the innermost first.
    package init(
        plan: RunPlan, trials: [FinishedTrial], ceilings: [FinishedCeiling] = [], end: RunEnd,
        started: Date, ended: Date, environment: EnvironmentInfo, pipe: EchoCost? = nil,
        layers: [RunResults] = []
    ) {
        let all = EqualConditions.judged(trials, plan.policies)
        let trials = all.filter { !$0.isSpoilt }
        let results = trials.map(TrialResult.init)
        let strategies = plan.strategies.map { strategy in
            StrategyResult(strategy.id, trials.filter { $0.planned.strategy == strategy }, plan: plan)
        }
        let controls = plan.controls.map { control in
            ControlResult(control.id, results.first { $0.strategy == control.name })
        }
        let spoilt = SpoiltTrial.all(all)
        let verdict = Verdict(
            end,
            Findings(
                strategies: strategies, controls: controls, trials: results, spoilt: spoilt,
                planned: plan.trialCount, thresholds: plan.thresholds))
        self.init(
            schemaVersion: Self.currentSchema,
            run: Run(plan, end, started: started, ended: ended, gitCommit: environment.gitCommit),
            env: environment, systemUnderTest: System(plan: plan, trials: all, pipe: pipe),
            workload: Workload(plan),
            trials: results, spoilt: spoilt, strategies: strategies,
            checks: CheckSummary.all(results.filter { !$0.isControl }),
            controls: controls + ceilings.map { ControlResult($0) }, pairs: [],
            sweep: plan.sweep.map { SweepResult($0, plan.strategies, trials) }, verdict: verdict)
        if let reason = whyNobodyIsRanked {
            for index in self.strategies.indices where self.strategies[index].isRanked {
                self.strategies[index].isRanked = false
                self.strategies[index].notRankedBecause = reason
            }
        }
        if plan.rounds > 1 && plan.sweep == nil {
            pairs = PairJudgement.all(self, noiseFloor: plan.thresholds.noiseFloorPercent / 100)
        }
        if !plan.layers.isEmpty {
            self.layers = LayerResult.all(layers + [self])
            // A run that did not end by itself says so once.
            if end == .complete {
                self.verdict = self.verdict.beside(layers.map { ($0.workload.mode, $0.verdict) })
            }
        }
    }

    private var whyNobodyIsRanked: String? {
        if run.status != "complete" { return "the run is not finished" }
        return verdict.exit == .invalid ? "the run is invalid" : nil
    }
}

extension RunResults.Run {
    fileprivate init(_ plan: RunPlan, _ end: RunEnd, started: Date, ended: Date, gitCommit: String?) {
        var failure: String?
        if case .failed(let error) = end { failure = error.description }
        self.init(
            id: UUID().uuidString.lowercased(), toolVersion: BenchVersion.current, started: started,
            ended: ended, command: plan.command, seed: plan.seed, gitCommit: gitCommit,
            status: end == .complete ? "complete" : end == .interrupted ? "interrupted" : "failed",
            failure: failure)
    }
}

extension RunResults.Workload {
    fileprivate init(_ plan: RunPlan) {
        let hasSeveral = plan.mix.count > 1
        self.init(
            scenario: plan.scenario,
            mode: plan.mode,
            models: plan.models,
            ratePerSecond: plan.rate,
            openDurationSeconds: plan.openDuration / .seconds(1),
            users: plan.users,
            rounds: plan.rounds,
            openRounds: plan.openRounds,
            warmupSeconds: plan.warmup / .seconds(1),
            durationSeconds: plan.duration / .seconds(1),
            drainLimitSeconds: TrialRunner.drain / .seconds(1),
            stock: plan.stock,
            controlStock: plan.controlStock,
            controlDurationSeconds: plan.controlDuration / .seconds(1),
            products: plan.mix.count,
            skew: hasSeveral ? plan.mix.skew : nil,
            hotProductShare: hasSeveral ? plan.mix.hotShare : nil,
            target: plan.target?.url,
            strategies: plan.strategies.map(\.name),
            controls: plan.controls.map(\.name),
            isQuick: plan.isQuick,
            fault: plan.strike?.fault.rawValue,
            faultAtSeconds: plan.strike.map { $0.at / .seconds(1) },
            faultForSeconds: plan.strike.map { $0.lasts / .seconds(1) },
            thresholds: plan.thresholds)
    }
}

extension RunResults.System {
    fileprivate init(plan: RunPlan, trials: [FinishedTrial], pipe: EchoCost?) {
        let sample = trials.first { !$0.planned.isControl } ?? trials.first
        let isForeign = plan.target != nil
        let witness = plan.mode == .http ? "lab-server" : "the service"
        let origin =
            isForeign
            ? "the target's own, not looked at"
            : plan.redis == nil ? "started by the bench" : "named by --redis"
        self.init(
            redis: trials.lazy.compactMap(\.redisSystem).first,
            redisOrigin: origin,
            lockNodes: isForeign ? 0 : TrialRedis.lockNodeCount,
            sqliteVersion: sample?.sqliteVersion,
            sqliteJournalMode: sample?.journalMode,
            sqliteSynchronous: isForeign
                ? "not known: the target's own"
                : plan.mode == .strategy
                    ? "no ledger"
                    : plan.database == .postgres
                        ? "none: the ledger is on PostgreSQL" : "FULL (asserted by \(witness) at start)",
            serverArguments: sample?.serverArguments,
            bcryptCost: plan.mode == .http && !isForeign ? plan.bcryptCost : nil,
            leaseTtlMs: plan.policies.leaseTimeToLive / .milliseconds(1),
            purchaseDeadlineMs: plan.purchaseDeadline / .milliseconds(1),
            conditions: (plan.strategies + plan.controls).map { StrategyConditions($0, plan.policies) },
            servers: plan.mode == .http && !isForeign ? plan.servers : nil,
            database: isForeign || plan.mode == .strategy ? nil : plan.database,
            postgresVersion: sample?.postgresVersion,
            drivers: plan.drivers.isEmpty ? nil : plan.drivers.map { DriverConditions($0) },
            driverPipe: pipe.map { PipeCost($0) })
    }
}

extension DriverConditions {
    fileprivate init(_ driver: PlannedDriver) {
        let hello = driver.hello
        self.init(
            id: driver.id.rawValue, name: hello.name, version: hello.version, abilities: hello.abilities,
            setting: hello.setting, processes: PlannedDriver.processCount)
    }
}

extension PipeCost {
    fileprivate init(_ cost: EchoCost) {
        self.init(
            requestsOpen: EchoCost.openRequests, perOperationUs: cost.perOperation / .microseconds(1),
            aloneUs: cost.alone / .microseconds(1))
    }
}
