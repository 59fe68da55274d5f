import InventoryService
import ServiceLifecycle

/// Runs the loop of the reconciler as a part of the server, which ends with it.
struct ReconcileService: Service {
    let loop: ReconcileLoop

    func run() async throws {
        await withGracefulShutdownHandler {
            await loop.run()
        } onGracefulShutdown: {
            loop.finish()
        }
    }
}
