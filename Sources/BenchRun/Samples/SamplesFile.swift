import BenchLoad
package import BenchModel
import LockStrategies
import NIOCore

/// `samples.csv.gz`: single requests of every trial, all of them or a fair choice of 10,000 a trial.
package enum SamplesFile {
    static let header =
        "trial,strategy,model,block,user,product,intended_us,sent_us,done_us,outcome,attempts,wait_us,hold_us,of_requests\n"

    package static func write(_ trials: [FinishedTrial], to path: String) throws(BenchError) {
        guard let file = GzipFile(path: path) else {
            throw BenchError(.outputFailed, "the samples cannot be written to \(path)")
        }
        var isWhole = file.write(header)
        for trial in trials { isWhole = file.write(lines(trial)) && isWhole }
        if !isWhole { throw BenchError(.outputFailed, "the samples could not be written whole to \(path)") }
    }

    /// In the order in which the requests were answered.
    package static func lines(_ trial: FinishedTrial) -> String {
        let planned = trial.planned
        let start = "\(planned.order),\(planned.strategy.name),\(planned.model.rawValue),\(planned.block)"
        let samples = trial.record.samples
        var text = ""
        for sample in samples.samples.sorted(by: { $0.done < $1.done }) {
            let times = [sample.intended, sample.sent, sample.done].map { String($0.nanoseconds / 1000) }
            let timing = sample.timing
            let evidence = [timing.attempts, timing.waitMicroseconds, timing.holdMicroseconds].map {
                $0.map { String($0) } ?? ""
            }
            text +=
                "\(start),\(sample.user + 1),\(sample.product + 1),\(times.joined(separator: ",")),\(sample.outcome.rawValue),"
            text += "\(evidence.joined(separator: ",")),\(samples.seen)\n"
        }
        return text
    }
}
