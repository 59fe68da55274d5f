public import Foundation
import LabProcesses
import NIOCore
import NIOPosix
import Synchronization

/// A page in Debian's `chromium` without a window, told what to do over the DevTools protocol. It knows no
/// host but 127.0.0.1, so a page that needs another one fails.
public final class HeadlessBrowser: Sendable {
    public struct Failure: Error, Sendable, CustomStringConvertible {
        public let description: String
    }

    private struct State {
        var lastID = 0
        var answers: [Int: CheckedContinuation<String, any Error>] = [:]
        var session: String?
        var errors: [String] = []
        var end: Failure?
    }

    private let state = Mutex(State())
    private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>

    private init(_ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>) {
        self.outbound = outbound
    }

    /// What the page's scripts threw, and what the browser's policies refused them.
    public var errors: [String] { state.withLock(\.errors) }

    /// Starts the browser with an empty page, and ends it behind `body`.
    public static func withPage(_ body: (HeadlessBrowser) async throws -> Void) async throws {
        let directory = try TemporaryDirectory(prefix: "lab-browser")
        let (input, output) = (try pipe(directory.file("in")), try pipe(directory.file("out")))
        let child = try await ChildProcess.start(
            "/bin/sh",
            ["-c", "exec chromium \"$@\" 3<\"$0/in\" 4>\"$0/out\"", directory.path] + flags(directory))
        let channel = try await NIOPipeBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .takingOwnershipOfDescriptors(input: output, output: input) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        let result: Result<Void, any Error>
        do {
            try await channel.executeThenClose { inbound, outbound in
                let browser = HeadlessBrowser(outbound)
                let reader = Task { await browser.read(inbound) }
                let watch = Task {
                    _ = await child.waitUntilExit()
                    browser.end(Failure(description: "chromium ended: \(child.lines().suffix(5))"))
                }
                defer {
                    reader.cancel()
                    watch.cancel()
                }
                try await browser.openPage()
                try await body(browser)
            }
            result = .success(())
        } catch {
            result = .failure(error)
        }
        await child.terminate(grace: .seconds(10))
        directory.remove()
        try result.get()
    }

    private static func flags(_ directory: TemporaryDirectory) -> [String] {
        [
            "--headless=new", "--remote-debugging-pipe", "--user-data-dir=\(directory.file("profile"))",
            "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            "--no-default-browser-check", "--disable-background-networking", "--disable-component-update",
            "--disable-sync", "--no-proxy-server",
            "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
            "about:blank",
        ]
    }

    /// A named pipe, open in both directions: so neither opening it nor the other side's end blocks.
    private static func pipe(_ path: String) throws -> Int32 {
        guard unsafe mkfifo(path, 0o600) == 0 else { throw Failure(description: "cannot make \(path)") }
        let descriptor = unsafe open(path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure(description: "cannot open \(path)") }
        return descriptor
    }

    // MARK: The protocol: JSON, each message ended by a zero byte

    private func read(_ inbound: NIOAsyncChannelInboundStream<ByteBuffer>) async {
        var rest: [UInt8] = []
        do {
            for try await part in inbound {
                rest += part.readableBytesView
                while let end = rest.firstIndex(of: 0) {
                    receive(String(decoding: rest[..<end], as: UTF8.self))
                    rest.removeFirst(end + 1)
                }
            }
        } catch {
            end(Failure(description: "the pipe broke: \(error)"))
        }
    }

    private func receive(_ text: String) {
        guard let message = Self.object(text) else { return }
        if let id = message["id"] as? Int {
            state.withLock { $0.answers.removeValue(forKey: id) }?.resume(returning: text)
            return
        }
        let parameters = message["params"] as? [String: Any] ?? [:]
        switch message["method"] as? String {
        case "Runtime.exceptionThrown":
            note("exception: \(parameters)")
        case "Runtime.consoleAPICalled" where parameters["type"] as? String == "error":
            note("console: \(parameters)")
        case "Log.entryAdded":
            // An answer of 4xx is an entry too, and none of the page's faults.
            let entry = parameters["entry"] as? [String: Any] ?? [:]
            guard entry["level"] as? String == "error", entry["source"] as? String != "network" else {
                return
            }
            note("log: \(entry["text"] ?? entry)")
        default: break
        }
    }

    private func note(_ error: String) { state.withLock { $0.errors.append(error) } }

    private func end(_ failure: Failure) {
        let waiting = state.withLock { state in
            state.end = failure
            defer { state.answers = [:] }
            return Array(state.answers.values)
        }
        for one in waiting { one.resume(throwing: failure) }
    }

    private static func object(_ text: String) -> [String: Any]? {
        (try? JSONSerialization.jsonObject(with: Data(text.utf8))) as? [String: Any]
    }

