/// How the trials of a run ended.
enum RunEnd: Error, Sendable, Equatable {
    case complete
    case interrupted
    case failed(BenchError)
}
