import EventLoopTasks
import NIOCore
import NIOPosix
import Testing

@Suite("Tasks on an event loop")
struct LoopExecutorTests {
    private func withLoop(_ body: (any EventLoop) async throws -> Void) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        try await body(group.next())
        try await group.shutdownGracefully()
    }

    @Test("A task runs on the loop, before and after it waited, and so do its child tasks")
    func stays() async throws {
        try await withLoop { loop async throws in
            let places = await Task(executorPreference: LoopExecutor(loop)) {
                var places = [loop.inEventLoop]
                await Task.yield()
                places.append(loop.inEventLoop)
                try? await Task.sleep(for: .milliseconds(1))
                places.append(loop.inEventLoop)
                async let child = loop.inEventLoop
                places.append(await child)
                // Somebody else's thread gives the word to go on.
                await withCheckedContinuation { continuation in
                    Task.detached { continuation.resume() }
                }
                places.append(loop.inEventLoop)
                return places
            }.value
            #expect(places == [true, true, true, true, true])
        }
    }

    @Test("Many tasks that wake each other come to their end, and the loop does its own work between them")
    func many() async throws {
        try await withLoop { loop async throws in
            let executor = LoopExecutor(loop)
            let spinner = Task(executorPreference: executor) {
                while !Task.isCancelled { await Task.yield() }
            }
            let sum = await withTaskGroup(of: Int.self) { group in
                for number in 0..<1_000 {
                    group.addTask(executorPreference: executor) {
                        await Task.yield()
                        return number
                    }
                }
                return await group.reduce(0, +)
            }
            #expect(sum == 499_500)
            try await loop.submit {}.get()
            spinner.cancel()
            await spinner.value
        }
    }
}
