#!/usr/bin/env python3
"""Measures how fast the lab is, beside what it is to be compared with: the same minute, the same machine.

Each round runs every trial once, servers and databases fresh each time, in an order that turns back in every second
round. A ratio is taken within a round; the table has the median of the rounds and their range. The aims are those of
docs/PERFORMANCE.md. A missed aim is marked and is no failure of this program: it ends with 0 when everything was
measured or skipped by name, with 1 when something could not be measured, and with 130 when it was interrupted.
"""
import argparse
import datetime
import pathlib
import shutil
import signal
import sys
import tempfile

import keep
from rows import LONGER, ROWS, Trials, needs
from shops import Failure

USAGE = 64


class Parser(argparse.ArgumentParser):
    def error(self, message):
        print(f"speed: {message}; ./lab speed --help lists the options", file=sys.stderr)
        sys.exit(USAGE)


def whole(text):
    if not text.isdecimal() or not 1 <= int(text) <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 to 1000")
    return int(text)


def chosen(text):
    names = [row.name for row in ROWS]
    wanted = text.split(",")
    unknown = [name for name in wanted if name not in names]
    if unknown:
        raise argparse.ArgumentTypeError(f"there is no row {unknown[0]!r}; the rows are {', '.join(names)}")
    return [row for row in ROWS if row.name in wanted]


def programs_of(text):
    place = pathlib.Path(text)
    if not (place / "ledger-bench").is_file():
        raise argparse.ArgumentTypeError(f"{text} has no program ledger-bench")
    return place


def arguments(words):
    parser = Parser(prog="./lab speed", allow_abbrev=False, description=__doc__,
                    formatter_class=argparse.RawDescriptionHelpFormatter,
                    epilog="rows:\n" + "\n".join(f"  {row.name:<22} {row.title.replace('`', '')}" for row in ROWS))
    parser.add_argument("--rows", type=chosen, default=ROWS, metavar="NAME,…", help="only these rows of the table")
    parser.add_argument("--rounds", type=whole, default=5, metavar="N", help="default 5; fewer only to try")
    parser.add_argument("--seconds", type=whole, default=5, metavar="S", help="measured seconds of a trial; default 5")
    parser.add_argument("--against", type=programs_of, metavar="FOLDER",
                        help="release programs of another commit, for the row ledger-before")
    parser.add_argument("--output", type=pathlib.Path, metavar="FOLDER",
                        help="where the figures are kept; default: results/TIME-speed-MACHINE")
    # Of the script ./lab: where its programs are, and whether only the options are to be looked at.
    parser.add_argument("--programs", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--go", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--only-options", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args(words)


def missing(wish):
    """What this machine lacks, and what to do about it."""
    found = {}
    if not shutil.which("wrk"):
        found["wrk"] = "wrk is not installed (apt-get install wrk)"
    if not shutil.which("redis-benchmark"):
        found["redis-benchmark"] = "redis-benchmark is not installed (apt-get install redis-tools)"
    if not (shutil.which("initdb") or list(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"))):
        found["postgres"] = "no PostgreSQL server is installed here (apt-get install postgresql)"
    if not wish.go:
        found["go"] = "Go or one of its packages is not installed (Tests/peers/go/README.md names them)"
    if not wish.against:
        found["--against"] = "no programs of another commit were given (--against FOLDER)"
    return found


def lacking(trial, lacks):
    return next((lacks[need] for need in needs(trial) if need in lacks), None)


def measure(wish, lacks, folder, found, failures):
    """Fills `found`: trial → one value a round, None where it failed; and `failures`: trial → why."""
    names = list(dict.fromkeys(
        name for row in wish.rows for aim in row.aims if not any(lacking(part, lacks) for part in aim.trials)
        for name in aim.trials))
    each = wish.seconds + 4
    length = sum(each + (wish.seconds * (LONGER - 1) if name == "bench long" else 0) for name in names) * wish.rounds
    print(f"{len(names)} trials, {wish.rounds} × each, about {max(1, round(length / 60))} min", flush=True)
    trials = Trials(wish.programs, wish.go, folder, wish.seconds, wish.against)
    if any("go" in needs(name) for name in names):
        count = trials.same_duty()
        print(f"lab-server and the Go server answer {count} requests with the same statuses", flush=True)
    for number in range(wish.rounds):
        for name in names if number % 2 == 0 else reversed(names):
            try:
                value = trials.run(name)
            except Failure as failure:
                value = None
                failures.setdefault(name, str(failure))
                print(f"round {number + 1}: {name}: {failure}", flush=True)
            else:
                print(f"round {number + 1}: {name}: " + ", ".join(
                    f"{key} {keep.short(number)}" for key, number in value.items()), flush=True)
            found.setdefault(name, []).append(value)


def main():
    wish = arguments(sys.argv[1:])
    if wish.only_options:
        return 0
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    lacks, found, failures, code = missing(wish), {}, {}, 0
    begin = datetime.datetime.now(datetime.timezone.utc)
    conditions = keep.conditions(wish, begin)
    # On the disk that is measured, so beside the results and not in a file system in memory.
    with tempfile.TemporaryDirectory(prefix="speed-", dir=".") as folder:
        try:
            measure(wish, lacks, pathlib.Path(folder).resolve(), found, failures)
        except Failure as failure:
            print(f"speed: {failure}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            code = 130
    table = [keep.judged(row, aim, found, failures, lambda trial: lacking(trial, lacks))
             for row in wish.rows for aim in row.aims]
    print("\n" + keep.text(table))
    place = keep.write(wish, conditions, table, found, is_complete=code == 0)
    print(f"kept in {place}")
    return code or (1 if any(line["state"].startswith("not measured") for line in table) else 0)


if __name__ == "__main__":
    sys.exit(main())
