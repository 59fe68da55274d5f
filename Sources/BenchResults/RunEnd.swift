package import BenchModel

/// How the trials of a run ended.
package enum RunEnd: Error, Sendable, Equatable {
    case complete
    case interrupted
    case failed(BenchError)
}
