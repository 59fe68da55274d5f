#!/usr/bin/env python3
"""Measures the ledger alone against SQLite alone, and against the ledger of another commit.

    run.py PROGRAMS [--rounds N] [--seconds S] [--users U] [--rows R] [--writers W] [--batch B] [--keys]
           [--against PROGRAMS] [--folder FOLDER]

PROGRAMS is a folder with `ledger-bench` and `raw-ledger`, built for release. Each round runs every program once, in an
order that turns with the round, each in a fresh copy of a ledger with R purchases by U users. Prints rows per second,
the medians and their ratios; a ratio is for a reader to judge, so the exit code says only that all was measured.
FOLDER should be on the disk that is to be measured. Default: a new one in the current folder.
"""
import argparse
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile


def arguments():
    parser = argparse.ArgumentParser(prog="check --ledger", description=__doc__.split("\n\n")[0])
    parser.add_argument("programs", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--users", type=int, default=1000)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--writers", type=int, default=300)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--keys", action="store_true", help="sales carry an idempotency key")
    parser.add_argument("--against", type=pathlib.Path, help="programs of another commit")
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("."))
    return parser.parse_args()


def output(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"check --ledger: {command[0]} ended with {done.returncode}")
    return done.stdout


class Contestant:
    def __init__(self, name, words, base):
        self.name, self.words, self.base, self.measured = name, words, base, []

    def run(self, place):
        for ending in ("", "-wal", "-shm", ".lock"):
            pathlib.Path(f"{place}{ending}").unlink(missing_ok=True)
        shutil.copyfile(self.base, place)
        program, kind, *rest = self.words
        self.measured.append([int(word) for word in output([program, *kind, str(place), *rest]).split()])

    def median(self, column=0):
        return statistics.median(run[column] for run in self.measured)


def contestants(wish, folder):
    key = str(int(wish.keys))
    selling = [str(wish.seconds), str(wish.writers), str(wish.batch), key]
    raw = [str(wish.seconds), str(wish.batch), key]

    def base(name, programs):
        place = folder / f"{name}.base"
        output([programs / "ledger-bench", "make", str(place), str(wish.rows), str(wish.users)])
        return place

    mine = base("ledger", wish.programs)
    found = [
        Contestant("ledger", [wish.programs / "ledger-bench", ["sell"], *selling], mine),
        Contestant("SQLite alone", [wish.programs / "raw-ledger", [], *raw], mine),
        Contestant("SQLite alone, each", [wish.programs / "raw-ledger", [], *raw, "each"], mine),
    ]
    if wish.against:
        other = base("against", wish.against)
        found.append(
            Contestant("ledger, against", [wish.against / "ledger-bench", ["sell"], *selling], other))
    return found


def main():
    wish = arguments()
    with tempfile.TemporaryDirectory(prefix="ledger-speed-", dir=wish.folder) as name:
        folder = pathlib.Path(name)
        found = contestants(wish, folder)
        for round_number in range(wish.rounds):
            turn = round_number % len(found)
            for contestant in found[turn:] + found[:turn]:
                contestant.run(folder / "sold.sqlite")
            print(f"round {round_number + 1}: " + ", ".join(
                f"{each.name} {each.measured[-1][0]:,}" for each in found), flush=True)
    print(f"\n{'median of ' + str(wish.rounds):<20} {'rows/s':>9} {'rows/commit':>12} {'µs of CPU/row':>14}")
    for each in found:
        print(f"{each.name:<20} {each.median():>9,.0f} {each.median(1):>12.0f} {each.median(2):>14.0f}")
    for other in found[1:]:
        ratios = [mine[0] / theirs[0] for mine, theirs in zip(found[0].measured, other.measured)]
        print(f"ledger ÷ {other.name}: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()
