"""The documented runs of lab-bench: every option of run and compare at least once, and the pairs that people combine.

Each run is a name, its arguments and whether CI takes it. Words in braces are filled in by run.py:
{target} URL of a lab-server that runs, {targets} the same over HTTPS, {authorities} the file that it is trusted by,
{redis} URL of a Redis that runs, {server} the lab-server that was built, {copy} its copy, {half} the same server with a
ledger that writes one row a commit, {driver} the driver of docs/DRIVERS.md, {base} and {new} results of earlier runs, {tmp} a folder that is removed.
"""

SHORT = ["--duration", "1.5", "--warmup", "0.4", "--rounds", "1", "--no-ceilings"]
FAST = ["--strategies", "lua-atomic,combining"]
TWO = ["--strategies", "setnx-notify,lua-atomic"]


class Run:
    def __init__(self, name, arguments, ci=False, expected=0):
        self.name = name
        self.arguments = arguments
        self.ci = ci
        self.expected = expected


def run(name, *arguments, ci=False):
    return Run(name, ["run", *arguments], ci)


def compare(name, *arguments, ci=False, expected=0):
    return Run(name, ["compare", *arguments], ci, expected)


# The runs that ended invalid, one by one (issue 14).
TABLE = [
    run("journey", "--scenario", "journey", "--strategies", "lua-atomic", *SHORT, ci=True),
    run("fast", *FAST, *SHORT, ci=True),
    run("two", *TWO, *SHORT),
    run("direct", "--mode", "direct", *TWO, *SHORT, ci=True),
    run("products", "--products", "100", "--skew", "1", *TWO, *SHORT),
    run("poisson", "--model", "poisson", "--rate", "2000", *FAST, *SHORT),
    run("sweep-rate", "--sweep", "rate", "--strategies", "lua-atomic", "--duration", "1.5", "--warmup", "0.4",
        "--no-ceilings", ci=True),
    run("users-1000", "--users", "1000", "--model", "closed", *TWO, *SHORT, ci=True),
    run("users-5000", "--users", "5000", "--model", "closed", *TWO, "--duration", "3", "--warmup", "2",
        "--rounds", "1", "--no-ceilings"),
    run("target", "--target", "{target}", *SHORT, ci=True),
]

