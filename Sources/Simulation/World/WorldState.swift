/// What a ``World`` knows, and which step comes next. It decides; the world acts.
struct WorldState {
    struct Event: Sendable {
        let at: World.Moment
        let number: Int
        let line: Int
        let reach: World.Reach
        let action: @Sendable () -> Void
    }

    /// A job that its task may go on with.
    struct Ready: Sendable {
        let job: UnownedJob
        let process: Int
        let executor: ProcessExecutor
        /// The runtime's number of its task, the same for all jobs of a task; 0 where no order asks for it.
        let task: UInt64
        var since: World.Moment
    }

    enum Step: Sendable {
        case job(Ready)
        case event(Event)
    }

    /// A process that runs, is stopped, or is dead.
    struct ProcessLife: Sendable {
        enum Phase: Sendable, Equatable {
            case running
            case stopped
            case dead
        }

        let executor: ProcessExecutor
        var phase = Phase.running
        /// What ends with it: its connections.
        var deaths: [@Sendable () -> Void] = []
        var looksAfterDeath: World.Moment = 0
    }

    typealias Sleeper = CheckedContinuation<Void, any Error>

    var now: World.Moment = 0
    var chooser: Chooser
    private(set) var events: [Event] = []
    private var ready: [Ready] = []
    private(set) var processes: [ProcessLife] = []
    /// Tasks that sleep, by the number of the event that wakes them; in the order of these numbers.
    private var sleepers: [(event: Int, process: Int, sleeper: Sleeper)] = []
    /// What is done when the world has ended.
    var endings: [@Sendable () -> Void] = []
    var lastNumber = 0
    /// What happens before a step, whatever that is.
    var strikeBefore: (step: Int, action: @Sendable () -> Void)?
    private(set) var steps = 0
    /// From the first strike to the last one.
    private(set) var strikes: ClosedRange<World.Moment>?
    /// FNV-1a, 64 bits, over what was chosen and when.
    private(set) var fingerprint: UInt64 = 0xCBF2_9CE4_8422_2325
    var story: [StoryLine]?
    private let order: StepOrder
    private var priorities: StepPriorities?
    private var lastProcess = -1

    var rivals: Int { priorities?.count ?? 0 }

    /// Steps that may come next; kept to be used again.
    private var readyOptions: [Int] = []
    private var eventOptions: [Int] = []

    init(chooser: Chooser, order: StepOrder, isTold: Bool) {
        self.chooser = chooser
        self.order = order
        story = isTold ? [] : nil
        if case .priorities(let changes, let steps) = order.rule {
            priorities = StepPriorities(changes: changes, steps: steps, &self.chooser)
        }
    }

    // MARK: Events and jobs

    mutating func add(_ event: Event) {
        // The newest mostly is the last: looked for from the end.
        var place = events.count
        while place > 0, events[place - 1].at > event.at { place -= 1 }
        events.insert(event, at: place)
    }

    mutating func remove(_ number: Int) {
        if let place = events.lastIndex(where: { $0.number == number }) { events.remove(at: place) }
    }

    mutating func add(_ job: UnownedJob, of process: Int) {
        ready.append(
            Ready(
                job: job, process: process, executor: processes[process].executor,
                task: priorities == nil ? 0 : Self.task(of: job), since: now))
    }

    mutating func delay(from shortest: World.Moment, to longest: World.Moment) -> World.Moment {
        // Where all orders are gone through, lengths would only repeat them.
        guard longest > shortest, order.rule != .commandsOnly else { return shortest }
        // One in eight is long; sixteen lengths of each kind are enough to make any order.
        let span = longest - shortest
        let place = World.Moment(chooser.choose(among: 16))
        return shortest + (chooser.oneIn(8) ? span * (place + 1) / 16 : span * place / 256)
    }

    // MARK: Processes

    mutating func addProcess(_ make: (Int) -> ProcessExecutor) -> Int {
        let number = processes.count
        processes.append(ProcessLife(executor: make(number)))
        return number
    }

    mutating func onDeath(of process: Int, _ action: @escaping @Sendable () -> Void) {
        processes[process].deaths.append(action)
    }

    mutating func setPhase(_ phase: ProcessLife.Phase, of process: Int) {
        guard processes[process].phase != .dead else { return }
        processes[process].phase = phase
        if phase == .running {
            for place in ready.indices where ready[place].process == process { ready[place].since = now }
        }
    }

    /// The clock of a dead process. Every deadline is over, and one that is set from now on is over at the
    /// next look: so its tasks come to their end.
    mutating func timeOfTheDead(_ process: Int) -> World.Moment {
        processes[process].looksAfterDeath += 1
        return (1 << 60) + processes[process].looksAfterDeath * 1_000_000_000
    }

    /// What a process that dies leaves: its connections, and its tasks that sleep.
    mutating func die(_ process: Int) -> (deaths: [@Sendable () -> Void], sleepers: [Sleeper]) {
        setPhase(.dead, of: process)
        let deaths = processes[process].deaths
        processes[process].deaths = []
        let gone = sleepers.filter { $0.process == process }
        sleepers.removeAll { $0.process == process }
        for sleeper in gone { remove(sleeper.event) }
        return (deaths, gone.map(\.sleeper))
    }

