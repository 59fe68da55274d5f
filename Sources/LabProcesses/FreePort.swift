import Foundation

/// Picks TCP ports that nobody listens on.
public enum FreePort: Sendable {
    /// A port of 127.0.0.1 that was free a moment ago. Another process may take it before its user does:
    /// whoever binds it must be ready to ask again.
    public static func pick() throws(LabProcessError) -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw LabProcessError(.noResource, "cannot open a socket") }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                unsafe bind(descriptor, generic, length) == 0
                    && getsockname(descriptor, generic, &length) == 0
            }
        }
        guard isBound else { throw LabProcessError(.noResource, "cannot bind a port of 127.0.0.1") }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
