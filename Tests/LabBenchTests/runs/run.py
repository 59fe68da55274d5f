#!/usr/bin/env python3
"""Runs the documented runs of lab-bench (matrix.py) and says whether each can end as it must.

usage: run.py PROGRAMS [NAME...] [--subset] [--table] [--list] [--times N] [--beside-load]

PROGRAMS is the folder of lab-bench and lab-server, built for release. Without names all runs are made; --subset takes
those of CI, --table those that once ended invalid. A run that ends 3 or 5 is tried three times, because the question is
whether it can end well. --times N demands N good ends in a row. --beside-load keeps one core busy for a third of the time.
"""

import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import matrix  # noqa: E402

LONGEST = 400
TRIES = 3
LOAD = """
import os, time
parent = os.getppid()
while os.getppid() == parent:
    end = time.monotonic() + 0.010
    while time.monotonic() < end: pass
    time.sleep(0.020)
"""


class Usage(Exception):
    pass


def options():
    names, flags, rest = [], {"times": 1}, sys.argv[1:]
    while rest:
        word = rest.pop(0)
        if word in ("--subset", "--table", "--list", "--beside-load"):
            flags[word[2:]] = True
        elif word == "--times":
            if not rest or not re.fullmatch(r"[1-9][0-9]?", rest[0]):
                raise Usage("--times takes a number from 1 to 99")
            flags["times"] = int(rest.pop(0))
        elif word.startswith("-"):
            raise Usage(f"unknown option {word}; known are --subset, --table, --list, --times N, --beside-load")
        else:
            names.append(word)
    if not names:
        raise Usage("name the folder of lab-bench and lab-server")
    programs = pathlib.Path(names.pop(0)).resolve()
    for program in ("lab-bench", "lab-server"):
        if not os.access(programs / program, os.X_OK):
            raise Usage(f"there is no program {program} in {programs}")
    known = {run.name: run for run in matrix.RUNS}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise Usage(f"no run is called {', '.join(unknown)}; there are: {', '.join(known)}")
    if names:
        chosen = [known[name] for name in names]
    elif flags.get("subset"):
        chosen = [run for run in matrix.RUNS if run.ci]
    else:
        chosen = matrix.TABLE if flags.get("table") else matrix.RUNS
    return programs, chosen, flags


def uncovered(programs):
    """Options of run and compare that no run uses."""
    missing = []
    for command in ("run", "compare"):
        text = subprocess.run([programs / "lab-bench", command, "--help"], capture_output=True, text=True).stdout
        offered = set(re.findall(r"^  (--[a-z-]+)", text, re.M)) - {"--help", "--version"}
        used = {word for run in matrix.RUNS if run.arguments[0] == command for word in run.arguments}
        if not offered:
            missing.append(f"{command} --help names no option")
        missing += [f"{command} {option}" for option in sorted(offered - used)]
    return missing


class Place:
    """What the runs need: servers, a Redis, files, a busy process. Everything ends with it."""

    def __init__(self, programs, is_busy):
        self.programs = programs
        self.children = []
        self.tmp = pathlib.Path(tempfile.mkdtemp(prefix="lab-runs-"))
        self.words = {"tmp": self.tmp, "base": self.tmp / "base", "new": self.tmp / "new",
                      "server": programs / "lab-server", "copy": self.tmp / "copy/lab-server",
                      "half": self.tmp / "half/lab-server", "driver": self.tmp / "driver.py"}
        page = pathlib.Path(__file__).resolve().parents[3] / "docs/DRIVERS.md"
        self.words["driver"].write_text(page.read_text().split("```python\n")[1].split("```")[0])
        for name, text in matrix.FILES.items():
            (self.tmp / name).write_text(text)
        for name in ("copy", "half"):
            (self.tmp / name).mkdir()
        shutil.copy2(self.words["server"], self.words["copy"])
        self.words["half"].write_text(f"#!/bin/sh\nexec '{self.words['server']}' \"$@\" --ledger-batch 1\n")
        self.words["half"].chmod(0o755)
        if is_busy:
            self.start([sys.executable, "-c", LOAD])

    def start(self, command, **more):
        child = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL,
                                 start_new_session=True, **more)
        self.children.append(child)
        return child

    def word(self, name):
        if name not in self.words:
            if name == "redis":
                self.words[name] = self.redis()
            elif name == "target":
                self.words[name] = self.server("target", [])
            else:
                self.make_certificates()
                files = ["--tls-certificate", self.tmp / "server.pem", "--tls-private-key", self.tmp / "server.key"]
                self.words["targets"] = self.server("targets", files)
                self.words["authorities"] = self.tmp / "ca.pem"
        return str(self.words[name])

    def redis(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.start(["redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes",
                    "--appendfsync", "everysec", "--dir", self.tmp], stdout=subprocess.DEVNULL)
        end = time.monotonic() + 30
        while time.monotonic() < end:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return f"redis://127.0.0.1:{port}"
            time.sleep(0.05)
        raise RuntimeError("redis-server does not answer")

    def server(self, name, more):
        """A lab-server with a Redis of its own, on a port that it chooses."""
        log = open(self.tmp / f"{name}.log", "w")
        child = self.start([self.words["server"], "serve", "--dev", "--port", "0", "--metrics-port", "0",
                            "--strategy", "lua-atomic", "--database", f"sqlite:{self.tmp}/{name}.sqlite",
                            "--auth-requests-per-minute", "1000000", "--bcrypt-cost", "4", "--password-queue",
                            "10000", *more],
                           stdout=subprocess.PIPE, stderr=log, text=True)
        for line in child.stdout:
            found = re.search(r"listening on (https?://\S+)", line)
            if found:
                return found[1]
        raise RuntimeError(f"lab-server did not start: {(self.tmp / f'{name}.log').read_text()[-500:]}")

    def make_certificates(self):
        make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=lab",
                "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", self.tmp / "server.key", "-out",
                self.tmp / "server.pem"]
        subprocess.run([str(word) for word in make], check=True, capture_output=True)
        os.chmod(self.tmp / "server.key", 0o600)
        shutil.copy(self.tmp / "server.pem", self.tmp / "ca.pem")

    def close(self):
        for child in reversed(self.children):
            end(child)
        shutil.rmtree(self.tmp, ignore_errors=True)


