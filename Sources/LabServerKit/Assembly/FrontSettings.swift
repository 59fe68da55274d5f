/// What stands between the network and the routes.
struct FrontSettings: Sendable {
    var connection = ConnectionPhase.Limits()
    /// Connections at the same time; more wait in the system's queue.
    var connections = 20_000
    /// Requests that are answered at the same time; more are refused.
    var inFlight = 12_000
    /// Requests of one route in flight, so that none takes the others' room.
    var inFlightPerRoute = 10_000
    var proxies = TrustedProxies.none
    /// Sites whose pages may call the API.
    var origins: Set<String> = []
    var isEncrypted = false
}
