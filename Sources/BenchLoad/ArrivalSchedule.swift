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
    /// The window has as many arrivals as the rate says. A file may hold another draw, or be replayed with
    /// another warm-up, so of a Poisson process from a file this is not known.
    package let isCounted: Bool

    private init(
        model: LoadModel, ratePerSecond: Double, seed: UInt64, offsets: [Int64], tail: [Int64] = [],
        isCounted: Bool = true
    ) {
        self.tail = tail
        self.isCounted = isCounted
        self.model = model
        self.ratePerSecond = ratePerSecond
        self.seed = seed
        self.offsets = offsets
    }

    /// Intended starts from 0 to before `length`.
    ///
    /// A Poisson process of a given number of arrivals spreads them evenly and independently, so warm-up,
    /// window and tail each get the number that the rate says, at such moments: what a trial is asked does
    /// not depend on its seed's luck. (A free draw of 2,400 arrivals is off by more than 4 % in one of
    /// twenty.)
    ///
    /// - Parameters:
    ///   - model: An open one; a closed load has no schedule.
    ///   - warmup: The first part of `length`, which is not measured.
    ///   - tail: For how long the same goes on, unmeasured, while measured purchases have no answer.
    package init(
        _ model: LoadModel, ratePerSecond rate: Double, warmup: Duration = .zero, length: Duration,
        tail: Duration = .zero, seed: UInt64
    ) {
        let ends = [.zero, warmup, length, length + tail].map { $0 / .nanoseconds(1) }
        var generator = SplitMix64(seed: seed)
        let parts = zip(ends, ends.dropFirst()).map { from, until -> [Int64] in
            switch model {
            case .poisson:
                let count = Int(((until - from) * rate / 1e9).rounded())
                return (0..<count).map { _ in Int64(Double.random(in: from..<until, using: &generator)) }
                    .sorted()
            case .constant, .closed:
                // Products, not sums: no rounding error adds up.
                let first = Int((from * rate / 1e9).rounded(.up))
                return (first...).lazy.map { Double($0) * 1e9 / rate }.prefix { $0 < until }.map { Int64($0) }
            }
        }
        self.init(
            model: model, ratePerSecond: rate, seed: seed, offsets: parts[0] + parts[1], tail: parts[2])
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
            model: file.model, ratePerSecond: file.ratePerSecond, seed: file.seed, offsets: file.offsetsNs,
            isCounted: file.model == .constant)
    }
}