def end(child):
    """Asks a process to end, then ends the group that it leads."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def once(place, run, number):
    """One try: exit code, verdict, seconds."""
    arguments = [re.sub(r"\{(\w+)\}", lambda word: place.word(word[1]), text) for text in run.arguments]
    # A place in the folder that a run before has filled is emptied, any other run gets one of its own.
    if "--output" in arguments:
        shutil.rmtree(arguments[arguments.index("--output") + 1], ignore_errors=True)
    elif arguments[0] == "run":
        arguments += ["--output", str(place.tmp / f"{run.name}-{number}")]
    began = time.monotonic()
    child = place.start([place.programs / "lab-bench", *arguments], stdout=subprocess.PIPE,
                        stderr=subprocess.STDOUT, text=True, cwd=place.tmp)
    try:
        output, _ = child.communicate(timeout=LONGEST)
    except subprocess.TimeoutExpired:
        end(child)
        return "no end", f"did not end within {LONGEST} s", LONGEST, ""
    finally:
        end(child)
        place.children.remove(child)
    verdicts = [line for line in output.splitlines()
                if re.match(r"(pass|invalid|inconclusive|regression|violation|failed|interrupted): ", line)]
    said = verdicts[-1] if verdicts else "\n".join(output.splitlines()[-3:])[-300:]
    return child.returncode, said, time.monotonic() - began, output


def tried(place, run, flags):
    """Whether a run ends as it must, shown line by line."""
    demands = flags["times"]
    is_strict = demands > 1 or flags.get("beside-load")
    good = 0
    for number in range(1, (demands if is_strict else TRIES) + 1):
        code, said, seconds, _ = once(place, run, number)
        is_good = code == run.expected or may_be_spoilt(run, flags) and is_named(code, said)
        count = f" {number}/{demands}" if demands > 1 else ""
        print(f"{'ok  ' if is_good else 'FAIL'} {run.name}{count}  exit {code}, {seconds:.0f} s  {said[:400]}",
              flush=True)
        good += is_good
        if is_strict:
            continue
        if is_good or code not in (3, 5):
            return is_good
        if number < TRIES:
            print(f"     {run.name} is tried again ({number + 1} of {TRIES})", flush=True)
    return good == demands


def may_be_spoilt(run, flags):
    """A comparison must end as it must beside a load, too."""
    return bool(flags.get("beside-load")) and run.arguments[0] == "run"


def is_named(code, said):
    """Beside a load a trial may be spoilt, if the run says which and why, and has repeated it."""
    return code in (3, 5) and "generator-" in said and "repeated " in said and "in trial " in said


def main():
    try:
        programs, chosen, flags = options()
    except Usage as problem:
        print(f"check --runs: {problem}", file=sys.stderr)
        return 64
    missing = uncovered(programs)
    if flags.get("list"):
        for run in matrix.RUNS:
            print(f"{run.name:18}{'ci ' if run.ci else '   '} exit {run.expected}  {' '.join(run.arguments)}")
    for option in missing:
        print(f"FAIL no run of the matrix uses {option}")
    if flags.get("list"):
        return 1 if missing else 0
    place = Place(programs, flags.get("beside-load", False))
    needs_base = any("{base}" in run.arguments and run.name != "base" for run in chosen)
    if needs_base and not any(run.name == "base" for run in chosen):
        chosen = [run for run in matrix.RUNS if run.name == "base"] + chosen
    passed = 0
    try:
        for run in chosen:
            passed += tried(place, run, flags)
    except KeyboardInterrupt:
        print("interrupted: everything that was started is stopped", file=sys.stderr)
        return 130
    finally:
        place.close()
    failed = len(chosen) - passed + len(missing)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
    sys.exit(main())
