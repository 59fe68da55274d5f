import Simulation

/// A world with servers, processes and a network in it, which a ``WorldFault`` strikes.
protocol FaultTarget: Sendable {
    var plan: SchedulePlan { get }
    var world: World { get }
    var network: Network { get }
    /// The Redis of the stock, then the lock nodes.
    var nodes: [SimulatedNode] { get }
    /// Whether all orders are gone through: then chance decides nothing.
    var isSearch: Bool { get }
    /// The line of all that strikes: a server starts again after it was killed, never before.
    var strikes: Int { get }

    /// The process that is stopped or killed.
    func chooseVictim() -> SimulatedProcess
    /// A buyer leaves: his task is cancelled.
    func cancelSomebody()
    /// The server of the service is killed, and started again.
    func killServer()
    /// What the ledger does until it is told something else.
    func setLedger(_ mood: LedgerMood)
}

/// How the ledger answers.
enum LedgerMood: Sendable, Equatable {
    case well
    /// It writes nothing, and says so.
    case refuses
    /// Half of the writes end without an answer: some were done, some were not.
    case losesAnswers
}

extension FaultTarget {
    /// A millisecond of the world.
    private static var millisecond: World.Moment { 1_000_000 }
    private static var lease: World.Moment { Int64(SchedulePlan.lease / .nanoseconds(1)) }

    /// Plans when the fault strikes, whom, and when it is over.
    ///
    /// - Returns: How long after its beginning it is over at the latest.
    func planFault() -> World.Moment {
        // While buyers buy: most buy within some ten milliseconds. In a search it comes when it is chosen.
        let moment = isSearch ? 0 : Self.millisecond / 4 * World.Moment(world.choose(among: 64))
        switch plan.fault {
        case .none, .slowHolder, .clockDrift: return 0
        case .pauseBuyer, .killBuyer, .cancelBuyer: return strikeBuyer(at: moment)
        case .killServer: return strikeServer(at: moment)
        case .ledgerRefuses: return strikeLedger(.refuses, from: moment)
        case .ledgerUnknown: return strikeLedger(.losesAnswers, from: moment)
        case .delay, .jitter, .slowReplies, .requestLost, .replyLost, .messageLost, .halfOpen:
            return strikeNetwork(at: moment)
        case .nodeDown, .nodeHang, .nodesDownMajority, .nodeEmptyRestart, .clockJump:
            return strikeNodes(at: moment)
        case .pauseRedis, .killRedisAOF, .killRedisEmpty, .failoverLostWrite, .powerCut, .reset, .scriptFlush,
            .outOfMemory, .readOnly, .loading, .busy:
            return strikeRedis(at: moment)
        }
    }

    private func at(_ moment: World.Moment, _ action: @escaping @Sendable () -> Void) {
        world.plan(at: moment, line: strikes, reach: .strike, action)
    }

    private func strikeBuyer(at moment: World.Moment) -> World.Moment {
        let process = chooseVictim()
        switch plan.fault {
        case .pauseBuyer:
            at(moment) { process.stop() }
            at(moment + Self.lease * 2) { process.proceed() }
            return moment + Self.lease * 2
        case .killBuyer:
            at(moment) { process.die() }
        default:
            at(moment) { [self] in cancelSomebody() }
        }
        return moment
    }

    /// Up to three times, so that it dies while it puts right what its last death left.
    private func strikeServer(at moment: World.Moment) -> World.Moment {
        if let step = plan.killStep {
            world.plan(beforeStep: step) { self.killServer() }
            return Self.millisecond * 500
        }
        var last = moment
        for time in 0...world.choose(among: 3) {
            if time > 0 { last += Self.millisecond * World.Moment(1 + world.choose(among: 40)) }
            at(last) { self.killServer() }
        }
        return last + Self.millisecond * 10
    }

    private func strikeLedger(_ mood: LedgerMood, from moment: World.Moment) -> World.Moment {
        let end = moment + Self.millisecond * 40
        at(moment) { self.setLedger(mood) }
        at(end) { self.setLedger(.well) }
        return end
    }

