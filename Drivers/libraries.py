"""Judges the locks of real libraries, and the lock of a Swift package of its own: ./lab libraries (docs/LIBRARIES.md).

Five stages: `lab-bench drivers check` on each lock; the findings, in plain Python, three times each; the load on all of
them beside strategies of this repository; conformance; the faults. What a stage found goes to libraries.json at once, so
that an interrupted run keeps what it has. Each stage has a limit, and all together end within half an hour. A run of
everything writes docs/LIBRARIES.md at its end.
"""

import argparse
import concurrent.futures
import datetime
import json
import os
import platform
import re
import shlex
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
# Seconds for everything, and for each stage.
LIMIT = 28 * 60
LIMITS = {"check": 4 * 60, "findings": 5 * 60, "load": 8 * 60, "conformance": 8 * 60, "faults": 6 * 60}
STAGES = list(LIMITS)
# The bench is that of Examples/my-lock, a package of its own: its lock is a strategy there, beside ours.
OURS = "my-lock,setnx-spin,setnx-backoff,redlock"
FAULTS = "slow-holder,pause-buyer,kill-buyer"
REPETITIONS = 3

# Name, its name in the findings, its driver, the environment of the driver, its settings.
LIBRARIES = [
    ("redis-py", "redis-py", "python/redis_py.py", "python", ["defaults", "best"]),
    ("python-redis-lock", "python-redis-lock", "python/python_redis_lock.py", "python-redis-lock", ["defaults", "best"]),
    ("redis-lock-py", "redis-lock-py", "python/redis_lock_py.py", "python", ["defaults", "spin"]),
    ("redis-fifo-lock", "redis-fifo-lock", "python/fifo_lock.py", "python", ["defaults", "best"]),
    ("pottery", "pottery", "python/pottery_redlock.py", "python", ["defaults", "best"]),
    ("redlock-py", "redlock-py", "python/redlock_py.py", "python", ["defaults", "best"]),
    ("aioredlock", "aioredlock", "python/aioredlock_lock.py", "python", ["defaults", "best"]),
    ("symfony-lock", "Symfony Lock", "php/symfony_lock.php", "php", ["defaults", "best", "quorum"]),
    ("laravel-lock", "Laravel cache lock", "php/laravel_lock.php", "php", ["defaults", "best"]),
]
NAMES = [each[0] for each in LIBRARIES]


def say(sentence):
    print(f"libraries: {sentence}", file=sys.stderr, flush=True)


