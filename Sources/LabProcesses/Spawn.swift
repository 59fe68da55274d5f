import Foundation
import Synchronization

/// Our ends of the pipes and the number of a process that was just started.
struct SpawnedProcess {
    let pid: pid_t
    let standardOutput: Int32
    let standardError: Int32
    /// The end of its standard input that this process writes to; nil: it has an empty one.
    let standardInput: Int32?
    /// A pipe of our own, by which the one who waits for the end tells the one who reads.
    let ended: (read: Int32, write: Int32)
}

/// Starts programs with `posix_spawn`. Linux.
enum Spawn {
    /// One start at a time: a pipe of one child must not slip into another one before it is marked.
    private static let turn = Mutex(())

    /// Starts `arguments[0]` in a process group of its own, with default signal handling, an empty standard
    /// input or a pipe, two pipes as outputs and no other open file.
    static func start(
        _ arguments: [String], environment: [String: String], hasInput: Bool = false
    ) throws(LabProcessError) -> SpawnedProcess {
        try turn.withLock { _ throws(LabProcessError) in try startAlone(arguments, environment, hasInput) }
    }

    private static func startAlone(
        _ arguments: [String], _ environment: [String: String], _ hasInput: Bool
    ) throws(LabProcessError) -> SpawnedProcess {
        var pipes: [(read: Int32, write: Int32)] = []
        do throws(LabProcessError) {
            for _ in 0..<(hasInput ? 4 : 3) { pipes.append(try pipe()) }
        } catch {
            for end in pipes.flatMap({ [$0.read, $0.write] }) { close(end) }
            throw error
        }
        let (output, error, ended) = (pipes[0], pipes[1], pipes[2])
        let input = hasInput ? pipes[3] : nil
        defer {
            close(output.write)
            close(error.write)
            if let input { close(input.read) }
        }
        var pid: pid_t = 0
        let code = spawn(
            arguments, environment, input: input?.read, output: output.write, error: error.write, pid: &pid)
        guard code == 0 else {
            for end in [output.read, error.read, ended.read, ended.write] { close(end) }
            if let input { close(input.write) }
            throw LabProcessError(
                .startFailed, "cannot start \(arguments[0]): \(unsafe String(cString: strerror(code)))")
        }
        return SpawnedProcess(
            pid: pid, standardOutput: output.read, standardError: error.read, standardInput: input?.write,
            ended: ended)
    }

    /// A pipe whose ends no other child inherits.
    static func pipe() throws(LabProcessError) -> (read: Int32, write: Int32) {
        var ends: [Int32] = [0, 0]
        guard unsafe Foundation.pipe(&ends) == 0 else {
            throw LabProcessError(.noResource, "cannot make a pipe: too many open files?")
        }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }

    private static func spawn(
        _ arguments: [String], _ environment: [String: String], input: Int32?, output: Int32, error: Int32,
        pid: inout pid_t
    ) -> Int32 {
        var files = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&files)
        defer { unsafe posix_spawn_file_actions_destroy(&files) }
        if let input {
            unsafe posix_spawn_file_actions_adddup2(&files, input, 0)
        } else {
            unsafe posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0)
        }
        unsafe posix_spawn_file_actions_adddup2(&files, output, 1)
        unsafe posix_spawn_file_actions_adddup2(&files, error, 2)
        for descriptor in openDescriptors() where descriptor > 2 {
            unsafe posix_spawn_file_actions_addclose(&files, descriptor)
        }

        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
        unsafe posix_spawnattr_setflags(&attributes, Int16(flags))
        unsafe posix_spawnattr_setpgroup(&attributes, 0)
        // An ignored signal is inherited: the child must be able to die by SIGINT and SIGTERM.
        var defaults = sigset_t()
        unsafe sigfillset(&defaults)
        unsafe posix_spawnattr_setsigdefault(&attributes, &defaults)
        var mask = sigset_t()
        unsafe sigemptyset(&mask)
        unsafe posix_spawnattr_setsigmask(&attributes, &mask)

        var argv = unsafe arguments.map { unsafe strdup($0) } + [nil]
        var envp = unsafe environment.map { unsafe strdup("\($0.key)=\($0.value)") } + [nil]
        defer {
            for index in arguments.indices { unsafe free(argv[index]) }
            for index in 0..<environment.count { unsafe free(envp[index]) }
        }
        return unsafe posix_spawn(&pid, arguments[0], &files, &attributes, &argv, &envp)
    }

    /// Closes descriptors of this process that somebody forgot to mark as not to be inherited. Closing one
    /// that is gone in the meantime is no error.
    private static func openDescriptors() -> [Int32] {
        let names = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
        return (names ?? []).compactMap { Int32($0) }
    }
}
