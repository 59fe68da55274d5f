import ArgumentParser
import ConnectionFailures
import Foundation
import LabProcesses
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// What a container asks of the server in it, without another program in the image.
struct Health: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Ask the server of these settings, on this machine, how it is: 0 for an answer of 200, 1 for any other.",
        discussion: """
            For HEALTHCHECK and for scripts. Takes host, port and TLS from the flags and variables of serve, and asks \
            over the loopback where the server listens everywhere. The certificate is not checked: this is about the \
            process, and speaks to it by its address.
            """)

    @OptionGroup var options: ServeOptions

    @Option(help: "What to ask for.")
    var path = "/health/live"

    @Option(help: "Milliseconds until the answer counts as none.")
    var timeoutMs = 2500

    func run() async throws {
        let values = options.values
        guard let port = values.text(.port).flatMap({ Int($0) }), (1...65_535).contains(port) else {
            throw StartFailure(.usage, "--port must say where the server listens, 1 to 65535")
        }
        guard path.hasPrefix("/"), path.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            throw StartFailure(.usage, "--path must begin with / and have no spaces")
        }
        guard (1...600_000).contains(timeoutMs) else {
            throw StartFailure(.usage, "--timeout-ms must be between 1 and 600000")
        }
        let question = HealthQuestion(
            host: Self.reachable(values.text(.host) ?? "127.0.0.1"), port: port, path: path,
            isEncrypted: values.text(.tlsCertificate) != nil, timeout: .milliseconds(Int64(timeoutMs)))
        let answer: String
        do {
            let status = try await question.ask()
            guard status != 200 else { return StandardStream.output.say("200\n") }
            answer = "\(question.host):\(port)\(path): the answer was \(status)"
        } catch let error as NIOConnectionError {
            answer = ConnectionFailure.sentence(connectingTo: question.host, port, error)
        } catch {
            answer = "\(question.host):\(port)\(path): \(ConnectionFailure.reason(for: error))"
        }
        StandardStream.error.say("lab-server: \(answer)\n")
        Foundation.exit(1)
    }

    /// An address to connect to, for one to listen at.
    static func reachable(_ host: String) -> String {
        switch host {
        case "0.0.0.0", "": "127.0.0.1"
        case "::": "::1"
        default: host
        }
    }
}

/// One GET over a connection of its own.
struct HealthQuestion: Sendable {
    let host: String
    let port: Int
    let path: String
    let isEncrypted: Bool
    let timeout: TimeAmount

    /// - Returns: The status of the answer.
    /// - Throws: When there is no connection, or no answer in time.
    func ask() async throws -> Int {
        let group = MultiThreadedEventLoopGroup.singleton
        let loop = group.next()
        let answer = loop.makePromise(of: Int.self)
        let deadline = loop.scheduleTask(in: timeout) {
            answer.fail(ChannelError.connectTimeout(timeout))
        }
        ClientBootstrap(group: loop).connectTimeout(timeout)
            .channelInitializer { [isEncrypted, host] channel in
                channel.eventLoop.makeCompletedFuture {
                    if isEncrypted {
                        var configuration = TLSConfiguration.makeClientConfiguration()
                        configuration.certificateVerification = .none
                        let context = try NIOSSLContext(configuration: configuration)
                        let isName = host.contains { $0.isLetter } && !host.contains(":")
                        try channel.pipeline.syncOperations.addHandler(
                            NIOSSLClientHandler(context: context, serverHostname: isName ? host : nil))
                    }
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    try channel.pipeline.syncOperations.addHandler(StatusReader(answer: answer))
                }
            }
            .connect(host: host, port: port)
            .whenComplete { [self] result in
                switch result {
                case .failure(let error): answer.fail(error)
                case .success(let channel): send(over: channel)
                }
            }
        defer { deadline.cancel() }
        return try await answer.futureResult.get()
    }

    private func send(over channel: any Channel) {
        let name = host.contains(":") ? "[\(host)]" : host
        let head = HTTPRequestHead(
            version: .http1_1, method: .GET, uri: path,
            headers: ["host": "\(name):\(port)", "connection": "close"])
        channel.write(HTTPClientRequestPart.head(head), promise: nil)
        channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
    }

    /// Keeps the status of the first answer, and closes.
    private final class StatusReader: ChannelInboundHandler {
        typealias InboundIn = HTTPClientResponsePart

        private let answer: EventLoopPromise<Int>

        init(answer: EventLoopPromise<Int>) {
            self.answer = answer
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            guard case .head(let head) = unwrapInboundIn(data) else { return }
            answer.succeed(Int(head.status.code))
            context.close(promise: nil)
        }

        func channelInactive(context: ChannelHandlerContext) {
            answer.fail(ChannelError.eof)
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            answer.fail(error)
            context.close(promise: nil)
        }
    }
}
