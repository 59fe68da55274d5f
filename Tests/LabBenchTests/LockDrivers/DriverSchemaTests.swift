import Foundation
import LabProcesses
import LockDrivers
import Testing

@Suite("The schemas of the driver protocol")
struct DriverSchemaTests {
    static let requests: [DriverRequest] = [
        DriverRequest(1, .acquire(key: "lock:stock:{1}", ttlMilliseconds: 10_000, waitMilliseconds: 0)),
        DriverRequest(2, .extend(key: "a", handle: "ü/\"", ttlMilliseconds: 1)),
        DriverRequest(3, .release(key: "a", handle: "")), .quit,
    ]

    @Test("hold for what the bench says")
    func request() async throws {
        let lines = Self.requests.map { Data(DriverCoding.line($0)) }
        for line in lines { #expect(line.last == 0x0A && line.count { $0 == 0x0A } == 1) }
        let all = lines.reduce(Data(), +)
        #expect(try await SchemaJudge.complaints(ofLines: all, schema: "driver-request") == [])
    }

    @Test("hold for what the echo driver and the driver of docs/DRIVERS.md say")
    func answers() async throws {
        let folder = try TemporaryDirectory()
        let driver = try DriverPage.write(to: folder)
        let asked = Self.requests.map { String(decoding: DriverCoding.line($0), as: UTF8.self) }.joined()
        let file = folder.file("requests")
        try Data(asked.utf8).write(to: URL(filePath: file))
        var lines: [String] = []
        try await withRedisServer { redis in
            for program in [
                "'\(try RunCommandTests.program("lab-bench"))' drivers echo", "python3 \(driver)",
            ] {
                let child = try await ChildProcess.start(
                    "sh", ["-c", "\(program) <\(file)"],
                    environment: ProcessInfo.processInfo.environment.merging(["LAB_REDIS": redis.url]) { $1 })
                #expect(await child.waitUntilExit() == .exited(0), "\(child.lines())")
                lines += child.lines(of: .standardOutput)
            }
        }
        #expect(lines.count == 8)
        let all = Data(lines.joined(separator: "\n").utf8)
        #expect(try await SchemaJudge.complaints(ofLines: all, schema: "driver-answer") == [])
    }

    @Test("hold for no other line")
    func refused() async throws {
        let lines = [
            #"{"id":1,"result":"granted"}"#, #"{"id":1,"result":"done"}"#, #"{"result":"released"}"#,
            #"{"id":1,"result":"error"}"#, #"[]"#,
            #"{"hello":{"protocol":2,"name":"a","version":"1","abilities":[]}}"#,
        ]
        let all = Data(lines.joined(separator: "\n").utf8)
        let complaints = try await SchemaJudge.complaints(ofLines: all, schema: "driver-answer")
        #expect(Set(complaints.compactMap(\.first)) == Set("123456"), "\(complaints)")
    }
}
