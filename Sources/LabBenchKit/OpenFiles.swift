import BenchModel
import BenchRun
import Foundation

/// Files and connections that this process may have open at the same time. The servers that it starts have
/// the same limit.
enum OpenFiles {
    /// Files, pipes and connections to Redis and to SQLite, beside those of the users.
    private static let others = 128

    /// Raises the limit as far as the system lets this process, and says before anything is measured when
    /// that is not enough.
    ///
    /// - Throws: ``BenchError`` with `.badInput`.
    static func makeRoom(for plan: RunPlan) throws(BenchError) {
        // The users of the control and a tenth to spare, which the check generator-sockets asks for.
        let connections = plan.mode.isOwnProcess ? 0 : max(plan.users, plan.controlUsers) * 10 / 9 + 1
        let needed = rlim_t(others + connections)
        let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        guard unsafe getrlimit(kind, &limit) == 0, limit.rlim_cur < needed else { return }
        var raised = limit
        raised.rlim_cur = min(needed, limit.rlim_max)
        guard raised.rlim_cur == needed, unsafe setrlimit(kind, &raised) == 0 else {
            throw BenchError(
                .badInput,
                "this run needs \(needed) open files, and the system allows \(limit.rlim_max): raise the limit "
                    + "(ulimit -n \(needed)), or take fewer --users")
        }
    }
}
