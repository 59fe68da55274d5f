#!/usr/bin/env python3
"""Counts what the pieces of a purchase cost in instructions and allocations, which other work on the machine does not
change, and fails where one costs more than its limit.

Pieces run in the program cost-bench, each with few and with many repetitions: the difference is the cost of one.
Instructions are those that valgrind counts. Allocations are calls of malloc and its relatives, counted by a library that
is preloaded. Whole purchases are sent to a lab-server by one buyer, one after the other, and their allocations counted.
A cost is planted in each, too, and has to be found. Allocations may pass their limit by 2 in 100,
where sales share commits by 4; instructions by 5, because the C library copies in another way on another processor.
"""
import argparse
import concurrent.futures
import json
import mmap
import os
import pathlib
import re
import struct
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "speed"))
from load import Connection, output  # noqa: E402
from shops import Failure, Shop  # noqa: E402

LIMITS = HERE / "limits.json"
TOLERANCE = {"allocations": 1.02, "instructions": 1.05}
# How many sales share a commit depends on the machine.
SHARED = {"record-together": 1.04}
# A limit that is passed from below by so much no longer guards what was reached.
SLACK = 0.9
# Repetitions, few and many.
PIECES = {"encode": (500, 2500), "decode": (500, 2500), "token": (100, 500), "known-token": (500, 2500),
          "json": (500, 2500), "record": (50, 250), "record-together": (250, 1250)}
# Pieces that use several threads: how often these wait and look again depends on the machine, their allocations do not.
THREADED = {"record", "record-together"}
STRATEGIES = ["lua-atomic", "combining", "setnx-notify"]
PURCHASES = 400
# Purchases before what is counted, in which caches fill.
WARM = 50


class Counter:
    """Allocations of the processes that run with `environment`, while they run and afterwards."""

    def __init__(self, folder):
        self.library = folder / "count_allocations.so"
        output(["cc", "-O2", "-shared", "-fPIC", "-o", self.library, HERE / "count_allocations.c"])
        path = folder / "count"
        path.write_bytes(bytes(8))
        self.file = open(path, "r+b")
        self.place = mmap.mmap(self.file.fileno(), 8)
        self.environment = {"LD_PRELOAD": str(self.library), "COUNT_ALLOCATIONS": str(path), **STEADY}

    def now(self):
        return struct.unpack("=Q", self.place[:])[0]


# Sets and dictionaries of Swift have the same order in each run.
STEADY = {"SWIFT_DETERMINISTIC_HASHING": "1"}


class Counting:
    def __init__(self, programs, folder):
        self.programs, self.folder, self.counter = programs, folder, Counter(folder)
        # valgrind of Debian 12 gives up at what this compiler writes for debuggers.
        self.bench = folder / "cost-bench"
        output(["strip", "-o", self.bench, programs / "cost-bench"])

    def words(self, piece, times):
        words = [self.bench, piece, times]
        if piece.removesuffix("+") in THREADED:
            place = self.folder / "ledger.sqlite"
            for ending in ("", "-wal", "-shm", ".lock"):
                pathlib.Path(f"{place}{ending}").unlink(missing_ok=True)
            words.append(place)
        return words

    def allocations(self, piece, times):
        before = self.counter.now()
        output(self.words(piece, times), env=dict(os.environ, **self.counter.environment))
        return self.counter.now() - before

    def instructions(self, piece, times):
        command = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
        done = subprocess.run([*command, *map(str, self.words(piece, times))], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, env=dict(os.environ, **STEADY))
        found = re.search(r"I\s+refs:\s+([\d,]+)", done.stderr)
        if done.returncode != 0 or not found:
            raise Failure(f"valgrind could not run cost-bench {piece}: {done.stderr[-1500:]}")
        return int(found.group(1).replace(",", ""))

    def piece(self, piece):
        """What one repetition costs, by kind; and what one costs with the planted cost."""
        few, many = PIECES[piece]
        runs = [(piece, few), (piece, many), (piece + "+", many)]
        counts = {"allocations": [self.allocations(*run) for run in runs]}
        if piece not in THREADED:
            # Not disturbed by each other, so they run at the same time.
            with concurrent.futures.ThreadPoolExecutor(len(runs)) as pool:
                counts["instructions"] = list(pool.map(lambda run: self.instructions(*run), runs))
        found = {kind: (large - small) / (many - few) for kind, (small, large, _) in counts.items()}
        planted = {kind: found[kind] + (more - large) / many for kind, (_, large, more) in counts.items()}
        return found, planted

    def purchase(self, strategy):
        """Allocations of a purchase in a lab-server, and of one with an idempotency key, which costs more."""
        shop = Shop(self.folder / "shop", "lab", self.programs / "lab-server", strategy, 1, self.counter.environment)
        try:
            buyer = Connection(shop, shop.tokens[0])
            found = []
            for key in (None, "key-of-purchase-"):
                for number in range(PURCHASES + WARM):
                    if number == WARM:
                        before = self.counter.now()
                    buyer.buy(None if key is None else key + str(number))
                found.append((self.counter.now() - before) / PURCHASES)
            buyer.close()
            shop.audit(2 * (PURCHASES + WARM), 0)
        finally:
            shop.stop()
        return found


