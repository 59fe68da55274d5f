import Foundation
import HTTPTypes
import InventoryService
import LabProcesses
import LabTesting
import LedgerSQLite
import Testing

@testable import LabServerKit

/// Passwords and the sign-in, through the whole server.
@Suite("Passwords and the sign-in")
struct PasswordCaseTests {
    private func logIn(_ lab: Lab, _ name: String, _ password: String) async throws -> ApiClient.Answer {
        let body: JSONTree = ["username": .text(name), "password": .text(password)]
        let headers: HTTPFields = [
            .requestID: "same", .traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ]
        return try await lab.client.send(.post, "/api/auth/login", body.json, headers: headers)
    }

    private func register(_ lab: Lab, _ name: String, _ password: String) async throws -> Int {
        let body: JSONTree = ["username": .text(name), "password": .text(password)]
        return try await lab.client.send(.post, "/api/auth/register", body.json).status
    }

    @Test("S19 · a password is all of its bytes: neither its first 72 nor another end signs in")
    func longPasswords() async throws {
        try await withLab { lab async throws in
            let stem = String(repeating: "correct horse ", count: 6).prefix(72)
            #expect(stem.utf8.count == 72)
            #expect(try await register(lab, "ann", stem + "1") == 201)
            #expect(try await logIn(lab, "ann", stem + "1").status == 200)
            for wrong in [String(stem), stem + "2", stem + "11"] {
                #expect(try await logIn(lab, "ann", wrong).status == 401)
            }
            #expect(try await register(lab, "bea", String(stem)) == 201)
            #expect(try await logIn(lab, "bea", String(stem)).status == 200)
            #expect(try await logIn(lab, "bea", stem + "1").status == 401)
            // 64 characters of any script and more are a password; 1,024 are the most.
            let long = String(String(repeating: "말뚝 배터리 ", count: 147).prefix(1024))
            #expect(try await register(lab, "cho", long) == 201)
            #expect(try await logIn(lab, "cho", long).status == 200)
            #expect(try await logIn(lab, "cho", String(long.dropLast())).status == 401)
            #expect(try await register(lab, "dan", String(repeating: "ab1 ", count: 256) + "x") == 422)
        }
    }

    @Test("S20 · a NUL in a password does not end it")
    func nul() async throws {
        try await withLab { lab async throws in
            #expect(try await register(lab, "ann", "battery\0staple") == 201)
            #expect(try await logIn(lab, "ann", "battery\0staple").status == 200)
            for wrong in ["battery", "battery\0", "battery\0stapler", "battery\0other"] {
                #expect(try await logIn(lab, "ann", wrong).status == 401)
            }
        }
    }

    @Test("S23 · a name that goes on after U+0000 signs nobody in, and has no guesses of its own")
    func nameBeforeNul() async throws {
        let limits = AuthLimiter.Settings(requestsPerMinute: nil, guessesPerMinute: 3)
        try await withLab(limits: limits) { lab async throws in
            _ = try await lab.client.signedIn()
            func status(_ name: String, _ password: String) async throws -> Int {
                try await lab.client.send(
                    .post, "/api/auth/login", #"{"username":"\#(name)","password":"\#(password)"}"#
                ).status
            }
            #expect(try await status(#"ann\u0000"#, "lab-test-12") == 401)
            var tried = 0
            for number in 0..<12 where try await status(#"ann\u0000\#(number)"#, "wrong-password") == 401 {
                tried += 1
            }
            #expect(tried == 2, "all names that nobody can have share the guesses of one account")
            #expect(try await status("ann", "lab-test-12") == 200)
        }
    }

