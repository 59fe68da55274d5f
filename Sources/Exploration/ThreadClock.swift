import Foundation

/// What this thread has used of a core: unlike the time of day it does not grow while others have the core.
enum ThreadClock {
    /// Seconds of CPU since the thread began.
    static var now: Double {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
