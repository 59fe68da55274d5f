import ArgumentParser
import Foundation
import InventoryService
import Testing

@testable import LabServerKit

/// What the files of `deploy`, the Dockerfile and compose.yaml promise, held against the program.
@Suite struct DeploymentFileTests {
    private let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")

    private func lines(_ path: String) throws -> [String] {
        try String(contentsOf: root.appending(path: path), encoding: .utf8).split(separator: "\n").map(
            String.init
        )
        .filter { !$0.drop { $0 == " " }.hasPrefix("#") }
    }

    @Test("Whoever ends the server waits longer than it takes to end by itself")
    func patience() throws {
        let options = try ServeOptions.parse([])
        let plan = try ServePlan(
            options.values(environment: ["LAB_JWT_SECRET": "c8f1a0e4b7d29356f0a1c3e5d7b9082461"]) { _ in nil }
        )
        let ending = plan.drainDelay + plan.drainTimeout + plan.settings.patience
        let unit = try lines("deploy/systemd/lab-server.service")
        let stops = unit.compactMap { $0.wholeMatch(of: /TimeoutStopSec=(\d+)/)?.1 }
        #expect(stops.map { Duration.seconds(Int64($0) ?? 0) >= ending + .seconds(5) } == [true])
        let graces = try lines("compose.yaml").compactMap {
            $0.wholeMatch(of: /\s+stop_grace_period: (\d+)s/)?.1
        }
        #expect(!graces.isEmpty)
        #expect(graces.allSatisfy { Duration.seconds(Int64($0) ?? 0) >= ending + .seconds(5) })
    }

    @Test("The image runs as nobody, writes to one place, asks itself, and says what it is made of")
    func image() throws {
        let lines = try lines("Dockerfile")
        let stage = lines.drop { $0 != "FROM ${RUN_IMAGE}" }
        #expect(stage.contains("USER 10001"))
        #expect(stage.filter { $0.hasPrefix("VOLUME") } == ["VOLUME /data"])
        #expect(stage.contains(#"ENTRYPOINT ["lab-server"]"#))
        #expect(stage.contains(#"CMD ["serve"]"#))
        let check = try #require(stage.first { $0.hasPrefix("HEALTHCHECK") })
        #expect(check.hasSuffix(#"CMD ["lab-server", "health"]"#))
        #expect(LabServer.configuration.subcommands.contains { $0 == Health.self })
        #expect(stage.contains { $0.hasPrefix("COPY --from=build") && $0.contains("lab-server.cdx.json") })
        // What a debugger wants stays out, and who wants it can have it.
        #expect(!stage.contains { $0.contains("lab-server.debug") })
        #expect(lines.contains("COPY --from=build /usr/local/bin/lab-server.debug /"))
        // Both images can be named by their digests.
        #expect(
            lines.filter { $0.hasPrefix("FROM ") } == [
                "FROM ${BUILD_IMAGE} AS build", "FROM scratch AS symbols", "FROM ${RUN_IMAGE}",
            ])
    }

    @Test("No container of compose.yaml can write outside of its volumes, gain rights, or run as root")
    func containers() throws {
        let compose = try lines("compose.yaml")
        for line in [
            "  read_only: true", "  cap_drop: [ALL]", #"  security_opt: ["no-new-privileges:true"]"#,
        ] { #expect(compose.filter { $0 == line }.count == 5, "in each shared part: \(line)") }
        // The images of HAProxy, Prometheus and Grafana name a user of their own.
        #expect(compose.contains("  user: redis") && compose.contains("  user: postgres"))
        let services = compose.drop { $0 != "services:" }
        let parts = services.filter { $0.wholeMatch(of: /\s{2}[a-z0-9-]+:( [&*][a-z-]+)?/) != nil }
        #expect(parts.count >= 25)
        #expect(!services.contains { $0.contains("read_only: false") || $0.contains("privileged: true") })
    }

    @Test("The unit gives the server no more than it needs")
    func unit() throws {
        let unit = Set(try lines("deploy/systemd/lab-server.service"))
        for line in [
            "Type=exec", "Restart=on-failure", "LimitNOFILE=65536", "DynamicUser=yes", "ProtectSystem=strict",
            "NoNewPrivileges=yes", "SystemCallFilter=@system-service", "MemoryDenyWriteExecute=yes",
            "CapabilityBoundingSet=",
        ] { #expect(unit.contains(line), "\(line)") }
    }
}