    private func strikeNetwork(at moment: World.Moment) -> World.Moment {
        // Slow replies make everything slow.
        let end = moment + Self.millisecond * (plan.fault == .slowReplies ? 400 : 40)
        at(moment) { [self] in
            world.tell(.world, "\(plan.fault.rawValue) begins")
            network.change { conditions in
                switch plan.fault {
                case .delay: conditions.replyDelay = Self.millisecond * 20
                case .jitter: conditions.replyJitter = Self.millisecond * 60
                case .slowReplies: conditions.replyJitter = Self.millisecond * 140
                case .requestLost: conditions.losesRequests = 3
                case .replyLost: conditions.losesReplies = 3
                case .messageLost: conditions.losesMessages = 2
                default: conditions.swallows = true
                }
            }
        }
        at(end) { [self] in
            world.tell(.world, "\(plan.fault.rawValue) is over")
            network.change { $0 = Network.Conditions() }
        }
        return end
    }

    private func strikeRedis(at moment: World.Moment) -> World.Moment {
        let redis = nodes[0]
        switch plan.fault {
        case .reset:
            for time in 0..<3 { at(moment + Self.millisecond * 3 * Int64(time)) { self.resetAll() } }
            return moment + Self.millisecond * 6
        case .scriptFlush:
            for time in 0..<3 { at(moment + Self.millisecond * 3 * Int64(time)) { redis.forgetScripts() } }
            return moment + Self.millisecond * 6
        case .outOfMemory: return refuse(.outOfMemory, from: moment)
        case .readOnly: return refuse(.readOnly, from: moment)
        case .loading: return refuse(.loading, from: moment)
        case .busy: return refuse(.busy, from: moment)
        case .pauseRedis:
            let end = moment + Self.millisecond * 20
            at(moment) { redis.stop() }
            at(end) { redis.proceed() }
            return end
        default: return restart(redis, at: moment)
        }
    }

    private func restart(_ redis: SimulatedNode, at moment: World.Moment) -> World.Moment {
        let disk: SimulatedNode.Disk =
            switch plan.fault {
            case .killRedisAOF: .everything
            case .killRedisEmpty: .nothing
            default: .whatWasKept
            }
        if case .whatWasKept = disk {
            // Some writes before the end nobody else has.
            at(max(0, moment - some())) { redis.keep() }
        }
        let back = moment + some()
        at(moment) { redis.kill() }
        at(back) { redis.restart(with: disk) }
        return back
    }

    /// Some milliseconds.
    private func some() -> World.Moment {
        Self.millisecond * (isSearch ? 1 : World.Moment(world.choose(among: 8) + 1))
    }

    private func refuse(_ refusal: RedisModel.Refusal, from moment: World.Moment) -> World.Moment {
        let end = moment + Self.millisecond * 30
        for node in nodes {
            at(moment) { node.refuse(refusal) }
            at(end) { node.refuse(nil) }
        }
        return end
    }

    private func resetAll() {
        for node in nodes { node.resetConnections() }
    }

    private func strikeNodes(at moment: World.Moment) -> World.Moment {
        let locks = Array(nodes.dropFirst())
        let first = world.choose(among: max(locks.count, 1))
        let victims = locks.indices.map { locks[(first + $0) % locks.count] }
        let back = moment + Self.lease + Self.millisecond * 20
        switch plan.fault {
        case .clockJump:
            let node = victims.first ?? nodes[0]
            at(moment) { node.jumpClock(by: Int64(SchedulePlan.lease / .milliseconds(1)) * 2) }
            return moment
        case .nodeHang:
            at(moment) { victims[0].stop() }
            at(back) { victims[0].proceed() }
        case .nodeEmptyRestart:
            for number in 0..<2 { at(0) { victims[number].kill() } }
            at(moment) { victims[2].kill() }
            let soon = moment + Self.millisecond
            for number in 0..<3 { at(soon) { victims[number].restart(with: .nothing) } }
            return soon
        default:
            let count = plan.fault == .nodeDown ? 1 : 3
            for number in 0..<count {
                at(moment) { victims[number].kill() }
                at(back) { victims[number].restart(with: .nothing) }
            }
        }
        return back
    }
}
