import Synchronization

/// A world of simulated processes, clocks, connections and servers in which one thread runs everything.
///
/// Whatever happens is a step: a job of a task, or an event (a message arrives, a sleep ends, something
/// breaks). Between two steps nothing moves. A ``Chooser`` picks the next step among all that may come next,
/// so the same decisions make the same world. A step takes no time; time goes on from event to event. Tasks
/// of other executors must not touch a world.
package final class World: Sendable {
    /// Nanoseconds since the world began.
    package typealias Moment = Int64

    /// How a run of the world ended.
    package enum End: Sendable, Equatable {
        /// No task can go on, and nothing is on its way.
        case quiet
        /// The bound of steps was reached.
        case tooLong
    }

    /// Who can notice an event.
    package enum Reach: Sendable, Equatable {
        /// One process alone, as when a reply arrives.
        case hidden
        /// Other processes can, as when a command reaches a server.
        case shared
        /// Something breaks: it may come between any two steps of a process.
        case strike
    }

    let state: Mutex<WorldState>

    /// - Parameters:
    ///   - order: How the next step is chosen.
    ///   - isTold: Whether ``story`` is written. It costs time.
    package init(_ chooser: Chooser, order: StepOrder = StepOrder(), isTold: Bool = false) {
        state = Mutex(WorldState(chooser: chooser, order: order, isTold: isTold))
    }

    package var now: Moment { state.withLock(\.now) }

    /// Steps so far.
    package var steps: Int { state.withLock(\.steps) }

    /// What happened so far, as a number: two worlds with the same number had the same steps at the same
    /// moments.
    package var fingerprint: UInt64 { state.withLock(\.fingerprint) }

    package var chooser: Chooser { state.withLock(\.chooser) }

    /// Tasks and lines of events that had a priority so far; 0 under another rule than
    /// ``StepOrder/Rule/priorities(changes:steps:)``.
    package var rivals: Int { state.withLock(\.rivals) }

    /// From the first event that broke something to the last of them, as of now; nil: nothing was broken.
    package var strikes: ClosedRange<Moment>? { state.withLock(\.strikes) }

    /// What happened, a line each; empty unless it was asked for.
    package var story: [StoryLine] { state.withLock { $0.story ?? [] } }

    /// Events that are still to come, among them the sleeps of tasks.
    package var pendingEvents: Int { state.withLock(\.events.count) }

    // MARK: Decisions

    package func choose(among count: Int) -> Int { state.withLock { $0.chooser.choose(among: count) } }

    /// A time of at least `shortest`: mostly near to it, up to `longest` now and then.
    package func delay(from shortest: Moment, to longest: Moment) -> Moment {
        state.withLock { $0.delay(from: shortest, to: longest) }
    }

    // MARK: Events

    /// Numbers for connections, processes and whatever else needs a name. Each is given once.
    package func number() -> Int {
        state.withLock { state in
            state.lastNumber += 1
            return state.lastNumber
        }
    }

    /// Lets something happen at a moment.
    ///
    /// - Parameters:
    ///   - line: Events of one line happen in the order in which they were planned; nil: it has none before
    ///     it.
    ///   - reach: Who can notice it.
    /// - Returns: Its number, for ``cancel(_:)``.
    @discardableResult
    package func plan(
        at moment: Moment, line: Int? = nil, reach: Reach = .hidden, _ action: @escaping @Sendable () -> Void
    ) -> Int {
        state.withLock { state in
            state.lastNumber += 1
            state.add(
                WorldState.Event(
                    at: max(moment, state.now), number: state.lastNumber, line: line ?? state.lastNumber,
                    reach: reach, action: action))
            return state.lastNumber
        }
    }

    /// Lets something happen right before a step, the first of which is 1. Once in the life of a world.
    package func plan(beforeStep step: Int, _ action: @escaping @Sendable () -> Void) {
        state.withLock { $0.strikeBefore = (step, action) }
    }

    /// The event does not happen.
    package func cancel(_ event: Int) { state.withLock { $0.remove(event) } }

    /// Writes a line of the story.
    ///
    /// - Parameter node: The node of several that it concerns, where another one did it.
    package func tell(
        _ who: StoryLine.Who, node: Int? = nil, answer: @autoclosure () -> String? = nil,
        _ text: @autoclosure () -> String
    ) {
        guard state.withLock({ $0.story != nil }) else { return }
        let (text, answer) = (text(), answer())
        state.withLock {
            $0.story?.append(StoryLine(at: $0.now, who: who, text: text, answer: answer, node: node))
        }
    }

    // MARK: Running

    /// Runs until nothing is left to do.
    package func run(mostSteps: Int) -> End {
        strikeIfDue()
        while let step = state.withLock({ $0.next() }) {
            perform(step)
            if steps >= mostSteps { return .tooLong }
            strikeIfDue()
        }
        return .quiet
    }

    /// Ends the world: each process is dead from now on, and its tasks run to their end without touching
    /// anything. What waited for something that did not come does not wait any more.
    package func end() {
        defer { for ending in state.withLock({ $0.takeRemains() }).endings { ending() } }
        let (deaths, sleepers) = state.withLock { $0.endAll() }
        for death in deaths { death() }
        for sleeper in sleepers { sleeper.resume() }
        while let ready = state.withLock({ $0.takeFirst() }) { ready.executor.run(ready.job) }
    }

    /// Is told when the world has ended: what holds parts of it lets go of them.
    func onEnd(_ action: @escaping @Sendable () -> Void) { state.withLock { $0.endings.append(action) } }

    private func strikeIfDue() {
        let action = state.withLock { state -> (@Sendable () -> Void)? in
            guard let strike = state.strikeBefore, strike.step == state.steps + 1 else { return nil }
            state.strikeBefore = nil
            return strike.action
        }
        action?()
    }

    private func perform(_ step: WorldState.Step) {
        switch step {
        case .job(let ready): ready.executor.run(ready.job)
        case .event(let event): event.action()
        }
    }
}

/// A line of the story that a world tells.
package struct StoryLine: Sendable, Equatable {
    /// Who did it.
    package enum Who: Sendable, Hashable {
        case process(Int)
        case node(Int)
        case world
    }

    package let at: World.Moment
    package let who: Who
    package let text: String
    /// What a node answered to one question; nil: nothing, or several things, which `text` tells.
    package let answer: String?
    /// The node of several that it concerns, where another one did it.
    package let node: Int?
}
