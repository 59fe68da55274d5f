// swift-tools-version: 6.2
import PackageDescription

/// One list for every Swift target; each line says what it buys.
let settings: [SwiftSetting] = [
    // Data races are compile-time errors.
    .swiftLanguageMode(.v6),
    // An existential costs an allocation and hides a type: `any` makes it visible in review.
    .enableUpcomingFeature("ExistentialAny"),
    // A member is usable only when its module is imported here: files state what they depend on.
    .enableUpcomingFeature("MemberImportVisibility"),
    // A dependency leaks into a public interface only by `public import`.
    .enableUpcomingFeature("InternalImportsByDefault"),
    // A plain async function stays on its caller's executor: no hop that nobody asked for.
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    // Every use of an unsafe construct (C pointers) carries the word `unsafe`.
    .strictMemorySafety(),
    // A warning that stays is a warning that nobody reads.
    .treatAllWarnings(as: .error),
    // Every public type says whether it is Sendable.
    .treatWarning("ExplicitSendable", as: .error),
]

let nio = "swift-nio"

/// Packages that only our dependencies use: address, a product, version. They are pinned as exactly as our
/// own, so that the same commit builds the same versions on another day (docs/CI.md). SwiftPM warns of a
/// package of which no target takes a product, so a test target takes one of each, on a platform that does
/// not exist.
let indirect: [(url: String, product: String, version: Version)] = [
    ("https://github.com/apple/swift-algorithms", "Algorithms", "1.2.1"),
    ("https://github.com/apple/swift-asn1", "SwiftASN1", "1.7.4"),
    ("https://github.com/apple/swift-async-algorithms", "AsyncAlgorithms", "1.1.4"),
    ("https://github.com/apple/swift-atomics", "Atomics", "1.3.0"),
    ("https://github.com/apple/swift-certificates", "X509", "1.21.1"),
    ("https://github.com/apple/swift-collections", "DequeModule", "1.6.0"),
    ("https://github.com/apple/swift-configuration", "Configuration", "1.4.0"),
    ("https://github.com/apple/swift-crypto", "Crypto", "4.5.2"),
    ("https://github.com/apple/swift-http-structured-headers", "StructuredFieldValues", "1.7.0"),
    ("https://github.com/apple/swift-http-types", "HTTPTypes", "1.8.0"),
    ("https://github.com/apple/swift-metrics", "Metrics", "2.13.0"),
    ("https://github.com/apple/swift-nio-extras", "NIOExtras", "1.35.2"),
    ("https://github.com/apple/swift-nio-http2", "NIOHTTP2", "1.46.0"),
    ("https://github.com/apple/swift-nio-transport-services", "NIOTransportServices", "1.28.0"),
    ("https://github.com/apple/swift-numerics", "RealModule", "1.1.1"),
    ("https://github.com/apple/swift-service-context", "ServiceContextModule", "1.5.1"),
    ("https://github.com/apple/swift-system", "SystemPackage", "1.8.1"),
    ("https://github.com/swift-server/async-http-client", "AsyncHTTPClient", "1.37.0"),
]

/// What keeps the packages above in use; nothing is built for it.
let pins: [Target.Dependency] = indirect.map { package in
    let identity = package.url.split(separator: "/").last.map(String.init) ?? ""
    return .product(
        name: package.product, package: identity, condition: .when(platforms: [.custom("none")]))
}

