#!/usr/bin/env python3
"""Measures several servers on one PostgreSQL, and Redis clusters, on this machine; then says what more machines would bring.

Each round measures every shape once, with fresh servers and databases, in an order that turns back in every second round; the
tables have the medians. All parties share the machine's cores, so more servers bring little here; what they would bring on
machines of their own comes from a simulation with the measured demands, which is first held against what was measured. It ends with
0 when everything was measured or skipped by name, with 1 when something could not be measured, and with 130 when it was interrupted.
"""
import argparse
import datetime
import json
import os
import pathlib
import resource
import shutil
import signal
import statistics
import sys
import tempfile

from model import Demand, Simulation, scalability, shared_cost
from places import ClusterShop, Company, Failure, RedisNodes, postgres_programs

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "speed"))
import keep  # noqa: E402
import load  # noqa: E402

USAGE = 64
SERVERS = [1, 2, 4]
MASTERS = [1, 3]
BUYERS = 100
STRATEGIES = ["lua-atomic", "setnx-notify"]
MORE = [1, 2, 4, 8, 16]


class Parser(argparse.ArgumentParser):
    def error(self, message):
        print(f"scaling: {message}; ./lab scaling --help lists the options", file=sys.stderr)
        sys.exit(USAGE)


def whole(text):
    if not text.isdecimal() or not 1 <= int(text) <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 to 1000")
    return int(text)


