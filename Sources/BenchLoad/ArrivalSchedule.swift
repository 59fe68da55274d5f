package import BenchModel
package import Foundation

/// The intended starts of an open load, made from a seed: the same for every strategy of a run, and for every
/// run that is given the same file.
package struct ArrivalSchedule: Sendable, Equatable {
    package static let currentSchema = "1.0"

    package let model: LoadModel
    package let ratePerSecond: Double
    package let seed: UInt64
    /// Nanoseconds from the start of the load, ascending.
    let offsets: [Int64]
    /// The same of what comes after them, and is not measured; empty when the schedule was read from a file.
    private let tail: [Int64]

    private init(
        model: LoadModel, ratePerSecond: Double, seed: UInt64, offsets: [Int64], tail: [Int64] = []
    ) {
        self.tail = tail
        self.model = model
        self.ratePerSecond = ratePerSecond
        self.seed = seed
        self.offsets = offsets
    }

    /// Intended starts from 0 to before `length`.
    ///
    /// - Parameters:
    ///   - model: An open one; a closed load has no schedule.
    ///   - tail: For how long the same goes on, unmeasured, while measured purchases have no answer.
    package init(
        _ model: LoadModel, ratePerSecond rate: Double, length: Duration, tail: Duration = .zero, seed: UInt64
    ) {
        var generator = SplitMix64(seed: seed)
        var offsets: [Int64] = []
        let end = (length + tail) / .nanoseconds(1)
        let gap = 1e9 / rate
        var at = 0.0
        var count = 0
        while at < end {
            offsets.append(Int64(at))
            count += 1
            switch model {
            case .poisson:
                // Never the logarithm of zero.
                at += -gap * log(1 - Double.random(in: 0..<1, using: &generator))
            case .constant, .closed:
                // A product, not a sum: no rounding error adds up.
                at = Double(count) * gap
            }
        }
        let last = length / .nanoseconds(1)
        let asked = offsets.prefix { Double($0) < last }
        self.init(
            model: model, ratePerSecond: rate, seed: seed, offsets: Array(asked),
            tail: Array(offsets.dropFirst(asked.count)))
    }

    /// Measured and unmeasured ones.
    var count: Int { offsets.count + tail.count }

    /// Nanoseconds from the start of the load.
    subscript(index: Int) -> Int64 { index < offsets.count ? offsets[index] : tail[index - offsets.count] }
}

extension ArrivalSchedule {
    private struct File: Codable, Sendable {
        var schemaVersion: String
        var model: LoadModel
        var ratePerSecond: Double
        var seed: UInt64
        var offsetsNs: [Int64]
    }

    /// As written by `--schedule-out`.
    package func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = .sortedKeys
        let file = File(
            schemaVersion: Self.currentSchema, model: model, ratePerSecond: ratePerSecond, seed: seed,
            offsetsNs: offsets)
        return try encoder.encode(file) + Data("\n".utf8)
    }

    /// Reads what `--schedule-out` wrote.
    ///
    /// - Throws: ``BenchError`` with one sentence that says what is wrong with the file.
    package init(json: Data) throws(BenchError) {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        guard let file = try? decoder.decode(File.self, from: json) else {
            throw BenchError(.badInput, "the schedule is not a file that --schedule-out wrote")
        }
        guard file.schemaVersion.split(separator: ".").first == "1" else {
            throw BenchError(
                .badInput, "the schedule has version \(file.schemaVersion); this lab-bench reads 1.x")
        }
        let isAscending = zip(file.offsetsNs, file.offsetsNs.dropFirst()).allSatisfy { $0 <= $1 }
        guard file.model.isOpen, isAscending, let first = file.offsetsNs.first, first >= 0,
            file.ratePerSecond > 0
        else {
            throw BenchError(
                .badInput, "the schedule must hold ascending moments of an open model, from 0 on")
        }
        self.init(
            model: file.model, ratePerSecond: file.ratePerSecond, seed: file.seed, offsets: file.offsetsNs)
    }
}
