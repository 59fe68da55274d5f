import BenchAudit
import BenchResults
import FaultAudit
import FaultLab
import LockStrategies
import RedisClient
package import Simulation

/// Runs a ``SchedulePlan``, again and again, each time with other decisions.
package struct ScheduleRunner {
    package let plan: SchedulePlan
    private let lua: LuaInterpreter
    private let beginning: Beginning
    /// Steps of the simplest schedule.
    private(set) var usualSteps: Int

    /// What all worlds begin with.
    private enum Beginning {
        /// The Redis of the stock, and a lock node before anybody asks it.
        case strategy(stock: RedisModel, lockNode: RedisModel)
        case service(ServiceStage.Models)
    }

    /// - Throws: When the strategy cannot be made.
    package init(_ plan: SchedulePlan, lua: LuaInterpreter = LuaInterpreter()) throws {
        self.plan = plan
        self.lua = lua
        let lockNode = Self.knowingScripts(lua)
        switch plan.level {
        case .strategy: beginning = .strategy(stock: try Self.filled(plan, lua), lockNode: lockNode)
        case .service: beginning = .service(ServiceStage.models(plan, knowing: lockNode, lua))
        }
        usualSteps = 0
        usualSteps = run(Chooser(following: []), StepOrder()).steps
    }

    private static func filled(_ plan: SchedulePlan, _ lua: LuaInterpreter) throws -> RedisModel {
        let world = World(Chooser(following: []))
        let node = SimulatedNode(world, number: 0, lua: lua, model: knowingScripts(lua))
        let process = world.makeProcess()
        let port = SimulatedRedis(of: process, to: node, over: Network(world))
        let stock = ProductStock(port, layout: plan.strategy.traits.stockLayout)
        _ = process.start { [plan] in
            _ = try? await stock.initialise(
                StrategyBuyer<SimulatedRedis, SimulatedClock>.product, units: plan.stock)
        }
        _ = world.run(mostSteps: SchedulePlan.mostSteps)
        defer { world.end() }
        return node.model
    }

    /// A server that knows the scripts, and holds nothing.
    private static func knowingScripts(_ lua: LuaInterpreter) -> RedisModel {
        var model = RedisModel()
        for script in EmbeddedScripts.all {
            _ = try? model.execute(RedisCommand("SCRIPT", "LOAD", script.source), from: 0, at: 0, lua: lua)
        }
        return model
    }

    /// Runs it once.
    ///
    /// - Parameter isTold: Whether the story is written.
    package func run(_ chooser: Chooser, _ order: StepOrder, isTold: Bool = false) -> Schedule {
        run(in: World(chooser, order: order, isTold: isTold), order)
    }

    /// - Parameter world: A new one, which ends with it.
    func run(in world: World, _ order: StepOrder) -> Schedule {
        defer { world.end() }
        do {
            switch beginning {
            case .strategy(let stock, let lockNode):
                let stage = try Stage(
                    plan, world, isSearch: order.rule == .commandsOnly, models: (stock, lockNode), lua: lua)
                return run(stage)
            case .service(let models):
                return run(try ServiceStage(plan, world, models: models, lua: lua))
            }
        } catch {
            preconditionFailure("the strategy was made before, and is not now: \(error)")
        }
    }

    private func run(_ stage: Stage) -> Schedule {
        let healed = stage.planFault()
        stage.begin()
        let end = stage.world.run(mostSteps: SchedulePlan.mostSteps)
        let history = Self.history(stage)
        return Schedule(
            stage.world, history, Auditor.judge(history),
            ScheduleFault.all(stage, end, history, healed: healed))
    }

    private func run(_ stage: ServiceStage) -> Schedule {
        defer { stage.end() }
        stage.begin(healed: stage.planFault())
        let end = stage.world.run(mostSteps: SchedulePlan.mostSteps)
        let history = stage.history
        return Schedule(stage.world, history, stage.judge(history), stage.faults(end))
    }

    private static func history(_ stage: Stage) -> History {
        var operations: [History.Operation] = []
        for member in stage.processes {
            operations += History.Operation.all(
                member.notes.lines, process: member.process.number, first: operations.count)
        }
        let buckets = stage.plan.strategy.traits.stockLayout.bucketCount
        let product = StrategyBuyer<SimulatedRedis, SimulatedClock>.product.rawValue
        let replies = StockReader.commands(of: product, buckets: buckets).map { command in
            (try? stage.nodes[0].read(command)) ?? .null
        }
        let isThere = (try? stage.nodes[0].read(RedisCommand("EXISTS", "stock:{\(product)}")))?.integer == 1
        let stock = StockReader.stock(replies)
        return History(
            initialStock: stage.plan.stock, operations: operations,
            end: History.End(
                read: stage.world.now, stock: stock?.units ?? (isThere ? nil : 0),
                open: stock?.reservations.values.reduce(0, +) ?? 0))
    }
}
