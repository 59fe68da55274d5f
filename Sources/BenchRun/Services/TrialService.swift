import BenchAudit
import BenchLoad
package import BenchModel
import LockDrivers

/// The service under load, in whichever process it runs: started for one trial, loaded, stopped.
protocol TrialService: Sendable {
    /// Its processes; none when it runs in this one.
    var processIdentifiers: [Int32] { get }
    /// Its command line as shown in the report; nil when it has none.
    var shownArguments: [String]? { get }
    /// Every hold of a lock until now; nil: not to be seen, or there is no lock.
    var holds: HoldTally? { get }
    /// To its log and its output until now; nil: it has none of its own.
    var linesWritten: Int? { get }

    /// What the processes of its driver wrote to standard error; nil: it has no driver.
    var driverLog: [String]? { get }

    /// What it counts of itself; nil: it cannot be asked.
    func figures() async -> ServerFigures?

    /// Makes the users and puts the products on sale.
    func openShop(_ order: ShopOrder) async throws -> OpenShop

    /// Asks the service to finish what is under way and to end; afterwards nobody has its database open.
    func stop() async -> ServiceEnd
}

extension TrialService {
    var holds: HoldTally? { nil }
    var linesWritten: Int? { nil }
    var driverLog: [String]? { nil }
    func figures() async -> ServerFigures? { nil }
}

/// What a trial wants of its shop.
package struct ShopOrder: Sendable, Equatable {
    var users: Int
    /// Units of each product.
    var stock: Int
    var mix: ProductMix
    var scenario: Scenario
    /// Decides what each user wants.
    var seed: UInt64

    package init(
        users: Int, stock: Int, mix: ProductMix = .one, scenario: Scenario = .purchase, seed: UInt64 = 1
    ) {
        self.users = users
        self.stock = stock
        self.mix = mix
        self.scenario = scenario
        self.seed = seed
    }
}

/// Products on sale, and how the users of a trial buy them.
struct OpenShop: Sendable {
    typealias Load =
        @Sendable (LoadPlan, AsyncStream<LoadProgress>.Continuation) async throws -> LoadRecord

    /// The hottest one first.
    let products: [Int64]
    /// Lets all users buy until the plan's window is over.
    let load: Load
}

/// How a service ended when it was asked to.
package struct ServiceEnd: Sendable, Equatable {
    package let description: String
    package let isGood: Bool

    /// The same, unless the driver of the lock did something wrong.
    func after(_ wrong: DriverError?) -> ServiceEnd {
        wrong.map { ServiceEnd(description: "\($0)", isGood: false) } ?? self
    }
}

/// What a service itself says about what was sold, where nobody can look into its stores.
struct ShopReading: Sendable {
    var ledger: LedgerReader.Reading?
    var stock: StockReader.Reading?
    /// Checks that cannot be made, and why.
    var notChecked: [String: String] = [:]
}

/// Where the service of each trial runs.
package enum ServicePlace: Sendable {
    /// In a lab-server of its own.
    case server(binary: String)
    case ownProcess
    /// In a server that was running before and goes on afterwards.
    case target(TargetServer)
}
