"""The rows of the table: which trials each one needs, and what it makes of them.

A trial is a name of `Trials.run`; a row takes values of trials of the same round, one ratio for each round."""
import importlib.util
import pathlib
import shutil
from dataclasses import dataclass

import load
from shops import Failure, Redis, Shop, statuses

HERE = pathlib.Path(__file__).resolve().parent
# Round trips, one after the other, in which the lock changes hands within one process: docs/strategies/setnx-notify.md.
HANDOVER_TRIPS = 1
# What the Go server calls the strategies that it has.
IN_GO = {"lua-atomic": "lua", "setnx-notify": "backoff", "redlock": "redlock"}
LONGER = 10


def ledger_script():
    """The script of ./lab check --ledger, whose trials are used here too."""
    place = HERE.parent / "InventoryServiceTests/LedgerSQLite/speed/run.py"
    spec = importlib.util.spec_from_file_location("ledger_speed", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass
class Aim:
    """One comparison of a row. `peer` is None where the value stands for itself."""
    what: str
    mine: tuple
    peer: tuple | None
    least: float | None = None
    most: float | None = None
    unit: str = "/s"
    # The peer's value is multiplied by it.
    factor: float = 1

    @property
    def trials(self):
        return [part[0] for part in (self.mine, self.peer) if part]

    def ratio(self, trials):
        mine = trials[self.mine[0]][self.mine[1]]
        if self.peer is None:
            return mine
        return mine / (trials[self.peer[0]][self.peer[1]] * self.factor)

    def state(self, value):
        if self.least is not None and value < self.least:
            return f"missed: {value / self.least:.2f} of the aim"
        if self.most is not None and value > self.most:
            return f"missed: {value / self.most:.2f} times the aim"
        return "met" if self.has_limit else "no aim: it says what a part takes"

    @property
    def has_limit(self):
        return self.least is not None or self.most is not None

    def text(self):
        if not self.has_limit:
            return "-"
        limit = f"≥ {self.least:g}" if self.least is not None else f"≤ {self.most:g}"
        return limit + (" " + self.unit if self.peer is None else "")


@dataclass
class Row:
    name: str
    title: str
    aims: list


def http(strategy, least, *more):
    name = IN_GO.get(strategy, "lua")
    mine, go = f"http {strategy}", f"go {name}"
    return Row(f"{strategy}-http", f"`{strategy}` over HTTP ÷ the Go server's {name}",
               [Aim("purchases", (mine, "rate"), (go, "rate"), least=least)]
               + [Aim(text, (mine, key), (go, key), most=most, unit="ms") for text, key, most in more])


def crowd(name, strategy, least):
    return Row(name, f"`{strategy}`: 1,000 users ÷ 100 users",
               [Aim("purchases", (f"crowd {strategy}", "rate"), (f"http {strategy}", "rate"), least=least)])


ROWS = [
    http("lua-atomic", 1.5),
    http("combining", 1.5),
    http("setnx-notify", 3, ("p99", "p99_ms", 0.1)),
    http("redlock", 1.5),
    Row("bare-route", "bare route ÷ a Hummingbird server that answers two bytes",
        [Aim("requests", ("bare own", "rate"), ("bare hummingbird", "rate"), least=0.95)]),
    Row("own-bare-route", "`lua-atomic` over HTTP ÷ own bare route",
        [Aim("requests", ("http lua-atomic", "rate"), ("bare own", "rate"), least=0.5)]),
    Row("ledger", "ledger alone ÷ SQLite alone from C",
        [Aim("rows", ("ledger now", "rate"), ("ledger raw", "rate"), least=0.7)]),
    Row("ledger-before", "ledger alone ÷ the ledger of `--against`",
        [Aim("rows", ("ledger now", "rate"), ("ledger before", "rate"), least=2)]),
    Row("postgres", "`lua-atomic` over HTTP, ledger on PostgreSQL ÷ on SQLite",
        [Aim("purchases", ("ledger-on postgres", "rate"), ("ledger-on sqlite", "rate"), least=0.5)]),
    Row("lua-atomic-strategy", "`lua-atomic`, strategy mode, 100 tasks ÷ redis-benchmark -c 100 -P 50",
        [Aim("purchases", ("strategy lua-atomic", "rate"), ("redis-benchmark script", "rate"), least=0.5)]),
    Row("combining-strategy", "`combining`, strategy mode, 100 tasks ÷ redis-benchmark -c 100 -P 50",
        [Aim("purchases", ("strategy combining", "rate"), ("redis-benchmark script", "rate"), least=1)]),
    Row("setnx-notify-strategy",
        f"`setnx-notify`, strategy mode ÷ the serial bound of its {HANDOVER_TRIPS} round trip",
        [Aim("purchases", ("strategy setnx-notify", "rate"), ("redis-benchmark round-trips", "rate"), least=0.8,
             factor=1 / HANDOVER_TRIPS)]),
    Row("quiet-cpu", "processor time of a purchase at 300/s, `lua-atomic`, server alone",
        [Aim("alone", ("quiet own", "cpu_ms"), None, most=0.4, unit="ms"),
         Aim("÷ the Go server", ("quiet own", "cpu_ms"), ("quiet go", "cpu_ms"), most=1, unit="ms"),
         Aim("÷ a bare request to Hummingbird", ("quiet own", "cpu_ms"), ("quiet hummingbird", "cpu_ms"), unit="ms")]),
    crowd("crowd-lock-free", "lua-atomic", 0.9),
    crowd("crowd-lock", "setnx-notify", 0.7),
    Row("server-memory", "memory of lab-server with 1,000 busy connections",
        [Aim("peak", ("crowd lua-atomic", "server_peak_mb"), None, most=100, unit="MB")]),
    Row("bench-memory", f"memory of lab-bench over {LONGER} times the length",
        [Aim("peak", ("bench long", "peak_mb"), ("bench short", "peak_mb"), most=1.15, unit="MB")]),
]


class Trials:
    """Runs a trial by its name, each in servers and files of its own."""

    def __init__(self, programs, go, folder, seconds, against=None):
        self.programs, self.go_program, self.folder = programs, go, folder
        self.seconds, self.against, self.bases = seconds, against, {}
        self.check_ledger = ledger_script()
        self.kinds = {
            "http": lambda strategy: self.sell("lab", strategy),
            "go": lambda strategy: self.sell("go", strategy),
            "crowd": lambda strategy: self.sell("lab", strategy, 1000),
            "bare": self.bare, "quiet": self.quiet,
            "strategy": lambda strategy: self.bench(
                strategy, self.seconds, "--mode", "strategy", "--users", 100, "--warmup", 1),
            "bench": self.memory,
            "ledger-on": lambda engine: self.bench(
                "lua-atomic", self.seconds, "--users", 100, "--warmup", 1, "--database", engine),
            "redis-benchmark": self.redis_benchmark,
            "ledger": self.ledger,
        }

    def run(self, name):
        kind, _, which = name.partition(" ")
        return self.kinds[kind](which)

    def with_shop(self, kind, strategy, buyers, measure, *more):
        program = {"lab": self.programs / "lab-server", "go": self.go_program, "bare": self.programs / "bare-server"}
        shop = Shop(self.folder / "shop", kind, program[kind], strategy, buyers)
        try:
            return measure(shop, self.seconds, *more)
        finally:
            shop.stop()

    def sell(self, kind, strategy, users=100):
        return self.with_shop(kind, strategy, users, load.selling, users)

    def bare(self, which):
        kind = {"own": "lab", "go": "go", "hummingbird": "bare"}[which]
        return self.with_shop(kind, "lua" if which == "go" else "lua-atomic", 1, load.bare)

    def quiet(self, which):
        if which == "hummingbird":
            return self.with_shop("bare", None, 1, lambda shop, seconds: load.quiet(shop, seconds, buys=False))
        kind, strategy = {"own": ("lab", "lua-atomic"), "go": ("go", "lua")}[which]
        return self.with_shop(kind, strategy, 100, load.quiet)

    def redis_benchmark(self, which):
        redis = Redis()
        try:
            return (load.scripted if which == "script" else load.round_trips)(redis, self.seconds)
        finally:
            redis.stop()

    def bench(self, strategy, seconds, *options):
        place = self.folder / "bench"
        shutil.rmtree(place, ignore_errors=True)
        return load.bench(self.programs / "lab-bench", strategy, seconds, place, *options)

    def memory(self, which):
        seconds = self.seconds * (LONGER if which == "long" else 1)
        return self.bench("lua-atomic", seconds, "--users", 50, "--warmup", 0)

    def ledger(self, which):
        """A trial of ./lab check --ledger: 1,000 users, 300 writers, 100 rows a commit, 200,000 rows before."""
        maker = self.against if which == "before" else self.programs
        if maker not in self.bases:
            place = self.folder / f"ledger-{len(self.bases)}.base"
            load.output([maker / "ledger-bench", "make", place, 200_000, 1000])
            self.bases[maker] = place
        if which == "raw":
            words = [maker / "raw-ledger", [], str(self.seconds), "100", "0"]
        else:
            words = [maker / "ledger-bench", ["sell"], str(self.seconds), "300", "100", "0"]
        found = self.check_ledger.Contestant(which, words, self.bases[maker])
        try:
            found.run(self.folder / "sold.sqlite")
        except SystemExit as ended:
            raise Failure(str(ended)) from ended
        return {"rate": found.measured[0][0], "cpu_us": found.measured[0][2]}

    def same_duty(self):
        """Both servers answer the same requests with the same statuses, or nothing is compared."""
        own, go = (self.with_shop(kind, strategy, 1, lambda shop, _: statuses(shop))
                   for kind, strategy in (("lab", "lua-atomic"), ("go", "lua")))
        wrong = [f"{what}: {mine}, the Go server {theirs}" for (what, mine), (_, theirs) in zip(own, go)
                 if mine != theirs]
        if wrong:
            raise Failure("the Go server answers otherwise: " + "; ".join(wrong))
        return len(own)


def needs(trial):
    """What a machine may lack for the trial: a word of `run.py`'s `missing`."""
    kind, _, which = trial.partition(" ")
    found = {"http": ["wrk"], "go": ["wrk", "go"], "crowd": ["wrk"], "bare": ["wrk"],
             "redis-benchmark": ["redis-benchmark"]}.get(kind, [])
    if trial == "ledger-on postgres":
        found = ["postgres"]
    if which == "go":
        found = [*found, "go"]
    return [*found, "--against"] if trial == "ledger before" else found