def arguments(words):
    parser = Parser(prog="./lab scaling", allow_abbrev=False, description=__doc__,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=whole, default=3, metavar="N", help="default 3; fewer only to try")
    parser.add_argument("--seconds", type=whole, default=4, metavar="S", help="measured seconds of a shape; default 4")
    parser.add_argument("--output", type=pathlib.Path, metavar="FOLDER",
                        help="where the figures are kept; default: results/TIME-scaling-MACHINE")
    parser.add_argument("--again", type=pathlib.Path, metavar="FOLDER",
                        help="measure nothing: make the model and the tables of kept results again, in their folder")
    parser.add_argument("--programs", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--only-options", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args(words)


def company(wish, folder, strategy, servers):
    shop = Company(folder / "shop", wish.programs / "lab-server", strategy, servers, BUYERS)
    try:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        found = shop.measure(wish.seconds, BUYERS)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        # Of wrk, warm-up included.
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        found["load_us"] = spent / found["answered"] * 1e6 * wish.seconds / (wish.seconds + 1)
        return found
    finally:
        shop.stop()


def cluster(wish, folder, strategy, masters):
    nodes = RedisNodes(masters)
    try:
        shop = ClusterShop(folder / "shop", wish.programs / "lab-server", strategy, nodes, BUYERS)
        try:
            warm = load.wrk(shop, 1, BUYERS)
            before = nodes.processor_seconds()
            found = load.wrk(shop, wish.seconds, BUYERS)
            spent = [after - begin for begin, after in zip(before, nodes.processor_seconds())]
            shop.audit(found["answered"] + warm["answered"], 2 * BUYERS)
        finally:
            shop.stop()
        busiest = max(spent)
        return {"rate": found["rate"], "p99_ms": found["p99_ms"], "redis_us": sum(spent) / found["answered"] * 1e6,
                "busiest_us": busiest / found["answered"] * 1e6, "busiest_share": busiest / max(sum(spent), 1e-9)}
    finally:
        nodes.stop()


def shapes():
    for strategy in STRATEGIES:
        for count in SERVERS:
            yield ("servers", strategy, count)
    for strategy in ["sharded", "lua-atomic"]:
        for count in MASTERS:
            yield ("masters", strategy, count)


def lacking(kind):
    if not shutil.which("wrk"):
        return "wrk is not installed (apt-get install wrk)"
    if kind == "servers" and not (postgres_programs() and shutil.which("psql")):
        return "no PostgreSQL server is installed here (apt-get install postgresql)"
    return None


def medians(values):
    return {key: statistics.median(value[key] for value in values) for key in values[0]}


def demand(one, most):
    """Of what one server and the most servers were measured to take; those between are a check."""
    server, server_transaction = shared_cost(one, most, "server_us")
    postgres, postgres_transaction = shared_cost(one, most, "postgres_us")
    rows = one["rows_per_commit"]
    # With one server that always has sales waiting, one transaction follows the other.
    waited = rows / one["rate"] - (server_transaction + postgres_transaction + postgres * rows) / 1e6
    return Demand(load=one["load_us"] / 1e6, server=server / 1e6, redis=one["redis_us"] / 1e6, postgres=postgres / 1e6,
                  server_transaction=server_transaction / 1e6, postgres_transaction=postgres_transaction / 1e6,
                  commit=max(1e-4, waited))


def simulated(parts, cores):
    """Held against what was measured, then on machines of their own."""
    parameters = demand(parts[1], parts[max(SERVERS)])
    here = {count: Simulation(parameters, count, BUYERS, 1, shared=cores).run()["rate"] for count in SERVERS}
    alone = {products: {count: Simulation(parameters, count, BUYERS * count, products).run()["rate"] for count in MORE}
             for products in (1, 64, 10_000)}
    law = {products: scalability(list(rates.items())) for products, rates in alone.items()}
    return {"demand": vars(parameters), "here": here, "alone": alone, "law": law}


def table(head, rows):
    line = lambda cells: "| " + " | ".join(cells) + " |"  # noqa: E731
    return [line(head), line(["---"] + ["---:"] * (len(head) - 1))] + [line(row) for row in rows]


def text(found, models, facts):
    short = keep.short
    lines = ["# Several servers, and several masters", "", facts, ""]
    rows = []
    for (kind, strategy, count), value in found.items():
        if kind != "servers":
            continue
        one = found.get((kind, strategy, 1))
        rows.append([f"`{strategy}`, {count}", short(value["rate"]) + "/s",
                     f"{value['rate'] / one['rate']:.2f}" if one else "-", short(value["p50_ms"]), short(value["p99_ms"]),
                     short(value["rows_per_commit"])] +
                    [short(value[f"{party}_us"]) for party in ("load", "server", "redis", "postgres")])
    if rows:
        lines += ["## Servers on one PostgreSQL, all on this machine", "", *table(
            ["strategy, servers", "purchases", "÷ one", "p50 ms", "p99 ms", "rows a commit", "wrk µs", "server µs",
             "Redis µs", "PostgreSQL µs"], rows), "", "µs: processor time for each purchase.", ""]
    rows = [[f"`{strategy}`, {count}", short(value["rate"]) + "/s",
             f"{value['rate'] / found[(kind, strategy, 1)]['rate']:.2f}" if (kind, strategy, 1) in found else "-",
             short(value["redis_us"]), f"{value['busiest_share'] * 100:.0f} %", short(1e6 / max(value["busiest_us"], 1e-9)) + "/s"]
            for (kind, strategy, count), value in found.items() if kind == "masters"]
    if rows:
        lines += ["## Masters of a Redis Cluster below one server, all on this machine", "", *table(
            ["strategy, masters", "purchases", "÷ one", "Redis µs a purchase", "of it the busiest master",
             "where that one's core ends"], rows), ""]
    for strategy, model in models.items():
        own = {count: found[("servers", strategy, count)]["rate"] for count in model["here"]}
        lines += [f"## The model of `{strategy}`", "", "Demands in µs: " + ", ".join(
            f"{name.replace('_', ' of a ')} {value * 1e6:.0f}" for name, value in model["demand"].items()) +
            " (of a transaction, waiting).", "",
            *table(["servers on this machine", "measured", "simulated", "simulated ÷ measured"],
                   [[str(count), short(own[count]), short(rate), f"{rate / own[count]:.2f}"]
                    for count, rate in model["here"].items()]), "",
            *table(["servers of two cores each, PostgreSQL and Redis alone"] + [str(count) for count in MORE],
                   [[f"{products:,} product{'s' if products > 1 else ''}, simulated"] + [short(rates[count]) for count in MORE]
                    for products, rates in model["alone"].items()]), ""]
        for products, law in model["law"].items():
            best = f"highest at {law['best']:.0f} servers" if law["best"] else "only rises"
            lines.append(f"The law over the row of {products:,}: one server {short(law['per_server'])}/s, "
                         f"σ {law['contention']:.3f}, κ {law['coherency']:.5f}: {best}.")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def main():
    wish = arguments(sys.argv[1:])
    if wish.only_options:
        return 0
    if wish.again:
        return again(wish.again)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    begin = datetime.datetime.now(datetime.timezone.utc)
    singles, code = {}, 0
    folder = pathlib.Path(tempfile.mkdtemp(prefix="lab-scaling-"))
    try:
        wanted = []
        for shape in shapes():
            reason = lacking(shape[0])
            if reason:
                print(f"skipped: {shape[1]} with {shape[2]} {shape[0]}: {reason}", flush=True)
            else:
                wanted.append(shape)
        for number in range(wish.rounds):
            for shape in wanted if number % 2 == 0 else reversed(wanted):
                kind, strategy, count = shape
                try:
                    value = (company if kind == "servers" else cluster)(wish, folder, strategy, count)
                except Failure as failure:
                    print(f"round {number + 1}: {strategy}, {count} {kind}: {failure}", flush=True)
                    code = 1
                    continue
                print(f"round {number + 1}: {strategy}, {count} {kind}: " + ", ".join(
                    f"{key} {keep.short(each)}" for key, each in value.items()), flush=True)
                singles.setdefault(shape, []).append(value)
    except KeyboardInterrupt:
        code = 130
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    conditions = dict(keep.conditions(wish, begin, "./lab scaling"), load_after=os.getloadavg()[0])
    if not singles:
        return code or 1
    stamp = conditions["started"].replace(":", "").removesuffix("Z")
    place = wish.output or pathlib.Path("results") / f"{stamp}-scaling-{conditions['machine']['host']}"
    place.mkdir(parents=True, exist_ok=True)
    write(place, conditions, {shape: singles[shape] for shape in wanted if shape in singles})
    return code


def again(place):
    """The model and the tables of kept results."""
    try:
        kept = json.loads((place / "scaling.json").read_text())
        singles = {(shape["kind"], shape["strategy"], shape["count"]): shape["rounds"] for shape in kept.pop("shapes")}
    except (OSError, ValueError, KeyError) as error:
        print(f"scaling: {place} has no scaling.json of this program: {error}", file=sys.stderr)
        return USAGE
    kept.pop("models", None)
    write(place, kept, singles)
    return 0


def write(place, conditions, singles):
    found = {shape: medians(values) for shape, values in singles.items()}
    models = {}
    # A lock is serial by itself; what ends a strategy without one are the ledger and the processors.
    for strategy in STRATEGIES[:1]:
        parts = {count: found[("servers", strategy, count)] for count in SERVERS if ("servers", strategy, count) in found}
        if len(parts) == len(SERVERS):
            models[strategy] = simulated(parts, conditions["machine"]["cores"])
    machine = conditions["machine"]
    facts = (f"`{conditions['command']}`, commit {conditions['commit'][:12]}{' with changes' if conditions['has_changes'] else ''}: "
             f"{conditions['rounds']} rounds of {conditions['seconds']} s, {BUYERS} buyers, on {machine['host']}: "
             f"{machine['cores']} cores of {machine['cpu']}, {machine['memory_mib']} MiB, {machine['os']}, Linux {machine['kernel']}; "
             f"load before: {machine['load_before']:.2f}, at its end, its own included: {conditions['load_after']:.2f}. "
             "Medians of the rounds.")
    written = text(found, models, facts)
    (place / "SCALING.md").write_text(written)
    (place / "scaling.json").write_text(json.dumps({
        **conditions, "buyers": BUYERS,
        "shapes": [{"kind": kind, "strategy": strategy, "count": count, "rounds": values}
                   for (kind, strategy, count), values in singles.items()],
        "models": models}, indent=1) + "\n")
    print("\n" + written + f"kept in {place}")


if __name__ == "__main__":
    sys.exit(main())
