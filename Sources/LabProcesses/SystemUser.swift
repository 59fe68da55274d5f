import Foundation

/// A user of this machine, as whom root can start a program.
package struct SystemUser: Sendable, Hashable {
    package let name: String
    package let number: UInt32
    package let group: UInt32

    /// - Returns: Nil when there is no user of this name.
    package init?(named name: String) {
        guard let entry = unsafe getpwnam(name) else { return nil }
        self.name = name
        number = unsafe entry.pointee.pw_uid
        group = unsafe entry.pointee.pw_gid
    }

    /// For a program that refuses to run as root; nil when this process is not root's, or there is nobody
    /// else.
    package static func insteadOfRoot(_ names: [String]) -> SystemUser? {
        guard geteuid() == 0 else { return nil }
        return names.lazy.compactMap { SystemUser(named: $0) }.first
    }

    /// The options of `setpriv`.
    var options: [String] { ["--reuid", "\(number)", "--regid", "\(group)", "--clear-groups"] }

    /// Gives a file or a folder to this user.
    package func own(_ path: String) throws(LabProcessError) {
        guard unsafe chown(path, number, group) == 0 else {
            throw LabProcessError(.noResource, "cannot give \(path) to the user \(name)")
        }
    }
}
