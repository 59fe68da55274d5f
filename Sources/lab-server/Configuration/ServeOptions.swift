import ArgumentParser

/// The flags of `serve`, as typed.
struct ServeOptions: ParsableArguments {
    @Option(help: "Address to listen on.")
    var host = "127.0.0.1"

    @Option(help: "Port to listen on; 0 picks a free one.")
    var port = 8080

    @Option(
        help: ArgumentHelp(
            "Redis URLs (redis, rediss, redis+unix, redis+sentinel, redis+cluster): the first holds the "
                + "stock, the others are the lock nodes of redlock. "
                + "Without it the server starts a redis-server of its own beside the database.",
            valueName: "url,url…"))
    var redis: String?

    @Option(help: ArgumentHelp("Where the ledger is.", valueName: "sqlite:path"))
    var database = "sqlite:" + ServePlan.defaultDatabasePath

    @Option(help: "How buyers are kept apart.")
    var strategy = "lua-atomic"

    @Flag(help: "For development: a random token secret when none is given, and cheap password hashes.")
    var dev = false

    @Option(help: "File that holds the token secret (else LAB_JWT_SECRET): at least 32 bytes.")
    var jwtSecretFile: String?

    @Option(help: "Rounds of bcrypt as a power of two, 10 to 16; with --dev from 4 on. [default: 12]")
    var bcryptCost: Int?

    @Option(name: .customLong("purchase-deadline-ms"), help: "How long a buyer waits for the lock.")
    var purchaseDeadline = 5000

    @Option(help: "trace, debug, info, notice, warning, error or critical.")
    var logLevel = "notice"
}
