"""The table of a run, and the folder that keeps it."""
import datetime
import json
import os
import pathlib
import platform
import re
import shutil
import socket
import statistics
import subprocess
import sys


def short(number):
    """Three digits, and separators in what is long."""
    if number >= 1000:
        return f"{number:,.0f}"
    return f"{number:.3g}"


def judged(row, aim, found, failures, lacking):
    """One line of the table."""
    line = {"row": row.name, "title": row.title, "what": aim.what, "aim": aim.text(), "unit": aim.unit}
    reason = next((why for why in map(lacking, aim.trials) if why), None)
    if reason:
        return dict(line, state=f"skipped: {reason}")
    rounds = [dict(zip(aim.trials, values)) for values in zip(*(found.get(name, []) for name in aim.trials))]
    good = [trials for trials in rounds if all(trials.values())]
    if not good:
        why = next((failures[name] for name in aim.trials if name in failures), "the run ended before it")
        return dict(line, state=f"not measured: {why}")
    ratios = [aim.ratio(trials) for trials in good]
    value = statistics.median(ratios)
    line.update(value=value, least=min(ratios), most=max(ratios), rounds=len(good),
                own=statistics.median(trials[aim.mine[0]][aim.mine[1]] for trials in good))
    if aim.peer:
        line["peer"] = statistics.median(trials[aim.peer[0]][aim.peer[1]] * aim.factor for trials in good)
    state = aim.state(value)
    if len(good) < len(rounds):
        state = f"not measured in {len(rounds) - len(good)} of {len(rounds)} rounds; else {state}"
    disturbed = sum(any(value.get("disturbed") for value in trials.values()) for trials in good)
    if disturbed:
        state += f" (in {disturbed} of {len(good)} rounds lab-bench found the machine not quiet)"
    return dict(line, state=state)


def cells(line):
    if "value" not in line:
        return [line["title"], line["what"], "", "", "", line["aim"], line["state"]]
    unit = line["unit"] if line["unit"].startswith("/") else " " + line["unit"]
    value, spread = short(line["value"]), f"{short(line['least'])} to {short(line['most'])}"
    peer = short(line["peer"]) + unit if "peer" in line else "-"
    return [line["title"], line["what"], short(line["own"]) + unit, peer, f"{value} ({spread})", line["aim"],
            line["state"]]


HEAD = ["row", "figure", "own", "peer", "value (range)", "aim", "state"]


def text(table):
    lines = [HEAD] + [cells(line) for line in table]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD) - 1)]
    return "\n".join("  ".join([*(cell.ljust(width) for cell, width in zip(line, widths)), line[-1]])
                     for line in lines).replace("`", "")


def first_line(*words):
    try:
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    except OSError:
        return None
    return done.stdout.strip().splitlines()[0] if done.stdout.strip() else None


def read(path):
    try:
        return pathlib.Path(path).read_text()
    except OSError:
        return ""


def without_places(words):
    """The words of a command line, for others to read: where programs are, and where results are kept, is no part of
    what was measured, and no path of this machine goes into a file that is kept."""
    kept, words = [], iter(words)
    for word in words:
        name, _, value = word.partition("=")
        if name in ("--programs", "--go", "--output", "--against"):
            if not value:
                next(words, None)
            if name == "--against":
                kept += [name, "FOLDER"]
        else:
            kept.append(word)
    return kept


def conditions(wish, begin, command="./lab speed"):
    def found(pattern, words):
        match = re.search(pattern, words or "")
        return match.group(1) if match else None

    return {
        "command": " ".join([command, *without_places(sys.argv[1:])]),
        "commit": first_line("git", "rev-parse", "HEAD"),
        "has_changes": bool(first_line("git", "status", "--porcelain", "--untracked-files=no")),
        "started": begin.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "rounds": wish.rounds,
        "seconds": wish.seconds,
        "machine": {
            "host": socket.gethostname(),
            "cpu": found(r"model name\s*: (.*)", read("/proc/cpuinfo")),
            "cores": os.cpu_count(),
            "memory_mib": int(found(r"MemTotal:\s+(\d+)", read("/proc/meminfo"))) // 1024,
            "kernel": platform.release(),
            "os": found(r'PRETTY_NAME="(.*)"', read("/etc/os-release")),
            "load_before": os.getloadavg()[0],
        },
        "versions": {
            "redis": found(r"v=([\d.]+)", first_line("redis-server", "--version")),
            "go": found(r"go([\d.]+)", first_line("go", "version")) if getattr(wish, "go", None) else None,
            "wrk": found(r"wrk \D*([\d.]+)", first_line("wrk", "-v")) if shutil.which("wrk") else None,
            "swift": found(r"Swift version ([\d.]+)", first_line("swift", "--version")),
        },
    }


def markdown(conditions, table):
    machine = conditions["machine"]
    commit = conditions["commit"][:12] + (" with changes" if conditions["has_changes"] else "")
    versions = ", ".join(f"{name} {version}" for name, version in conditions["versions"].items() if version)
    lines = [
        f"# Speed, {conditions['started']}", "",
        f"`{conditions['command']}`, commit {commit}: {conditions['rounds']} rounds, {conditions['seconds']} s a trial, "
        f"on {machine['host']}: {machine['cores']} cores of {machine['cpu']}, {machine['memory_mib']} MiB, "
        f"{machine['os']}, Linux {machine['kernel']}; load before: {machine['load_before']:.2f}, while it ran: "
        f"{conditions['load_after']:.2f} at its end, its own included. {versions}.", "",
        "Own and peer are medians of the rounds; the value is the median of the ratios that were taken within each "
        "round, or of the figure itself where there is no peer.", "",
        "| " + " | ".join(HEAD) + " |", "| --- | --- | ---: | ---: | ---: | ---: | --- |",
    ]
    lines += ["| " + " | ".join(cells(line)) + " |" for line in table]
    return "\n".join(lines) + "\n"


def write(wish, conditions, table, trials, is_complete):
    now = datetime.datetime.now(datetime.timezone.utc)
    conditions.update(ended=now.strftime("%Y-%m-%dT%H:%M:%SZ"), is_complete=is_complete, load_after=os.getloadavg()[0])
    stamp = conditions["started"].replace(":", "").removesuffix("Z")
    place = wish.output or pathlib.Path("results") / f"{stamp}-speed-{conditions['machine']['host']}"
    place.mkdir(parents=True, exist_ok=True)
    whole = {"run": conditions, "rows": table, "trials": trials}
    (place / "speed.json").write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n")
    (place / "SPEED.md").write_text(markdown(conditions, table))
    return place
