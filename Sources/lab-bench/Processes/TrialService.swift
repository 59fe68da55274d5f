/// The service under load, in whichever process it runs: started for one trial, loaded, stopped.
protocol TrialService: Sendable {
    /// Its process; nil when it runs in this one.
    var processIdentifier: Int32? { get }
    /// Its command line as shown in the report; nil when it has none.
    var shownArguments: [String]? { get }

    /// Makes the users and puts one product on sale.
    func openShop(users: Int, stock: Int) async throws -> OpenShop

    /// Asks the service to finish what is under way and to end; afterwards nobody has its database open.
    func stop() async -> ServiceEnd
}

/// One product on sale, and how the users of a trial buy it.
struct OpenShop: Sendable {
    typealias Load =
        @Sendable (LoadPlan, AsyncStream<LoadProgress>.Continuation) async throws -> LoadRecord

    let product: Int64
    /// Lets all users buy until the plan's window is over.
    let load: Load
}

/// How a service ended when it was asked to.
struct ServiceEnd: Sendable, Equatable {
    let description: String
    let isGood: Bool
}

/// Where the service of each trial runs.
enum ServicePlace: Sendable, Equatable {
    /// In a lab-server of its own.
    case server(binary: String)
    case ownProcess
}
