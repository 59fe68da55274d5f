import NIOPosix
import ServiceLifecycle

/// Watches this process's event loops while it serves.
struct LagService: Service {
    let lag: LoopLag
    var interval = Duration.milliseconds(200)

    func run() async {
        await cancelWhenGracefulShutdown { [lag, interval] in
            await lag.watch(MultiThreadedEventLoopGroup.singleton, every: interval)
        }
    }
}
