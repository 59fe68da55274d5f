import Dispatch
import Foundation
import Synchronization

/// Calls `onInterrupt` when SIGINT or SIGTERM arrives, instead of letting it end this process.
final class InterruptWatch: Sendable {
    private let sources: Mutex<[any DispatchSourceSignal]>

    /// When it is made, signals are heard: one that came a moment earlier would be lost.
    init(onInterrupt: @escaping @Sendable () -> Void) {
        let registered = DispatchSemaphore(value: 0)
        sources = Mutex(
            [SIGINT, SIGTERM].map { number in
                signal(number, SIG_IGN)
                let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
                source.setEventHandler(handler: onInterrupt)
                source.setRegistrationHandler { registered.signal() }
                source.resume()
                return source
            })
        for _ in 0..<2 { _ = registered.wait(timeout: .now() + 1) }
    }

    /// Later signals are ignored: results are being written.
    func stop() {
        sources.withLock { sources in
            for source in sources { source.cancel() }
        }
    }
}