REST = [
    run("journey-poisson", "--scenario", "journey", "--model", "poisson", "--rate", "100", *FAST, *SHORT),
    run("journey-constant", "--scenario", "journey", "--model", "constant", "--rate", "100", *FAST, *SHORT),
    run("journey-closed", "--scenario", "journey", "--model", "closed", "--bcrypt-cost", "5", *TWO, *SHORT),
    run("journey-products", "--scenario", "journey", "--products", "5", "--skew", "0", *FAST, *SHORT),
    run("journey-target", "--scenario", "journey", "--target", "{target}", *SHORT),
    run("modes", "--mode", "all", *TWO, *SHORT, ci=True),
    run("strategy", "--mode", "strategy", "--model", "closed", *TWO, *SHORT, ci=True),
    run("driver", "--mode", "strategy", "--model", "closed", "--driver", "page=python3 {driver}", "--strategies",
        "setnx-spin", *SHORT, ci=True),
    run("driver-direct", "--mode", "direct", "--model", "closed", "--driver", "page=python3 {driver}", "--strategies",
        "setnx-spin", *SHORT),
    run("strategy-poisson", "--mode", "strategy", "--model", "poisson", "--rate", "500", *TWO, *SHORT),
    run("direct-closed", "--mode", "direct", "--model", "closed", *FAST, *SHORT),
    run("direct-poisson", "--mode", "direct", "--model", "poisson", "--rate", "500", *TWO, *SHORT),
    run("direct-constant", "--mode", "direct", "--model", "constant", "--rate", "500", *FAST, *SHORT),
    run("direct-products", "--mode", "direct", "--products", "10", *TWO, *SHORT),
    run("direct-sweep", "--mode", "direct", "--sweep", "users", "--strategies", "lua-atomic", "--duration", "1",
        "--warmup", "0.3", "--no-ceilings"),
    run("sweep-users", "--sweep", "users", "--strategies", "setnx-notify", "--duration", "1", "--warmup", "0.3",
        "--no-ceilings"),
    run("sweep-named-rate", "--sweep", "rate", "--rate", "800", "--strategies", "lua-atomic", "--duration", "1",
        "--warmup", "0.3", "--no-ceilings"),
    run("fault", "--fault", "pause-redis", "--at", "1", "--for", "0.5", "--model", "closed", *TWO, "--duration", "3",
        "--warmup", "0.4", "--rounds", "1", ci=True),
    run("fault-servers", "--servers", "2", "--fault", "pause-buyer", "--at", "1", "--for", "0.5", "--model", "closed",
        *TWO, "--duration", "3", "--warmup", "0.4", "--rounds", "1", ci=True),
    run("fault-postgres", "--database", "postgres", "--fault", "pause-postgres", "--at", "1", "--for", "0.5", "--model",
        "closed", *TWO, "--duration", "3", "--warmup", "0.4", "--rounds", "1"),
    run("users-1", "--users", "1", *TWO, *SHORT),
    run("users-100", "--users", "100", "--model", "both", "--rate", "300", *TWO, *SHORT),
    run("constant", "--model", "constant", "--rate", "1000", *FAST, *SHORT),
    run("all", "--quick"),
    run("ceilings", *FAST, "--duration", "1", "--warmup", "0.3", "--rounds", "1", "--model", "closed"),
    run("rounds", *FAST, "--duration", "1", "--warmup", "0.3", "--rounds", "4", "--open-rounds", "2",
        "--no-ceilings", "--seed", "7", "--stock", "1000000"),
    run("servers", "--servers", "2", *TWO, *SHORT, ci=True),
    run("postgres", "--database", "postgres", "--scenario", "journey", "--model", "closed", *FAST, *SHORT),
    run("postgres-locks", "--database", "postgres", "--mode", "strategy", "--strategies", "pg-advisory,setnx-notify",
        "--model", "closed", *SHORT),
    run("postgres-direct", "--database", "postgres", "--mode", "direct", "--strategies", "pg-advisory,sql-row",
        "--model", "closed", *SHORT),
    run("redis", "--redis", "{redis}", "--model", "closed", *FAST, *SHORT),
    run("target-https", "--target", "{targets}", "--target-ca", "{authorities}", *SHORT),
    run("server-binary", "--server-binary", "{copy}", "--mode", "http", "--model", "closed", *FAST, *SHORT),
    run("schedule-out", "--schedule-out", "{tmp}/schedule.json", "--model", "poisson", "--rate", "400", *FAST,
        *SHORT, ci=True),
    run("schedule-in", "--schedule-in", "{tmp}/schedule.json", *FAST, *SHORT, ci=True),
    run("json", "--json", "--model", "closed", *FAST, *SHORT),
    run("quiet", "--quiet", "--scenario", "purchase", "--model", "closed", *FAST, *SHORT),
    run("thresholds", "--thresholds", "{tmp}/thresholds.json", "--model", "closed", *FAST, *SHORT),
    run("base", *FAST, "--model", "closed", "--duration", "1", "--warmup", "0.3", "--rounds", "6",
        "--no-ceilings", "--output", "{base}", ci=True),
    compare("compare-itself", "{base}", "{base}", "--markdown", "{tmp}/summary.md", "--html", "{tmp}/comparison.html", "--bmf", "{tmp}/bmf.json",
            "--thresholds", "{tmp}/wide.json", ci=True),
    compare("compare-json", "{base}", "{base}", "--json"),
    compare("compare-quiet", "{base}", "{base}", "--quiet"),
    compare("paired-rate", "--paired", "{server}", "{copy}", "--strategies", "setnx-notify", "--users", "20",
            "--duration", "1", "--warmup", "0.3", "--rounds", "5", "--rate", "200", "--seed", "3", "--output",
            "{tmp}/paired-rate", "--thresholds", "{tmp}/wide.json"),
    compare("paired-until", "--paired", "{server}", "{copy}", "--strategies", "lua-atomic", "--duration", "0.7", "--warmup",
            "0.3", "--rounds", "4", "--until", "25", "--most-rounds", "12", "--seed", "3", "--output",
            "{tmp}/paired-until", "--thresholds", "{tmp}/wide.json"),
]

# Beside a load too: a server and its copy, and a server half as fast.
PAIRED = ["--strategies", "lua-atomic", "--duration", "1.5", "--warmup", "0.3", "--rounds", "7", "--thresholds",
          "{tmp}/wide.json"]
COMPARED = [
    compare("paired-copy", "--paired", "{server}", "{copy}", *PAIRED, "--output", "{tmp}/paired-copy", ci=True),
    compare("paired-half", "--paired", "{server}", "{half}", *PAIRED, "--output", "{tmp}/paired-half", expected=2),
]

RUNS = TABLE + REST + COMPARED

# What thresholds the runs above are given.
FILES = {
    "thresholds.json": '{"schema_version": "1.0", "p95_ms": 10000, "success_percent": 1}\n',
    "wide.json": '{"schema_version": "1.0", "regression_percent": 30, "noise_floor_percent": 10, '
                 '"unresolved_percent": 60}\n',
}
