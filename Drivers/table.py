"""Writes what a run of ./lab libraries found into docs/LIBRARIES.md, between its two marks: the same results make the same
bytes.

    python3 Drivers/table.py results/DATE-libraries-HOST... [PAGE.md] [--check]

Of several runs, the stages that a later one has take the place of those of an earlier one. PAGE.md stands in for docs/LIBRARIES.md. With --check it writes nothing, and ends with 1 when the page says something else.
"""

import json
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PAGE = os.path.join(ROOT, "docs", "LIBRARIES.md")
# Locks whose lease is longer than the stalls of the fault lab, because it is whole seconds.
WHOLE_SECONDS, STALLS = ("python-redis-lock", "redis-lock-py", "laravel-lock"), ("slow-holder", "pause-buyer")
BEGIN, END = "<!-- Drivers/table.py: begin -->\n", "<!-- Drivers/table.py: end -->\n"


def cell(text):
    return str(text).replace("|", "\\|").replace("\n", " ")


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "| " + " | ".join("---" for _ in head) + " |"]
    return "\n".join(lines + ["| " + " | ".join(map(cell, row)) + " |" for row in rows]) + "\n"


def milliseconds(microseconds):
    return "-" if microseconds is None else f"{microseconds / 1000:.3g}"


def run(results, stages, place):
    machine = results["machine"]
    skipped = [each for each in results["skipped"] if not each.endswith(": not asked for")]
    said = f" Not done: {'; '.join(skipped)}." if skipped else ""
    php = f", PHP {machine['php']}" if machine["php"] else ""
    return (
        f"{', '.join(stages)}: run of {results['started']} at commit `{results['commit']}`: {machine['cpu']}, {machine['cores']} cores, "
        f"redis-server {machine['redis']}, Python {machine['python']}{php}; load average before it {machine['load_before']}. "
        f"The results: [{place}](../{place}).{said}\n")


def said(done):
    """What the check said, without the name of the program."""
    return done["sentence"].removeprefix("lab-bench: ")


def checks(results):
    rows = []
    for lock in results["locks"]:
        done = results["check"].get(lock["id"])
        if done:
            hello = done["hello"].split(";")[0]
            rows.append([f"`{lock['id']}`", hello, "can be used" if done["exit"] == 0 else said(done)])
    return "### `lab-bench drivers check`\n\n" + table(["lock", "library and setting", "verdict"], rows)


def load(results):
    done = results["load"]
    if done is None:
        return "### The load\n\nNot done in this run.\n"
    pipe = done["driver_pipe"]
    rows = []
    for each in sorted(done["locks"], key=lambda each: each["id"]):
        rate = each["purchases_per_second"]
        span = "-" if rate is None else f"{rate['median']} ({rate['min']} - {rate['max']})"
        rows.append([
            f"`{each['id']}`", span, each["trials"], milliseconds(each["p50_us"]), milliseconds(each["p99_us"]),
            "-" if each["success_share"] is None else f"{each['success_share'] * 100:.4g} %",
            "-" if each["jain"] is None else f"{each['jain']:.2f}", ", ".join(each["failed_checks"]) or "none"])
    return (
        "### The load\n\n20 buyers of one product, 3 rounds of 2 s, every purchase under the lock. A driver's figures contain "
        f"the pipe: {pipe['alone_us']:.0f} µs from a request to its answer with one open, {pipe['per_operation_us']:.0f} µs "
        f"an operation with {pipe['requests_open']} open (medians, echo driver); `my-lock`, `setnx-spin`, `setnx-backoff` and `redlock` "
        f"run in the bench's process and have no pipe. Exit code {done['exit']}.\n\n"
        + table(["lock", "purchases/s: median (min - max)", "rounds that count", "p50 ms", "p99 ms", "success",
                 "fairness (Jain)", "checks that failed"], rows))