    mutating func endAll() -> (deaths: [@Sendable () -> Void], sleepers: [Sleeper]) {
        var all: (deaths: [@Sendable () -> Void], sleepers: [Sleeper]) = ([], [])
        for process in processes.indices {
            let left = die(process)
            all.deaths += left.deaths
            all.sleepers += left.sleepers
        }
        events = []
        strikeBefore = nil
        return all
    }

    /// What an ended world still holds. All of it holds the world: what died has planned to say so, and
    /// nothing that is planned happens any more.
    mutating func takeRemains() -> (endings: [@Sendable () -> Void], events: [Event], lives: [ProcessLife]) {
        let remains = (endings, events, processes)
        (endings, events) = ([], [])
        for place in processes.indices { processes[place].deaths = [] }
        return remains
    }

    // MARK: Sleeping

    mutating func addSleeper(_ sleeper: Sleeper, event: Int, process: Int) {
        sleepers.append((event, process, sleeper))
    }

    func sleepers(of process: Int) -> Int { sleepers.count { $0.process == process } }

    mutating func takeSleeper(_ event: Int) -> Sleeper? {
        guard let place = sleepers.firstIndex(where: { $0.event == event }) else { return nil }
        return sleepers.remove(at: place).sleeper
    }

    // MARK: The next step

    /// A job of any process, also of one that is stopped or dead.
    mutating func takeFirst() -> Ready? { ready.isEmpty ? nil : ready.removeFirst() }

    mutating func next() -> Step? {
        steps += 1
        // What is left of the dead runs to its end at once: nobody can see it.
        if let place = ready.firstIndex(where: { processes[$0.process].phase == .dead }) {
            return .job(ready.remove(at: place))
        }
        findOptions()
        guard !readyOptions.isEmpty || !eventOptions.isEmpty else { return nil }
        let choice = choice()
        if choice < readyOptions.count {
            let chosen = ready.remove(at: readyOptions[choice])
            lastProcess = chosen.process
            note(UInt64(chosen.process) &* 2 &+ 1)
            return .job(chosen)
        }
        let chosen = events.remove(at: eventOptions[choice - readyOptions.count])
        now = max(now, chosen.at)
        if chosen.reach == .strike { strikes = (strikes?.lowerBound ?? now)...now }
        note(UInt64(chosen.line) &* 2)
        return .event(chosen)
    }

    private mutating func findOptions() {
        readyOptions.removeAll(keepingCapacity: true)
        eventOptions.removeAll(keepingCapacity: true)
        var limit: World.Moment?
        for (place, job) in ready.enumerated() where processes[job.process].phase == .running {
            readyOptions.append(place)
            limit = min(limit ?? .max, job.since)
        }
        guard let start = limit ?? events.first?.at else { return }
        for (place, event) in events.enumerated() {
            guard event.at <= start + order.slack else { break }
            // In a line each waits for those before it.
            let isFirst = !eventOptions.contains { events[$0].line == event.line }
            if isFirst { eventOptions.append(place) }
        }
        // 0 is the simplest: who ran last goes on.
        if let place = readyOptions.firstIndex(where: { ready[$0].process == lastProcess }), place > 0 {
            readyOptions.swapAt(0, place)
        }
    }

    private mutating func choice() -> Int {
        switch order.rule {
        case .uniform:
            return chooser.choose(among: readyOptions.count + eventOptions.count)
        case .priorities:
            let keys =
                readyOptions.map { StepPriorities.Key(isTask: true, number: ready[$0].task) }
                + eventOptions.map { StepPriorities.Key(isTask: false, number: UInt64(events[$0].line)) }
            return priorities?.highest(of: keys, step: steps, &chooser) ?? 0
        case .commandsOnly:
            return commandsOnly()
        }
    }

    /// Jobs first, then events that nobody else can notice; a decision is made among tasks of one process,
    /// and among commands that reach a server. What strikes may come before each of them.
    private mutating func commandsOnly() -> Int {
        var ways: [Int] = []
        if let first = readyOptions.first {
            let process = ready[first].process
            ways = readyOptions.indices.filter { ready[readyOptions[$0]].process == process }
        } else if let hidden = eventOptions.indices.first(where: { events[eventOptions[$0]].reach == .hidden }
        ) {
            ways = [hidden]
        } else {
            return chooser.choose(among: eventOptions.count)
        }
        ways += eventOptions.indices.filter { events[eventOptions[$0]].reach == .strike }
            .map { readyOptions.count + $0 }
        return ways[chooser.choose(among: ways.count)]
    }

    /// Only a job's description tells the number of its task.
    private static func task(of job: UnownedJob) -> UInt64 {
        job.description.utf8.reduce(0) { number, character in
            let digit = UInt64(character &- 0x30)
            return digit < 10 ? number &* 10 &+ digit : number
        }
    }

    private mutating func note(_ step: UInt64) {
        for word in [step, UInt64(bitPattern: now)] {
            fingerprint = (fingerprint ^ word) &* 0x0000_0100_0000_01B3
        }
    }
}
