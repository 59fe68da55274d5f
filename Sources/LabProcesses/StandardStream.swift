import Foundation

/// The standard output or the standard error of this process, which may be a full disk, a pipe whose reader
/// is gone, or nothing at all.
package enum StandardStream: Int32, Sendable {
    case output = 1
    case error = 2

    /// Why a text could not be written, as the system says it.
    package struct Failure: Error, Sendable, Equatable, CustomStringConvertible {
        /// `errno`.
        package let code: Int32
        package let description: String

        init(_ code: Int32) {
            self.code = code
            description = unsafe String(cString: strerror(code))
        }
    }

    /// Makes the streams safe to use: to be called before anything is opened.
    ///
    /// A pipe without a reader is an error from now on and not the end of the process. A descriptor 0, 1 or 2
    /// that was closed becomes `/dev/null`: else the next file that is opened, the ledger for one, would get
    /// its number, and what is meant for the standard output would be written into it.
    package static func prepare() {
        _ = signal(SIGPIPE, SIG_IGN)
        for descriptor: Int32 in 0...2 where fcntl(descriptor, F_GETFD) == -1 && errno == EBADF {
            // The lowest number that is free is this one.
            _ = unsafe open("/dev/null", descriptor == 0 ? O_RDONLY : O_WRONLY)
        }
    }

    /// Writes the whole text, and waits for a reader that is slow.
    ///
    /// - Throws: ``Failure``; a part of the text may have been written then.
    package func write(_ text: some StringProtocol) throws(Failure) {
        try write(Array(text.utf8))
    }

    /// The same for bytes.
    package func write(_ bytes: [UInt8]) throws(Failure) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes {
                unsafe Foundation.write(rawValue, $0.baseAddress, $0.count)
            }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN {
                // Another process that shares the terminal has made it non-blocking.
                var waiting = pollfd(fd: rawValue, events: Int16(POLLOUT), revents: 0)
                _ = unsafe poll(&waiting, 1, 1000)
            } else if errno != EINTR {
                throw Failure(errno)
            }
        }
    }

    /// Writes what nobody has to read: a failure changes nothing.
    package func say(_ text: some StringProtocol) {
        try? write(text)
    }
}