    @Test("S22 · an unknown user, a wrong password and a disabled user answer the same")
    func sameAnswers() async throws {
        try await withLab { lab async throws in
            let admin = try await lab.administrator()
            _ = try await lab.client.signedIn()
            let other = try await lab.client.signedIn("bea")
            let id = try #require(try await other.send(.get, "/api/auth/me").body["id"] as? Int)
            _ = try await admin.send(.patch, "/api/admin/users/\(id)", #"{"disabled":true}"#)
            let long = String(repeating: "x", count: 5000)
            var answers: [ApiClient.Answer] = []
            for (name, password) in [
                ("ann", "wrong-password"), ("nobody", "lab-test-12"), ("bea", "lab-test-12"), ("ann", long),
                (long, "lab-test-12"), ("", ""), ("ann' OR 1=1--", "x"),
            ] { answers.append(try await logIn(lab, name, password)) }
            for answer in answers {
                #expect(answer.status == 401)
                #expect(answer.text == answers[0].text)
                func fields(_ answer: ApiClient.Answer) throws -> [String] {
                    // The number of our step in the trace is every answer's own, as the date is.
                    let step = try #require(answer.headers.trace?.spanIDText)
                    return answer.headers.filter { $0.name != .date }
                        .map { "\($0.name): \($0.value.replacing(step, with: "step"))" }.sorted()
                }
                #expect(try fields(answer) == fields(answers[0]))
            }
        }
    }

    @Test(
        "S22 · unknown, disabled, wrong, endless: a refusal takes the same time, the medians of 200 turns differ by noise"
    )
    func sameTimes() async throws {
        // Rounds enough that the hash is most of the time; without one an unknown user would answer in a
        // fraction.
        try await withLab(hasher: PasswordHasher(cost: 7)) { lab async throws in
            let admin = try await lab.administrator()
            _ = try await lab.client.signedIn()
            let other = try await lab.client.signedIn("bea")
            let id = try #require(try await other.send(.get, "/api/auth/me").body["id"] as? Int)
            _ = try await admin.send(.patch, "/api/admin/users/\(id)", #"{"disabled":true}"#)
            let refusals = [
                ("ann", "wrong-password"), ("nobody", "wrong-password"), ("bea", "lab-test-12"),
                ("ann", String(repeating: "x", count: 5000)), ("nobody", String(repeating: "x", count: 5000)),
            ]
            let clock = ContinuousClock()
            var times: [[Duration]] = Array(repeating: [], count: refusals.count)
            for turn in 0..<200 {
                // Each is the first in its turn: what else the machine does meets all alike.
                for step in refusals.indices {
                    let kind = (turn + step) % refusals.count
                    let start = clock.now
                    let answer = try await logIn(lab, refusals[kind].0, refusals[kind].1)
                    times[kind].append(start.duration(to: clock.now))
                    #expect(answer.status == 401)
                }
            }
            let medians = times.map { $0.sorted()[100] }
            // What is read takes its time too, so the endless ones are compared with each other.
            for (one, other) in [(1, 0), (2, 0), (4, 3)] {
                #expect((0.8...1.25).contains(medians[one] / medians[other]), "\(medians)")
            }
        }
    }

    @Test(
        "S21 · each of the 3,000 passwords that people use most is refused, and the list is that of the script"
    )
    func commonPasswords() async throws {
        let script = Self.root + "Tests/InventoryServiceTests/Auth/common_passwords.py"
        let lab = try await ChildProcess.start(Self.root + "lab", ["validator"])
        #expect(await lab.waitUntilExit().isSuccess)
        let python = try #require(lab.lines(of: .standardOutput).last)
        let directory = try TemporaryDirectory(prefix: "lab-passwords")
        func made(_ what: String) async throws -> String {
            let child = try await ChildProcess.start(python, [script, what, directory.file(what)])
            #expect(await child.waitUntilExit().isSuccess, "\(child.lines())")
            return try String(contentsOfFile: directory.file(what), encoding: .utf8)
        }
        let passwords = try await made("print").split(separator: "\n")
        #expect(passwords.count == 3000)
        try await withLab { lab async throws in
            for password in passwords {
                #expect(try await register(lab, "ann", String(password)) == 422, "\(password)")
                #expect(try await register(lab, "ann", password.uppercased()) == 422, "\(password)")
            }
            #expect(try await register(lab, "ann", "\(passwords[0]) and \(passwords[1])") == 201)
        }
        let source = try String(
            contentsOfFile: Self.root + "Sources/InventoryService/Auth/CommonPasswords+Digests.swift",
            encoding: .utf8)
        #expect(try await made("digests") == source)
        directory.remove()
    }

    private static let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..")
        .standardizedFileURL.path()

    @Test(
        "S24 · a flood of sign-ins has one thread and a short line: the rest is 503 with Retry-After, and buyers go on"
    )
    func flood() async throws {
        try await withLab(hasher: PasswordHasher(cost: 4, queue: 1)) { lab async throws in
            let buyer = try await lab.client.signedIn()
            let product = try await buyer.product(units: 50)
            // A hash of so many rounds that the only thread is busy with it until this test is through.
            let slow = PasswordHash(
                stored: "bcrypt:$2b$15$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
            )
            _ = try await lab.ledger.createUser(
                NewUser(
                    username: "slow", email: nil, passwordHash: slow, role: .user,
                    createdAt: WallClock.system.now))
            let first = Task { try await logIn(lab, "slow", "wrong-password").status }
            try await waitUntil { lab.hasher.load == 1 }
            var refusals = 0
            for _ in 0..<10 {
                let refused = try await logIn(lab, "ann", "lab-test-12")
                #expect(refused.headers[.retryAfter] == "1")
                if refused.status == 503 { refusals += 1 }
                #expect(try await buyer.buy(product).status == 200)
                #expect(try await buyer.send(.get, "/api/purchases/me").status == 200)
            }
            // All of that happened while the one sign-in was still on its thread.
            #expect(lab.hasher.load == 1)
            #expect(refusals == 10)
            #expect(await lab.page().contains("lab_password_refused_total 10\n"))
            #expect(try await first.value == 401)
            #expect(try await logIn(lab, "ann", "lab-test-12").status == 200)
        }
    }
}
