import ArgumentParser
import BenchRun
import FaultInjection
import LockStrategies

/// What is asked of the service, and how often.
struct LoadOptions: ParsableArguments {
    @Option(
        help:
            "purchase: logged-in users buy; journey: register, log in, view, buy, history; default purchase.")
    var scenario: String?

    @Option(
        help: "closed, constant, poisson, or both: closed, then poisson at one rate; default both.")
    var model: String?

    @Option(
        help: "Purchases per second of the open model; default with both: 70 % of the slowest strategy's.")
    var rate: Double?

    @Option(
        help:
            "users: closed loads of 1 to 128 users; rate: open loads at rising rates; one round, no ranking.")
    var sweep: String?

    @Option(help: "Buyers at the same time, each on a connection of its own; default 100.")
    var users: Int?

    @Option(help: "Products on sale in each trial, 1 to 1,000; default 1.")
    var products: Int?

    @Option(
        help:
            "Exponent of the demand over the products: rank k is wanted as 1/k^SKEW; 0: all alike; default 1."
    )
    var skew: Double?

    @Option(help: "Units of each product; default 10,000,000 (2,000 in all for the negative control).")
    var stock: Int?

    @Option(help: "Reads from this file when each request of the open load starts.")
    var scheduleIn: String?

    @Option(help: "Writes to this file when each request of the open load of round 1 starts; needs --rate.")
    var scheduleOut: String?
}

/// How long and how often it is asked.
struct TrialOptions: ParsableArguments {
    @Flag(help: "One round of 3 s: correctness only, no ranking.")
    var quick = false

    @Option(
        help:
            "Comma-separated ids; default: all of `lab-bench strategies`. The negative control always runs.",
        completion: .list(LabBench.strategies.names))
    var strategies: String?

    @Option(help: "Trials of each strategy; default 3.")
    var rounds: Int?

    @Option(help: "Measured seconds of each trial; default 7.")
    var duration: Double?

    @Option(
        help: """
            Seconds of load before the measurement; default 1. A closed load is measured when it sells evenly, at most \
            four times as late.
            """)
    var warmup: Double?

    @Option(
        help: "Rounds of the open load; default 1. One round shows the load, but cannot rank strategies.")
    var openRounds: Int?

    @Option(help: "Seed of the trial order. Default: random; it is printed.")
    var seed: UInt64?

    @Flag(help: "Skip the short loads that test HTTP, Redis and SQLite separately.")
    var noCeilings = false
}

/// Which service, on which Redis.
struct PlaceOptions: ParsableArguments {
    @Option(
        help:
            "http: a lab-server of its own; direct: the service in lab-bench's process; strategy: the strategy alone there, without ledger; all: the closed load in all three, beside each other; default http."
    )
    var mode: String?

    @Option(
        help: ArgumentHelp(
            "With --mode strategy or direct: a lock in any language, started as COMMAND (docs/DRIVERS.md); may be repeated.",
            valueName: "NAME=COMMAND"))
    var driver: [String] = []

    @Option(help: "The lab-server to measure; default: the one next to lab-bench.")
    var serverBinary: String?

    @Option(
        help: "lab-server processes in each trial, 1 to 16, over which the buyers are spread; default 1.")
    var servers: Int?

    @Option(
        help:
            "sqlite or postgres: where the ledger is, and the lock of pg-advisory; default sqlite, with several --servers postgres."
    )
    var database: String?

    @Option(help: "URL of a Redis with an empty database; default: start one for each trial.")
    var redis: String?

    @Option(
        help:
            "http://HOST:PORT, or https, of a lab-server that is running already: users and products are made there and stay."
    )
    var target: String?

    @Option(
        help:
            "PEM file with the CA certificates that may sign an https target's certificate; default: the system's."
    )
    var targetCa: String?

    @Option(help: "bcrypt cost for the bench's own test users, 4 to 31. Default 4, the cheapest.")
    var bcryptCost: Int?
}

/// Something that breaks in the middle of each load.
struct FaultOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Breaks this in each load: \(PlannedStrike.possible.map(\.rawValue).joined(separator: ", ")).",
            valueName: "id"), completion: .list(PlannedStrike.possible.map(\.rawValue)))
    var fault: String?

    @Option(help: "Seconds from the begin of the measurement to the fault; default: a third of --duration.")
    var at: Double?

    @Option(
        name: .customLong("for"),
        help: "Seconds that the fault lasts; default 1, a fifth of --duration at most.")
    var lasts: Double?
}

/// What is written, and what decides the exit code.
struct OutputOptions: ParsableArguments {
    @Option(
        help: "Directory for the results; default results/<time>-<scenario>-<host>.", completion: .directory)
    var output: String?

    @Option(help: "JSON file: p95_ms, success_percent, noise_floor_percent; default: 100, 95, 2.")
    var thresholds: String?

    @Flag(help: "Print results.json on standard output, and nothing else there.")
    var json = false

    @Flag(help: "Print only the last table and the path of the report.")
    var quiet = false
}
