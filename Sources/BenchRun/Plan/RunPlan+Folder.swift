import BenchModel

extension RunPlan {
    /// Between date and host in the name of the results' directory.
    package var folderWord: String {
        scenario.rawValue + (mode == .http ? "" : "-\(mode.rawValue)")
            + (layers.isEmpty ? "" : "-modes")
            + (sweep.map { "-sweep-\($0.rawValue)" } ?? "")
            + (target == nil ? "" : "-target")
    }
}
