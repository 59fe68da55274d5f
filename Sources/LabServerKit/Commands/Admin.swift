import ArgumentParser
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
        abstract: "Make an administrator in a stopped server's ledger, or make one of a user.",
        discussion: """
            A name that is taken becomes an administrator with the new password, and its tokens end. The
            password is read from --password-file, else from the first line of the standard input.
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
        try await ledger.withLedger { ledger in
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
        in ledger: SQLiteLedger, _ hasher: PasswordHasher, _ password: String
    ) async throws -> String {
        do throws(InventoryError) {
            let administrators = Administrators(store: ledger, hasher: hasher)
            switch try await administrators.make(username: username, password: password, email: email) {
            case .created(let user): return "administrator \(user.username) was made (user \(user.id))"
            case .promoted(let user):
                return
                    "user \(user.username) (user \(user.id)) is an administrator now, with the new password"
            case .emailTaken: throw .init(.invalidField, "another user has this e-mail address")
            }
        } catch {
            throw StartFailure(
                error.code == .invalidField ? .usage : .databaseUnusable, error.context)
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
