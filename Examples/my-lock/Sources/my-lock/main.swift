import LabBenchKit
import LockStrategies

await LabBench.main(adding: [StrategyEntry(lock: "my-lock", summary: "SET NX PX") { MyLock(parts: $0) }])