class Run:
    def __init__(self, options):
        self.bench, self.output, self.stages = options.bench, options.output, options.stages
        self.program = os.path.basename(self.bench)
        self.is_whole = options.only == NAMES and options.stages == STAGES and not options.has_own_output
        self.pythons = {"python": options.python, "python-redis-lock": options.python_redis_lock}
        self.ends = time.monotonic() + LIMIT
        self.libraries, skipped = [], []
        for each in LIBRARIES:
            if each[0] in options.only:
                (self.libraries if self.has(each[3]) else skipped).append(each)
        self.locks = [
            {"id": f"{name}-{setting}", "library": name, "setting": setting,
             "command": [*self.interpreter(environment), os.path.join(HERE, driver), setting]}
            for name, _, driver, environment, settings in self.libraries for setting in settings]
        self.results = {
            "schema": "1.0", "started": self.now(), "ended": None, "commit": self.commit(), "machine": self.machine(),
            "skipped": [f"{each[0]}: {self.missing(each[3])}" for each in skipped] + [
                f"{stage}: not asked for" for stage in STAGES if stage not in self.stages],
            "locks": [{key: each[key] for key in ("id", "library", "setting")} for each in self.locks],
            "check": {}, "findings": [], "load": None, "conformance": None, "faults": None}

    # Where it runs

    def has(self, environment):
        if environment == "php":
            script = "exit(class_exists('Redis') && function_exists('pcntl_fork') ? 0 : 1);"
            places = [f"/usr/share/php/{name}/autoload.php" for name in (
                "Symfony/Component/Lock", "Illuminate/Cache", "Predis")]
            try:
                found = subprocess.run(["php", "-r", script], capture_output=True).returncode == 0
            except OSError:
                return False
            return found and all(map(os.path.exists, places))
        return self.pythons[environment] is not None

    @staticmethod
    def missing(environment):
        if environment == "php":
            return "skipped: PHP or one of its packages is missing (see ./lab libraries --help)"
        return "skipped: pip could not make the environment"

    def interpreter(self, environment):
        return ["php"] if environment == "php" else [self.pythons[environment]]

    @staticmethod
    def now():
        return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")

    @staticmethod
    def words(*command):
        try:
            return subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.strip()
        except OSError:
            return ""

    def commit(self):
        return self.words("git", "rev-parse", "--short=12", "HEAD") or None

    def machine(self):
        cpu = ""
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("model name"):
                    cpu = line.split(":", 1)[1].strip()
                    break
        redis = dict(part.split("=", 1) for part in self.words("redis-server", "--version").split() if "=" in part)
        return {
            "host": platform.node(), "cpu": cpu, "cores": os.cpu_count(), "python": platform.python_version(),
            "php": self.words("php", "-r", "echo PHP_VERSION;") or None, "redis": redis.get("v"),
            "load_before": round(os.getloadavg()[0], 2)}

    # Running

    def left(self, stage):
        return min(LIMITS[stage], self.ends - time.monotonic())

    def save(self):
        self.results["ended"] = self.now()
        place = os.path.join(self.output, "libraries.json")
        with open(place + ".new", "w", encoding="utf-8") as file:
            json.dump(self.results, file, indent=2, ensure_ascii=False)
            file.write("\n")
        os.replace(place + ".new", place)

    def lab_bench(self, stage, *words):
        """Runs it until its end or the limit of the stage; then it is interrupted, and writes what it has."""
        with open(os.path.join(self.output, f"{stage}.log"), "w", encoding="utf-8") as log:
            process = subprocess.Popen([self.bench, *words], stdout=log, stderr=subprocess.STDOUT, cwd=ROOT)
            try:
                return process.wait(max(1, self.left(stage)))
            except subprocess.TimeoutExpired:
                self.results["skipped"].append(f"{stage}: ended at its limit of {LIMITS[stage]} s")
                say(self.results["skipped"][-1])
            except KeyboardInterrupt:
                pass
            process.send_signal(signal.SIGINT)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            return 130

    def drivers(self, setting=None):
        return [
            word for each in self.locks if setting in (None, each["setting"])
            for word in ("--driver", f"{each['id']}={shlex.join(each['command'])}")]

    def many(self, tasks, stage, at_once):
        """Each of the tasks, a name and a command, within the time of the stage: its exit code and its lines."""
        until = time.monotonic() + self.left(stage)

        def one(command):
            try:
                done = subprocess.run(
                    command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                    timeout=max(1, until - time.monotonic()))
                return done.returncode, done.stdout, done.stderr
            except subprocess.TimeoutExpired:
                return None, "", "not done within the time of the stage"
        with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
            return dict(zip([name for name, _ in tasks], pool.map(one, [command for _, command in tasks])))

    # The stages

    def check(self):
        tasks = [(each["id"], [self.bench, "drivers", "check", *each["command"]]) for each in self.locks]
        for name, (code, output, errors) in self.many(tasks, "check", 2).items():
            hello = next((line for line in output.splitlines() if "hello:" in line), "")
            sentence = (errors.strip().splitlines() or output.strip().splitlines() or [""])[-1]
            self.results["check"][name] = {
                "exit": code, "hello": hello.split("hello:", 1)[-1].strip(),
                "sentence": re.sub("lab-driver-check:[0-9a-f]*:", "", sentence.removeprefix(f"{self.program}: "))}

    def findings(self):
        sys.path.insert(0, os.path.join(HERE, "findings"))
        import findings
        environments = {title: environment for _, title, _, environment, _ in self.libraries}
        script = os.path.join(HERE, "findings", "findings.py")
        chosen = [(name, each) for name, each in findings.FINDINGS.items() if each["library"] in environments]

        def python(environment):
            return sys.executable if environment == "php" else self.pythons[environment]
        tasks = [
            ((name, number), [python(environments[each["library"]]), script, name])
            for number in range(REPETITIONS) for name, each in chosen]
        done = self.many(tasks, "findings", 6)
        for name, each in chosen:
            seen, words = 0, []
            for number in range(REPETITIONS):
                code, output, errors = done[name, number]
                made = json.loads(output) if code == 0 else {"seen": False, "words": (errors.splitlines() or [""])[-1]}
                seen += made["seen"]
                words.append(made["words"])
            self.results["findings"].append({
                "id": name, "library": each["library"], "steps": list(each["steps"]), "seen": seen, "of": REPETITIONS,
                "words": words})

    def load(self):
        place = os.path.join(self.output, "load")
        code = self.lab_bench(
            "load", "run", "--mode", "strategy", "--model", "closed", "--users", "20", "--rounds", "3", "--duration", "2",
            "--warmup", "0.5", "--no-ceilings", "--quiet", "--strategies", OURS, *self.drivers(), "--output", place)
        results = self.read(place, "results.json")
        if results is None:
            return self.broken("load", code)
        checks = {each["id"]: each for each in results["checks"]}
        self.results["load"] = {
            "exit": code, "command": results["run"]["command"], "driver_pipe": results["system_under_test"].get("driver_pipe"),
            "overlaps_failed": checks.get("holds-overlap", {}).get("failed"),
            "locks": [{
                "id": each["id"], "purchases_per_second": each["purchases_per_second"], "trials": each["trials"],
                "p50_us": (each["latency_us"] or {}).get("p50"), "p99_us": (each["latency_us"] or {}).get("p99"),
                "success_share": each["success_share"], "jain": each["jain"], "is_ranked": each["is_ranked"],
                "failed_checks": each["failed_checks"]} for each in results["strategies"]]}

    def conformance(self):
        if not self.words(self.bench, "conformance", "--help").startswith("OVERVIEW"):
            return self.broken("conformance", None)
        place = os.path.join(self.output, "conformance")
        code = self.lab_bench(
            "conformance", "conformance", "--strategies", OURS, *self.drivers(), "--output", place)
        results = self.read(place, "conformance.json")
        if results is None:
            return self.broken("conformance", code)
        self.results["conformance"] = {
            "exit": code, "clauses": [{"id": each["id"], "title": each["title"]} for each in results["clauses"]],
            "findings": [
                {key: each[key] for key in ("lock", "clause", "verdict", "reason")} for each in results["findings"]]}

    def faults(self):
        if "--driver" not in self.words(self.bench, "faults", "--help"):
            return self.broken("faults", None)
        place = os.path.join(self.output, "faults")
        code = self.lab_bench(
            "faults", "faults", "--level", "strategy", "--faults", FAULTS, "--strategies", OURS,
            *self.drivers("defaults"), "--output", place)
        results = self.read(place, "faults.json")
        if results is None:
            return self.broken("faults", code)
        self.results["faults"] = {"exit": code, "cells": [
            {key: each.get(key) for key in ("strategy", "fault", "verdict")} for each in results["cells"]]}

    def read(self, *place):
        try:
            with open(os.path.join(*place), encoding="utf-8") as file:
                return json.load(file)
        except (OSError, ValueError):
            return None

    def broken(self, stage, code):
        why = f"this {self.program} cannot do it with drivers" if code is None else f"{self.program} ended with {code}, see {stage}.log"
        self.results["skipped"].append(f"{stage}: {why}")
        say(self.results["skipped"][-1])
        return code is not None

    def all(self):
        os.makedirs(self.output, exist_ok=True)
        for sentence in self.results["skipped"]:
            say(sentence)
        if not self.locks:
            say("nothing is left to be judged")
            return 69
        say(f"{len(self.locks)} locks; results go to {self.output}")
        is_broken = False
        for stage in STAGES:
            if stage not in self.stages:
                continue
            if self.left(stage) < 5:
                self.results["skipped"].append(f"{stage}: no time was left")
                say(self.results["skipped"][-1])
                continue
            begun = time.monotonic()
            is_broken = bool(getattr(self, stage)()) or is_broken
            self.save()
            say(f"{stage}: {time.monotonic() - begun:.0f} s")
        self.draw(is_broken)
        return 1 if is_broken else 0

    def draw(self, is_broken):
        """Writes the page from a run of everything; of any other it says how."""
        words = [os.path.join(HERE, "table.py"), os.path.relpath(self.output, ROOT)]
        if not self.is_whole or is_broken or self.results["skipped"]:
            say(f"the page docs/LIBRARIES.md is as it was; python3 Drivers/table.py {words[1]} draws it from this run")
            return
        subprocess.run([sys.executable, *words], cwd=ROOT, check=True)
        say("docs/LIBRARIES.md is written from this run; git diff shows what has changed")