    /// Sends a command and waits for its result, a minute at most.
    private func call(_ method: String, _ parameters: [String: Any] = [:]) async throws -> [String: Any] {
        let (id, session) = state.withLock { state in
            state.lastID += 1
            return (state.lastID, state.session)
        }
        var message: [String: Any] = ["id": id, "method": method, "params": parameters]
        message["sessionId"] = session
        let bytes = try JSONSerialization.data(withJSONObject: message) + [0]
        let limit = Task {
            try await Task.sleep(for: .seconds(60))
            state.withLock { $0.answers.removeValue(forKey: id) }?
                .resume(throwing: Failure(description: "\(method) was not answered"))
        }
        defer { limit.cancel() }
        let outbound = outbound
        let text = try await withCheckedThrowingContinuation { answer in
            let failure = state.withLock { state in
                if state.end == nil { state.answers[id] = answer }
                return state.end
            }
            if let failure { return answer.resume(throwing: failure) }
            Task {
                do {
                    try await outbound.write(ByteBuffer(bytes: bytes))
                } catch {
                    state.withLock { $0.answers.removeValue(forKey: id) }?.resume(throwing: error)
                }
            }
        }
        let reply = Self.object(text) ?? [:]
        if let error = reply["error"] { throw Failure(description: "\(method): \(error)") }
        return reply["result"] as? [String: Any] ?? [:]
    }

    // MARK: What a test asks of the page

    private func openPage() async throws {
        let target = try await call("Target.createTarget", ["url": "about:blank"])
        let attached = try await call(
            "Target.attachToTarget", ["targetId": target["targetId"] ?? "", "flatten": true])
        state.withLock { $0.session = attached["sessionId"] as? String }
        for domain in ["Page", "Runtime", "Log"] { _ = try await call("\(domain).enable") }
    }

    /// What the reader has chosen for all pages.
    public enum ColourScheme: String, Sendable, CaseIterable {
        case light, dark
    }

    public func prefer(_ scheme: ColourScheme) async throws {
        let feature = ["name": "prefers-color-scheme", "value": scheme.rawValue]
        _ = try await call("Emulation.setEmulatedMedia", ["features": [feature]])
    }

    /// The page is so wide and so high from now on; one of less than 600 is a phone's.
    public func resize(width: Int, height: Int) async throws {
        _ = try await call(
            "Emulation.setDeviceMetricsOverride",
            ["width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600])
    }

    /// Runs a script in the page, whatever its length.
    public func run(script: String) async throws {
        let answer = try await call("Runtime.evaluate", ["expression": script])
        if let details = answer["exceptionDetails"] { throw Failure(description: "the script: \(details)") }
    }

    /// A picture of what the window shows, as PNG.
    public func screenshot() async throws -> Data {
        let answer = try await call("Page.captureScreenshot", ["format": "png"])
        return (answer["data"] as? String).flatMap { Data(base64Encoded: $0) } ?? Data()
    }

    /// The page as it is printed, on A4.
    public func printed() async throws -> Data {
        let answer = try await call("Page.printToPDF", ["paperWidth": 8.27, "paperHeight": 11.69])
        return (answer["data"] as? String).flatMap { Data(base64Encoded: $0) } ?? Data()
    }

    /// From now on there is no network.
    public func goOffline() async throws {
        _ = try await call("Network.enable")
        _ = try await call(
            "Network.emulateNetworkConditions",
            ["offline": true, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0])
    }

    /// How far the colour of an element's text stands out from the ground behind it, as WCAG 2 counts it: 1
    /// to 21.
    ///
    /// - Parameter selector: Of CSS; the first element is looked at.
    public func contrast(of selector: String) async throws -> Double {
        let text = try await evaluate(
            """
            (() => {
                const parts = (text) => text.match(/[\\d.]+/g).map(Number);
                const light = (rgb) => rgb.slice(0, 3).map((part) => part / 255)
                    .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
                    .reduce((sum, part, place) => sum + part * [0.2126, 0.7152, 0.0722][place], 0);
                const element = document.querySelector('\(selector)');
                let ground = element;
                const isClear = (one) => (parts(getComputedStyle(one).backgroundColor)[3] ?? 1) === 0;
                while (ground.parentElement && isClear(ground)) ground = ground.parentElement;
                const both = [getComputedStyle(element).color, getComputedStyle(ground).backgroundColor];
                const [low, high] = both.map(parts).map(light).sort((a, b) => a - b);
                return (high + 0.05) / (low + 0.05);
            })()
            """)
        return Double(text) ?? 0
    }

    /// Goes to an address; returns when the navigation has begun.
    public func go(to address: String) async throws {
        let answer = try await call("Page.navigate", ["url": address])
        if let error = answer["errorText"] { throw Failure(description: "\(address): \(error)") }
    }

    /// The value of a JavaScript expression as text; a promise is waited for.
    ///
    /// - Throws: ``Failure`` with what the expression threw.
    public func evaluate(_ expression: String) async throws -> String {
        let answer = try await call(
            "Runtime.evaluate",
            ["expression": "(async () => String(await (\(expression))))()", "awaitPromise": true])
        if let details = answer["exceptionDetails"] {
            throw Failure(description: "\(expression): \(details)")
        }
        let result = answer["result"] as? [String: Any] ?? [:]
        return result["value"] as? String ?? ""
    }

    /// Waits until a JavaScript expression is true; a navigation that comes between is no failure.
    public func wait(until expression: String) async throws {
        do {
            try await waitUntil { (try? await evaluate(expression)) == "true" }
        } catch is WaitedTooLong {
            throw Failure(description: "never became true: \(expression)")
        }
    }
}