/// The strategies, the service, its server. One list of all targets would take the compiler longer than it
/// allows itself.
let service: [Target] = [
    // The C boundary: one module map and one shim each.
    .systemLibrary(name: "CHiredis", providers: [.apt(["libhiredis-dev"])]),
    .systemLibrary(name: "COpenSSL", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CLibCrypt", providers: [.apt(["libcrypt-dev"])]),
    .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CPostgres", providers: [.apt(["libpq-dev"])]),
    .systemLibrary(name: "CLua", providers: [.apt(["liblua5.1-0-dev"])]),

    // What a person is told when a connection fails.
    .target(
        name: "ConnectionFailures",
        dependencies: [
            .product(name: "NIOCore", package: nio),
            .product(name: "NIOPosix", package: nio),
            .product(name: "NIOSSL", package: "swift-nio-ssl"),
        ]),
    // Tasks that run on an event loop.
    .target(name: "EventLoopTasks", dependencies: [.product(name: "NIOCore", package: nio)]),
    .target(
        name: "RedisClient",
        dependencies: [
            "ConnectionFailures",
            "CHiredis", "COpenSSL",
            .product(name: "NIOCore", package: nio),
            .product(name: "NIOPosix", package: nio),
            .product(name: "NIOSSL", package: "swift-nio-ssl"),
        ]),
    .target(
        name: "LockStrategies",
        dependencies: ["RedisClient"],
        resources: [.embedInCode("Scripts")]),
    // One client for PostgreSQL: connections, statements, a pool. Knows nothing of the service.
    .target(name: "PostgresClient", dependencies: ["CPostgres"]),
    // A world in which one seed decides every order of events: tasks, clocks, connections, Redis.
    .target(
        name: "Simulation", dependencies: ["CLua", "LockStrategies", "RedisClient"]),
    // Digests, chance and bcrypt of two C libraries, as plain Swift.
    .target(
        name: "LabCrypto", dependencies: ["COpenSSL", "CLibCrypt"]),
    // The service and the protocol of its ledger: no SQL, no C.
    .target(
        name: "InventoryService",
        dependencies: [
            "LabCrypto", "LockStrategies", "RedisClient",
            .product(name: "NIOPosix", package: nio),
            .product(name: "Logging", package: "swift-log"),
        ]),
    // The ledger on SQLite.
    .target(
        name: "LedgerSQLite",
        dependencies: [
            "InventoryService", "LabCrypto", "LockStrategies",
            .product(name: "GRDB", package: "GRDB.swift"),
        ]),
    // The ledger on PostgreSQL, which several servers may share.
    .target(
        name: "LedgerPostgres",
        dependencies: ["InventoryService", "LabProcesses", "LockStrategies", "PostgresClient"]),
    // Advisory locks in the sessions of a PostgreSQL, as strategies ask for them.
    .target(name: "LocksPostgres", dependencies: ["LockStrategies", "PostgresClient"]),
    // The ledger as a value in memory, for the simulation: it answers as the one on SQLite does.
    .target(name: "LedgerModel", dependencies: ["InventoryService", "LockStrategies"]),
    .target(name: "LabProcesses", dependencies: ["RedisClient"]),
    // A lock in any language: the driver protocol, and a driver's processes as a lock.
    .target(name: "LockDrivers", dependencies: ["LabProcesses", "LockStrategies"]),

    // The API as a library.
    .target(
        name: "LabServerKit",
        dependencies: [
            "ConnectionFailures", "EventLoopTasks", "InventoryService", "LabCrypto", "LabProcesses",
            "LedgerPostgres", "LedgerSQLite", "LockStrategies", "LocksPostgres", "PostgresClient",
            "RedisClient",
            .product(name: "Hummingbird", package: "hummingbird"),
            .product(name: "HummingbirdTLS", package: "hummingbird"),
            .product(name: "NIOSSL", package: "swift-nio-ssl"),
            .product(name: "ArgumentParser", package: "swift-argument-parser"),
            .product(name: "Logging", package: "swift-log"),
            .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            .product(name: "Tracing", package: "swift-distributed-tracing"),
            .product(name: "NIOCore", package: nio),
            .product(name: "NIOPosix", package: nio),
            .product(name: "NIOHTTP1", package: nio),
        ],
        resources: [.embedInCode("DocsPage")]),
    .executableTarget(name: "lab-server", dependencies: ["LabServerKit"]),
]

/// The bench.
let bench: [Target] = [
    // Plain values of a measurement.
    .target(name: "BenchModel"),
    // The mathematics of trials.
    .target(
        name: "BenchStatistics",
        dependencies: ["BenchModel", .product(name: "Histogram", package: "hdrhistogram-swift")]),
    // What results.json holds, and what two of them say against each other.
    .target(
        name: "BenchResults",
        dependencies: ["BenchModel", "BenchStatistics", "FaultAudit"]),
    // Who sends when, and what came back.
    .target(
        name: "BenchLoad",
        dependencies: [
            "BenchModel", "BenchStatistics", "ConnectionFailures", "EventLoopTasks",
            .product(name: "Histogram", package: "hdrhistogram-swift"),
            .product(name: "NIOCore", package: nio),
            .product(name: "NIOPosix", package: nio),
            .product(name: "NIOHTTP1", package: nio),
            .product(name: "NIOSSL", package: "swift-nio-ssl"),
        ]),
    // Who sold what. It must not see the service.
    .target(
        name: "BenchAudit",
        dependencies: [
            "BenchModel", "BenchStatistics", "BenchResults", "BenchLoad", "PostgresClient", "RedisClient",
            .product(name: "GRDB", package: "GRDB.swift"),
            .product(name: "Histogram", package: "hdrhistogram-swift"),
            .product(name: "NIOCore", package: nio),
        ]),
    // What can be broken, and what breaks it: signals, a proxy, a clock, a disk.
    .target(
        name: "FaultInjection",
        dependencies: [
            "LabProcesses", "RedisClient",
            .product(name: "NIOCore", package: nio),
            .product(name: "NIOPosix", package: nio),
        ],
        resources: [.embedInCode("Shims")]),
    // The clauses that a lock is held to from outside: a factory of clients in, findings out.
    .target(
        name: "LockConformance",
        dependencies: ["FaultInjection", "LabProcesses", "LockStrategies", "RedisClient"]),
    // Whether what buyers were told can be true, whatever was broken. It knows no strategy, no service.
    .target(name: "FaultAudit"),
    // Every fault with every strategy: who buys meanwhile, and what came of it.
    .target(
        name: "FaultLab",
        dependencies: [
            "BenchAudit", "BenchLoad", "BenchModel", "BenchResults", "BenchRun", "FaultAudit",
            "FaultInjection", "LockStrategies", "PostgresClient", "RedisClient", "LabProcesses",
            "LockDrivers",
            .product(name: "GRDB", package: "GRDB.swift"),
            .product(name: "NIOCore", package: nio),
            .product(name: "NIOHTTP1", package: nio),
        ]),
    // Every strategy in simulated worlds: who buys there, what is broken, and whether it can be true.
    .target(
        name: "Exploration",
        dependencies: [
            "BenchAudit", "BenchModel", "BenchResults", "FaultAudit", "FaultInjection", "FaultLab",
            "InventoryService", "LedgerModel", "LockStrategies", "RedisClient", "Simulation",
            .product(name: "Logging", package: "swift-log"),
        ]),
    // From a plan to results.
    .target(
        name: "BenchRun",
        dependencies: [
            "BenchModel", "BenchStatistics", "BenchResults", "BenchLoad", "BenchAudit",
            "ConnectionFailures", "EventLoopTasks", "FaultInjection", "InventoryService", "LedgerPostgres",
            "LedgerSQLite", "LockStrategies", "LocksPostgres", "PostgresClient", "RedisClient",
            "LabProcesses", "LockDrivers", "CZlib",
            .product(name: "Histogram", package: "hdrhistogram-swift"),
            .product(name: "Logging", package: "swift-log"),
            .product(name: "NIOCore", package: nio),
            .product(name: "NIOPosix", package: nio),
            .product(name: "NIOHTTP1", package: nio),
        ]),
    // Everything that is drawn from results alone.
    .target(
        name: "BenchReports",
        dependencies: ["BenchModel", "BenchStatistics", "BenchResults", "FaultAudit"]),
    // The commands of lab-bench as a library.
    .target(
        name: "LabBenchKit",
        dependencies: [
            "BenchModel", "BenchStatistics", "BenchResults", "BenchLoad", "BenchAudit", "BenchRun",
            "BenchReports", "Exploration", "FaultAudit", "FaultInjection", "FaultLab", "LockStrategies",
            "LabProcesses", "LockConformance", "LockDrivers",
            .product(name: "ArgumentParser", package: "swift-argument-parser"),
            .product(name: "Histogram", package: "hdrhistogram-swift"),
            .product(name: "NIOCore", package: nio),
        ]),
    .executableTarget(name: "lab-bench", dependencies: ["LabBenchKit"]),
    // A bench with a lock of its own, as a package of its own has it (Examples/my-lock/Package.swift): it
    // sees what is public and no more.
    .executableTarget(
        name: "my-lock", dependencies: ["LabBenchKit", "LockStrategies", "RedisClient"],
        path: "Examples/my-lock/Sources/my-lock", packageAccess: false),
]

/// Tests, and the programs that they run.
let tests: [Target] = [
    // A SQLite VFS that knows what a disk would hold after a power cut.
    .target(
        name: "CPowerCut", path: "Tests/CPowerCut",
        linkerSettings: [.linkedLibrary("sqlite3")]),
    // Another program that locks the server's database.
    .executableTarget(
        name: "foreign-writer", path: "Tests/foreign-writer",
        linkerSettings: [.linkedLibrary("sqlite3")]),
    // Sales through the ledger alone, and the same by SQLite alone: ./lab check --ledger.
    .executableTarget(
        name: "ledger-bench", dependencies: ["InventoryService", "LedgerSQLite", "LockStrategies"],
        path: "Tests/ledger-bench"),
    .executableTarget(
        name: "raw-ledger", path: "Tests/raw-ledger",
        linkerSettings: [.linkedLibrary("sqlite3")]),
    // Hummingbird alone: ./lab speed.
    .executableTarget(
        name: "bare-server",
        dependencies: [
            .product(name: "Hummingbird", package: "hummingbird"),
            .product(name: "Logging", package: "swift-log"), .product(name: "NIOCore", package: nio),
        ],
        path: "Tests/bare-server"),
    // One piece of a purchase, again and again: ./lab check --cost.
    .executableTarget(
        name: "cost-bench",
        dependencies: [
            "InventoryService", "LabServerKit", "LedgerSQLite", "LockStrategies", "RedisClient",
        ],
        path: "Tests/cost-bench"),
    // What the tests share: clock, scripted Redis, fault proxy.
    .target(
        name: "LabTesting",
        dependencies: [
            "CPowerCut", "FaultInjection", "LockStrategies", "PostgresClient", "RedisClient",
            "LabProcesses",
            .product(name: "NIOCore", package: nio),
            .product(name: "NIOPosix", package: nio),
        ] + pins,
        path: "Tests/LabTesting"),
    // A process of its own for the clauses that need several.
    .executableTarget(
        name: "lock-worker",
        dependencies: ["LockStrategies", "LocksPostgres", "PostgresClient", "RedisClient"],
        path: "Tests/lock-worker"),
    .testTarget(
        name: "RedisClientTests",
        dependencies: [
            "ConnectionFailures", "RedisClient", "FaultInjection", "LabTesting", "LabProcesses",
            .product(name: "NIOCore", package: nio),
            .product(name: "NIOEmbedded", package: nio),
            .product(name: "NIOPosix", package: nio),
        ]),
    .testTarget(
        name: "PostgresClientTests", dependencies: ["LabProcesses", "LabTesting", "PostgresClient"]),
    .testTarget(
        name: "LockStrategiesTests",
        dependencies: [
            "LockStrategies", "LocksPostgres", "PostgresClient", "RedisClient", "FaultInjection",
            "LabTesting", "LabProcesses", "lock-worker",
        ],
        // Seeded bugs as data and the script that plants them.
        exclude: ["mutations"]),
    .testTarget(
        name: "InventoryServiceTests",
        dependencies: [
            "InventoryService", "LedgerPostgres", "LedgerSQLite", "LabCrypto", "LockStrategies",
            "FaultInjection", "LabTesting", "LabProcesses", "LocksPostgres", "PostgresClient",
            .product(name: "GRDB", package: "GRDB.swift"),
        ],
        exclude: ["Auth/common_passwords.py", "LedgerSQLite/speed"]),
    .testTarget(
        name: "LabServerTests",
        dependencies: [
            "LabServerKit", "lab-server", "EventLoopTasks", "InventoryService", "LedgerPostgres",
            "LedgerSQLite", "LockStrategies", "LocksPostgres", "PostgresClient", "RedisClient",
            "FaultInjection", "LabTesting", "LabProcesses", "foreign-writer",
            .product(name: "Hummingbird", package: "hummingbird"),
            .product(name: "HummingbirdTesting", package: "hummingbird"),
            .product(name: "InMemoryTracing", package: "swift-distributed-tracing"),
            .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            .product(name: "Tracing", package: "swift-distributed-tracing"),
            .product(name: "NIOSSL", package: "swift-nio-ssl"),
            .product(name: "GRDB", package: "GRDB.swift"),
        ],
        // Checks that run programs of their own: fuzzer, hostile clients, old reservations.
        exclude: ["schemathesis", "hostile", "marks", "nodes"]),
    .testTarget(
        name: "SimulationTests",
        dependencies: ["LabProcesses", "LabTesting", "LockStrategies", "RedisClient", "Simulation"]),
    .testTarget(
        name: "LedgerModelTests",
        dependencies: [
            "InventoryService", "LabProcesses", "LabTesting", "LedgerModel", "LedgerPostgres",
            "LedgerSQLite", "LockStrategies", "PostgresClient",
            .product(name: "GRDB", package: "GRDB.swift"),
        ]),
    .testTarget(name: "FaultAuditTests", dependencies: ["FaultAudit"]),
    .testTarget(
        name: "LabBenchTests",
        dependencies: [
            "BenchModel", "BenchStatistics", "BenchResults", "BenchLoad", "BenchAudit", "BenchRun",
            "BenchReports", "LabBenchKit", "lab-bench", "LabServerKit", "lab-server", "InventoryService",
            "LedgerSQLite", "my-lock",
            "Exploration", "FaultAudit", "FaultLab", "LockStrategies", "RedisClient", "FaultInjection",
            "LabTesting", "LabProcesses", "LockConformance", "LockDrivers", "Simulation",
            .product(name: "GRDB", package: "GRDB.swift"),
            .product(name: "Histogram", package: "hdrhistogram-swift"),
            .product(name: "NIOCore", package: nio),
            .product(name: "NIOPosix", package: nio),
            .product(name: "NIOHTTP1", package: nio),
        ],
        // The documented runs with the script that makes them, and the second implementation of the
        // numbers.
        exclude: [
            "runs", "recompute", "drivers", "Exploration/seeds.txt", "LockDrivers/faulty_driver.py",
        ]),
]

let package = Package(
    name: "lock-strategy-lab",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "LockStrategies", targets: ["LockStrategies", "RedisClient"]),
        .library(name: "LockConformance", targets: ["LockConformance"]),
        .library(name: "LabBenchKit", targets: ["LabBenchKit"]),
        .library(name: "InventoryService", targets: ["InventoryService", "LedgerSQLite"]),
        .executable(name: "lab-server", targets: ["lab-server"]),
        .executable(name: "lab-bench", targets: ["lab-bench"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", exact: "1.7.3"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", exact: "0.2.0"),
    ] + indirect.map { .package(url: $0.url, exact: $0.version) },
    targets: service + bench + tests
)

// The same rules for every target.
for target in package.targets where target.type != .system { target.swiftSettings = settings }
