extension RunPlan {
    /// Between date and host in the name of the results' directory.
    var folderWord: String {
        scenario.rawValue + (mode == .direct ? "-direct" : "") + (sweep.map { "-sweep-\($0.rawValue)" } ?? "")
            + (target == nil ? "" : "-target")
    }
}