def judge(name, kind, value, limits):
    """The state of one figure, and whether it is good."""
    limit = limits.get(name, {}).get(kind)
    if limit is None:
        return "no limit in limits.json", False
    if value > limit * SHARED.get(name, TOLERANCE[kind]):
        return f"above its limit by {value - limit:,.1f}", False
    if value < limit * SLACK:
        return "good, and far below its limit: --write lowers it", True
    return "good", True


def arguments(words):
    def refuse(message):
        print(f"check --cost: {message}; ./lab check --cost --help lists the options", file=sys.stderr)
        sys.exit(64)

    parser = argparse.ArgumentParser(prog="./lab check --cost", description=__doc__, allow_abbrev=False,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.error = refuse
    parser.add_argument("--write", action="store_true", help="make what is counted now the limits")
    parser.add_argument("--programs", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--only-options", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args(words)


def count(counting):
    """Figures by name and kind, and the same with a planted cost."""
    found, planted = {}, {}
    for piece in PIECES:
        found[piece], planted[piece] = counting.piece(piece)
        show(piece, found[piece])
    for strategy in STRATEGIES:
        name = f"purchase {strategy}"
        plain, keyed = counting.purchase(strategy)
        found[name], planted[name] = {"allocations": plain}, {"allocations": keyed}
        show(name, found[name])
    return found, planted


def show(name, figures):
    print(f"{name:<24} " + ", ".join(f"{value:,.1f} {kind}" for kind, value in figures.items()), flush=True)


def main():
    wish = arguments(sys.argv[1:])
    if wish.only_options:
        return 0
    with tempfile.TemporaryDirectory(prefix="cost-", dir=".") as folder:
        try:
            found, planted = count(Counting(wish.programs, pathlib.Path(folder).resolve()))
        except (Failure, OSError) as failure:
            print(f"check --cost: {failure}", file=sys.stderr)
            return 1
    if wish.write:
        rounded = {name: {kind: round(value, 1) for kind, value in figures.items()} for name, figures in found.items()}
        LIMITS.write_text(json.dumps(rounded, indent=1) + "\n")
    limits = json.loads(LIMITS.read_text())
    is_good = True
    for name, figures in found.items():
        for kind, value in figures.items():
            state, passes = judge(name, kind, value, limits)
            is_good = is_good and passes
            if state != "good":
                print(f"{name}: {value:,.1f} {kind}, limit {limits.get(name, {}).get(kind)}: {state}")
            if judge(name, kind, planted[name][kind], limits)[1]:
                print(f"{name}: a planted cost was not found: {planted[name][kind]:,.1f} {kind}")
                is_good = False
    for name in set(limits) - set(found):
        print(f"{name}: has a limit, and was not counted")
        is_good = False
    print("every cost is within its limit, and every planted one was found" if is_good else "NOT GOOD")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
