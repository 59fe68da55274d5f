import HTTPTypes
import Hummingbird
import Logging
import NIOCore

/// The page for Prometheus, on an address of its own: it is not for those who buy.
func buildMetricsApplication(
    _ metrics: ServerMetrics, address: BindAddress, gauges: @escaping @Sendable () async -> [Gauge],
    logger: Logger,
    onServerRunning: @escaping @Sendable (any Channel) async -> Void = { _ in }
) -> some ApplicationProtocol {
    let router = Router(context: BasicRequestContext.self)
    router.get("/metrics") { _, _ in
        Response(
            status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
            body: .init(byteBuffer: ByteBuffer(string: metrics.text(gauges: await gauges()))))
    }
    return Application(
        router: router, server: .http1(configuration: .init(idleTimeout: .seconds(60))),
        configuration: ApplicationConfiguration(
            address: address, availableConnectionsDelegate: .maximum(64, logger: logger)),
        onServerRunning: onServerRunning, logger: logger)
}

/// A number that is read when somebody asks.
struct Gauge: Sendable {
    enum Kind: String, Sendable {
        case gauge
        /// It only rises.
        case counter
    }

    /// One series of it.
    struct Sample: Sendable {
        let labels: [(String, String)]
        let value: Int
    }

    let name: String
    let help: String
    let samples: [Sample]
    let kind: Kind

    init(name: String, help: String, value: Int, kind: Kind = .gauge) {
        self.init(name: name, help: help, samples: [Sample(labels: [], value: value)], kind: kind)
    }

    init(name: String, help: String, samples: [Sample], kind: Kind = .gauge) {
        self.name = name
        self.help = help
        self.samples = samples
        self.kind = kind
    }
}
