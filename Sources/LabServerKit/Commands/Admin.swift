import ArgumentParser
import ConnectionFailures
import Foundation
import InventoryService
import LedgerSQLite
import RedisClient

struct Admin: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Look after administrators.", subcommands: [CreateAdmin.self])
}

/// There is no administrator until this makes one.
struct CreateAdmin: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Make an administrator, or make one of a user, beside a running or a stopped server.",
        discussion: """
            A name that is taken becomes an administrator with the new password, and its tokens end. The
            password is read from --password-file, else from the first line of the standard input.

            Where a server has the ledger open, that server makes the administrator. It takes the order on a socket
            beside the ledger, which only the server's user and root may open, and hashes with its own --bcrypt-cost.
            On PostgreSQL no server is asked.
            """)

    @OptionGroup var ledger: LedgerOptions

    @Option(help: "The name to sign in with.")
    var username: String

    @Option(help: "The e-mail address of a new user.")
    var email: String?

    @Option(help: "File that holds the password; else it is read from the standard input.")
    var passwordFile: String?

    @Option(help: "Rounds of bcrypt as a power of two, 4 to 16.")
    var bcryptCost = PasswordHasher.defaultCost

    func run() async throws {
        guard (4...16).contains(bcryptCost) else {
            throw StartFailure(.usage, "--bcrypt-cost must be between 4 and 16, not \(bcryptCost)")
        }
        let password = try password()
        try await ledger.withLedger { path, refusal in
            try await ask(path, password, refusal)
        } _: { ledger in
            let hasher = PasswordHasher(cost: bcryptCost)
            let result: Result<String, any Error>
            do {
                result = .success(try await make(in: ledger, hasher, password))
            } catch {
                result = .failure(error)
            }
            await hasher.shutDown()
            try answer("\(try result.get())\n")
        }
    }

    private func make(
        in ledger: some ServedLedger, _ hasher: PasswordHasher, _ password: String
    ) async throws -> String {
        do throws(InventoryError) {
            let administrators = Administrators(store: ledger, hasher: hasher)
            return try await administrators.make(username: username, password: password, email: email)
                .sentence
        } catch {
            throw StartFailure(
                error.code == .invalidField ? .usage : .databaseUnusable, error.context)
        }
    }

    /// Has the server make the administrator that has the ledger open.
    private func ask(_ path: String, _ password: String, _ refusal: InventoryError) async throws {
        let socket = AdminSocket(ofDatabase: (try? LedgerPath.resolved(path)) ?? path)
        guard socket.belongsToLedger else { throw StartFailure(.databaseUnusable, refusal.context) }
        let order = AdminOrder(username: username, password: password, email: email)
        let reply: AdminQuestion.Answer
        do {
            reply = try await AdminQuestion(socket: socket, order: order).ask()
        } catch {
            throw StartFailure(
                .databaseUnusable,
                "a server has \(path) open, and \(socket.path) does not lead to it: "
                    + "\(ConnectionFailure.reason(for: error)); run this as the server's user, or stop the server"
            )
        }
        switch reply.status {
        case 200: try answer("\(reply.text)\n")
        case 422: throw StartFailure(.usage, reply.text)
        default:
            throw StartFailure(
                .databaseUnusable, reply.text.isEmpty ? "the server answered \(reply.status)" : reply.text)
        }
    }

    private func password() throws(StartFailure) -> String {
        let text: String?
        if let passwordFile {
            text = (try? String(contentsOfFile: passwordFile, encoding: .utf8))
                .flatMap { $0.split(whereSeparator: \.isNewline).first.map(String.init) }
        } else {
            text = readLine(strippingNewline: true)
        }
        guard let text, !text.isEmpty else {
            throw StartFailure(
                .usage,
                "no password: give it in --password-file or as the first line of the standard input")
        }
        return text
    }
}
