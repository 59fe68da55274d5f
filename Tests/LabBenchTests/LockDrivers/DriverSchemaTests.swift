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

    @Test("hold for what the bench says", arguments: requests)
    func request(line: DriverRequest) async throws {
        let data = Data(DriverCoding.line(line))
        #expect(data.last == 0x0A && data.count { $0 == 0x0A } == 1)
        #expect(try await SchemaJudge.complaints(data, schema: "driver-request") == [])
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
        for line in lines {
            #expect(
                try await SchemaJudge.complaints(Data(line.utf8), schema: "driver-answer") == [], "\(line)")
        }
    }

    @Test(
        "hold for no other line",
        arguments: [
            #"{"id":1,"result":"granted"}"#, #"{"id":1,"result":"done"}"#, #"{"result":"released"}"#,
            #"{"id":1,"result":"error"}"#,
            #"{"hello":{"protocol":2,"name":"a","version":"1","abilities":[]}}"#,
            #"[]"#,
        ])
    func refused(line: String) async throws {
        #expect(try await SchemaJudge.complaints(Data(line.utf8), schema: "driver-answer") != [])
    }
}
