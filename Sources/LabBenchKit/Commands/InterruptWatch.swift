import Dispatch
import Foundation
import Synchronization

/// Calls `onInterrupt` when SIGINT or SIGTERM arrives, instead of letting it end this process.
final class InterruptWatch: Sendable {
    private let sources: Mutex<[any DispatchSourceSignal]>

    init(onInterrupt: @escaping @Sendable () -> Void) {
        sources = Mutex(
            [SIGINT, SIGTERM].map { number in
                signal(number, SIG_IGN)
                let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
                source.setEventHandler(handler: onInterrupt)
                source.resume()
                return source
            })
    }

    /// Later signals are ignored: results are being written.
    func stop() {
        sources.withLock { sources in
            for source in sources { source.cancel() }
        }
    }
}