def conformance(results):
    done = results["conformance"]
    if done is None:
        return "### Conformance\n\nNot done in this run.\n"
    rows, reasons = [], []
    for name in dict.fromkeys(each["lock"] for each in done["findings"]):
        found = [each for each in done["findings"] if each["lock"] == name]

        def of(verdict):
            return [each for each in found if each["verdict"] == verdict]
        rows.append([
            f"`{name}`", len(of("pass")), ", ".join(each["clause"] for each in of("fail")) or "none",
            ", ".join(each["clause"] for each in of("unknown")) or "none", len(of("not-applicable"))])
        reasons += [f"- `{name}`, {each['clause']}: {each['reason']}" for each in of("fail") + of("unknown")]
    clauses = "; ".join(f"{each['id']}: {each['title'].rstrip('.')}" for each in done["clauses"])
    return (
        "### Conformance\n\nEach clause was judged once in this run; a finding above was made three times.\n\n"
        f"Clauses: {clauses}.\n\n"
        + table(["lock", "pass", "fail", "unknown", "not applicable"], rows)
        + ("\n" + "\n".join(reasons) + "\n" if reasons else ""))


def faults(results):
    done = results["faults"]
    if done is None:
        return "### Faults\n\nNot done in this run.\n"
    names = list(dict.fromkeys(each["fault"] for each in done["cells"]))
    locks = list(dict.fromkeys(each["strategy"] for each in done["cells"]))
    verdicts = {(each["strategy"], each["fault"]): each["verdict"] for each in done["cells"]}

    def verdict(lock, name):
        fits = name not in STALLS or not lock.startswith(WHOLE_SECONDS)
        return verdicts.get((lock, name), "-") if fits else "does not fit"
    return (
        "### Faults\n\nA lease is 300 ms here, and the holder stalls for longer. python-redis-lock, redis-lock-py and Laravel's lock "
        "round 300 ms up to 1 s, so these stalls do not fit them. redis-fifo-lock renews its lease while the driver's process "
        "lives, and the fault stops the buyer's. Why aioredlock's cells are as they are was not looked into; few of its buyers "
        "get the lock. `-`: not done.\n\n"
        + table(["lock", *names], [[f"`{lock}`", *(verdict(lock, name) for name in names)] for lock in locks]))


def findings(results):
    parts = ["### Findings\n"]
    for number, each in enumerate(results["findings"], 1):
        steps = "\n".join(f"    {step}" for step in each["steps"])
        words = "; ".join(dict.fromkeys(each["words"]))
        parts.append(
            f"**{number}. {each['library']}: `{each['id']}`**, seen {each['seen']} of {each['of']} times\n\n{steps}\n\n"
            f"Seen: {words}\n")
    return "\n".join(parts)


def load_results(directories):
    """Of several runs: the stages that a later one has take the place of those of an earlier one."""
    lines, results = [], None
    for directory in directories:
        with open(os.path.join(directory, "libraries.json"), encoding="utf-8") as file:
            found = json.load(file)
        results = results or found
        stages = [name for name in ("findings", "check", "conformance", "faults", "load") if found[name]]
        results.update({name: found[name] for name in stages})
        lines.append(run(found, stages, os.path.relpath(directory, ROOT)))
    return results, lines


def main():
    arguments = [each for each in sys.argv[1:] if each != "--check"]
    page_of = [each for each in arguments if each.endswith(".md")]
    directories = [each for each in arguments if not each.endswith(".md")]
    if not directories or len(page_of) > 1:
        print("table.py takes the directories of runs of ./lab libraries", file=sys.stderr)
        sys.exit(64)
    try:
        results, lines = load_results(directories)
    except (OSError, ValueError) as error:
        print(f"table.py: these are no results of ./lab libraries: {error}", file=sys.stderr)
        sys.exit(64)
    parts = [make(results) for make in (findings, checks, conformance, faults, load)]
    made = BEGIN + "\n" + "\n".join([*lines, *parts]) + "\n" + END
    target = page_of[0] if page_of else PAGE
    with open(target, encoding="utf-8") as file:
        page = file.read()
    before, _, rest = page.partition(BEGIN)
    new = before + made + rest.partition(END)[2]
    if "--check" in sys.argv:
        sys.exit(0 if new == page else 1)
    with open(target, "w", encoding="utf-8") as file:
        file.write(new)


if __name__ == "__main__":
    main()
