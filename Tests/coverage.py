"""Which part of the lines the tests ran: a row for each target under Sources, from the JSON of `llvm-cov export`.

    coverage.py [--judge] [--sources DIR] FILE

With --judge it ends with 1 when less than 90 % of all lines ran, or less than 95 % of InventoryService or of
LockStrategies. It ends with 2 when the file has no lines of a target that has Swift files, for then it measures less
than it says.
"""

import argparse
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
OVER_ALL = 90.0
OF_TARGET = {"InventoryService": 95.0, "LockStrategies": 95.0}


def lines_by_target(report, sources):
    """Lines and lines that ran, by the target's folder."""
    targets = {}
    for data in report["data"]:
        for file in data["files"]:
            path = pathlib.PurePath(file["filename"])
            if not path.is_relative_to(sources):
                continue
            name = path.relative_to(sources).parts[0]
            lines, ran = targets.get(name, (0, 0))
            found = file["summary"]["lines"]
            targets[name] = (lines + found["count"], ran + found["covered"])
    return targets


def percent(lines, ran):
    return 100 * ran / lines


def table(targets):
    total = tuple(map(sum, zip(*targets.values())))
    rows = [(name, *targets[name]) for name in sorted(targets)] + [("all targets", *total)]
    width = max(len(name) for name, _, _ in rows)
    yield f"{'target':<{width}}  {'lines':>7}  {'ran':>7}  {'%':>5}"
    for name, lines, ran in rows:
        yield f"{name:<{width}}  {lines:>7,}  {ran:>7,}  {percent(lines, ran):>5.1f}"


def shortcomings(targets):
    lines, ran = (sum(column) for column in zip(*targets.values()))
    if percent(lines, ran) < OVER_ALL:
        yield f"coverage: {percent(lines, ran):.2f} % of all lines ran, less than {OVER_ALL:.0f} %"
    for name, wanted in OF_TARGET.items():
        if percent(*targets[name]) < wanted:
            yield f"coverage: {percent(*targets[name]):.2f} % of {name} ran, less than {wanted:.0f} %"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--judge", action="store_true", help="end with 1 below the limits")
    parser.add_argument("--sources", type=pathlib.Path, default=ROOT / "Sources", help="the folder of the targets")
    parser.add_argument("file", type=pathlib.Path)
    options = parser.parse_args()
    sources = options.sources.resolve()
    targets = lines_by_target(json.loads(options.file.read_text()), sources)
    targets = {name: counts for name, counts in targets.items() if counts[0] > 0}
    wanted = {path.relative_to(sources).parts[0] for path in sources.glob("*/**/*.swift")} | OF_TARGET.keys()
    if missing := sorted(wanted - targets.keys()):
        print(f"coverage: no line was counted of {', '.join(missing)}", file=sys.stderr)
        sys.exit(2)
    print("\n".join(table(targets)))
    found = list(shortcomings(targets)) if options.judge else []
    if not options.judge:
        print("coverage: only a part of the tests ran, so the limits are not held against it")
    print("\n".join(found), end="\n" if found else "", file=sys.stderr)
    sys.exit(1 if found else 0)


main()
