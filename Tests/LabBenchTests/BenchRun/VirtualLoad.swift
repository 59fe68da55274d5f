import BenchModel
import NIOCore

@testable import BenchLoad
@testable import BenchRun

/// Runs a load against a ``DelayPlan`` on a clock that jumps from event to event: the decisions of the real
/// generator and of the real server, without a network and without waiting.
struct VirtualLoad {
    private let users: Int
    private var line: LoadLine
    private var server: DelayPlan
    private var underWay: [(user: Int, times: RequestTimes, done: NIODeadline)] = []
    private(set) var record: LoadRecord

    static func run(_ load: DelayLoad) -> LoadRecord {
        var virtual = VirtualLoad(load)
        virtual.run()
        return virtual.record
    }

    private init(_ load: DelayLoad) {
        let schedule = load.plan.schedule(from: .uptimeNanoseconds(1_000_000_000_000))
        users = load.users
        server = load.server
        line = LoadLine(schedule: schedule, arrivals: load.plan.arrivals)
        record = LoadRecord(schedule: schedule, users: load.users, isOpen: load.plan.arrivals != nil)
    }

    private mutating func run() {
        let start = line.schedule.start
        for user in 0..<users { free(user, at: start) }
        while true {
            let next = underWay.indices.min { underWay[$0].done < underWay[$1].done }
            let done = next.map { underWay[$0].done }
            let arrival = line.nextArrival
            guard let now = [done, arrival].compactMap({ $0 }).min(), now <= line.schedule.drainUntil else {
                break
            }
            if let arrival, arrival == now {
                for turn in line.arrive(until: now) { send(turn.user, intended: turn.intended, at: now) }
            } else if let next {
                let answer = underWay.remove(at: next)
                record.add(
                    user: answer.user, answer.times, done: now, outcome: .success, timing: ServerTiming())
                free(answer.user, at: now)
            }
        }
        record.openAccount = line.isOpen ? line.account : nil
    }

    private mutating func free(_ user: Int, at now: NIODeadline) {
        if let intended = line.free(user, at: now) { send(user, intended: intended, at: now) }
    }

    private mutating func send(_ user: Int, intended: NIODeadline, at now: NIODeadline) {
        underWay.append((user, RequestTimes(intended: intended, sent: now), server.answer(to: now)))
    }
}