def names(known, what):
    def parse(text):
        chosen = text.split(",")
        for each in chosen:
            if each not in known:
                raise argparse.ArgumentTypeError(f"there is no {what} \"{each}\"; there are {', '.join(known)}")
        return chosen
    return parse


class Parser(argparse.ArgumentParser):
    def error(self, message):
        say(f"{message}. ./lab libraries --help says more.")
        sys.exit(64)


def main():
    parser = Parser(prog="./lab libraries", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="NAME,...", type=names(NAMES, "library"), default=NAMES,
                        help="only these: " + ", ".join(NAMES))
    parser.add_argument("--stages", metavar="STAGE,...", type=names(STAGES, "stage"), default=STAGES,
                        help="only these: " + ", ".join(STAGES))
    parser.add_argument("--output", metavar="DIR", help="directory for the results; default: results/DATE-libraries-HOST")
    # What ./lab hands over.
    parser.add_argument("--bench", default="my-lock", help=argparse.SUPPRESS)
    parser.add_argument("--python", help=argparse.SUPPRESS)
    parser.add_argument("--python-redis-lock", help=argparse.SUPPRESS)
    parser.add_argument("--look", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.has_own_output = options.output is not None
    if options.output is None:
        time_of_run = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H%M%S")
        options.output = os.path.join(ROOT, "results", f"{time_of_run}-libraries-{platform.node()}")
    if os.path.isdir(options.output) and os.listdir(options.output):
        parser.error(f"the directory {options.output} is not empty")
    if options.look:
        return 0
    return Run(options).all()


if __name__ == "__main__":
    sys.exit(main())
