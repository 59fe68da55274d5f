#!/usr/bin/env python3
"""Clause 43: shows that the conformance suite can fail.

Each *.mutation file beside this script is one seeded bug. The script works on a copy of HEAD and on a copy of
the build folder; your tree and build stay as they are. It checks that the copy is green, then plants one
bug after the other, builds, runs the tests that should notice, and writes down which clauses turned red.

    ./lab check --mutations [NAME...] [--output DIR] [--list]

A mutation file has a head of "name: value" lines and then one or more replacements:

    what:    the bug, in a few words
    file:    the source file, from the root of the repository
    clauses: the clauses that must notice, e.g. 5 6; a test without a number by its title, in quotes
    filter:  a regular expression for `swift test --filter`
    tests:   further test targets that are built for it, beside those of the locks and of their client
    --- old
    text that stands in the file exactly once
    --- new
    what replaces it (may be nothing)

Verdicts: caught (an expected clause is red), elsewhere (only others are), survived, and three that say that the
question was not answered: stale (the old text is not there exactly once), not built, no verdict (the tests
ended without naming a failure). The exit code is 0 only when every bug was caught.
"""
import argparse
import datetime
import json
import os
import pathlib
import platform
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
TESTS = "LockStrategiesTests"
BUILD_LIMIT, TEST_LIMIT = 1800, 420


class Mutation:
    def __init__(self, path):
        self.name = path.stem
        head, *parts = re.split(r"^--- (old|new)\n", path.read_text(), flags=re.M)
        fields = dict(re.findall(r"^(\w+): *(.+)$", head, flags=re.M))
        self.what, self.file = fields["what"], fields["file"]
        self.clauses = shlex.split(fields["clauses"])
        self.filter = fields["filter"]
        self.tests = fields.get("tests", "").split()
        texts = [(kind, text.removesuffix("\n")) for kind, text in zip(parts[::2], parts[1::2])]
        self.pairs = [(texts[i][1], texts[i + 1][1]) for i in range(0, len(texts), 2)]
        if [kind for kind, _ in texts] != ["old", "new"] * len(self.pairs) or not self.pairs:
            sys.exit(f"{path.name}: pairs of '--- old' and '--- new' are needed")

    def applied(self, text):
        """The file with the bug in it; None when an old text is not found exactly once."""
        for old, new in self.pairs:
            if text.count(old) != 1:
                return None
            text = text.replace(old, new)
        return text


class Copy:
    """A worktree of HEAD with a build folder of its own."""

    def __init__(self, folder, built_at):
        self.tree, self.built_at = folder / "tree", built_at
        git("worktree", "add", "--detach", str(self.tree), "HEAD")
        build = ROOT / ".build"
        if build.is_dir():
            # Hard links would share what the build overwrites in place.
            subprocess.run(["cp", "-a", "--reflink=auto", str(build), str(self.tree / ".build")], check=True)
        resolved = ROOT / "Package.resolved"
        if resolved.is_file():
            shutil.copy(resolved, self.tree)
        self.prefix = self.same_path_prefix()
        if not self.prefix:
            shutil.rmtree(self.tree / ".build", ignore_errors=True)
        self.manifest = (self.tree / "Package.swift").read_text()
        self.targets = self.all_targets()

    def same_path_prefix(self):
        """A build folder is valid at its own path only. So, where the system allows it, commands run in a mount
        namespace in which the copy stands where the original is. Elsewhere everything is built anew."""
        script = f'mount --bind "{self.tree}" "{self.built_at}" && cd "{self.built_at}" && exec "$@"'
        for options in (["--mount"], ["--mount", "--user", "--map-root-user"]):
            prefix = ["unshare", *options, "sh", "-c", script, "sh"]
            try:
                if subprocess.run(prefix + ["true"], capture_output=True).returncode == 0:
                    return prefix
            except FileNotFoundError:
                break
        return []

    def run(self, command, log, limit):
        """The exit code, or None when the limit passed."""
        with open(log, "w") as output:
            process = subprocess.Popen(
                self.prefix + command, cwd=self.tree, stdout=output, stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL, start_new_session=True)
            try:
                return process.wait(limit)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
                process.wait()
                return None

    def all_targets(self):
        """The targets of the package, each with those that it needs."""
        log = self.tree.parent / "manifest.json"
        if self.run(["swift", "package", "dump-package"], log, BUILD_LIMIT) != 0:
            sys.exit(f"the manifest cannot be read: see {log}")
        text, targets = log.read_text(), {}
        for target in json.loads(text[text.index("{"):])["targets"]:
            needs = [d[kind][0] for d in target["dependencies"] for kind in ("byName", "target") if kind in d]
            targets[target["name"]] = needs
        return targets

    def keep_only(self, tests):
        """Leaves out the targets that these tests do not need: they would be built again with each bug."""
        wanted, queue = set(), [TESTS, "RedisClientTests", *tests]
        while queue:
            name = queue.pop()
            if name in self.targets and name not in wanted:
                wanted.add(name)
                queue += self.targets[name]
        source = self.manifest
        for name in set(self.targets) - wanted:
            source = without_call(source, r'\.(?:executableTarget|testTarget|target)\(\s*name: "%s"' % name)
            source = without_call(source, r'\.(?:library|executable)\(\s*name: "%s"' % name)
        (self.tree / "Package.swift").write_text(source)


def without_call(source, start):
    """The source without the first call that begins like this, and without the comma after it."""
    found = re.search(start, source)
    if not found:
        return source
    end, depth = source.index("(", found.start()), 0
    while True:
        depth += {"(": 1, ")": -1}.get(source[end], 0)
        end += 1
        if depth == 0:
            break
    return source[: found.start()] + re.sub(r"\A\s*,", "", source[end:])


def git(*words):
    done = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"git {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout.strip()


def red_tests(log):
    """Names of the tests that failed."""
    text = pathlib.Path(log).read_text(errors="replace")
    return set(re.findall(r'✘ Test "(.+?)"(?: with \d+ test cases?)? (?:recorded an issue|failed)', text))


def clauses_of(names):
    """The clauses that stand first in the names, in order; a name without number stands for itself."""
    found = set()
    for name in names:
        head = re.match(r"(\d+(?:, \d+)*) · ", name)
        found |= set(head[1].split(", ")) if head else {name}
    return sorted(found, key=lambda clause: (not clause.isdigit(), clause.zfill(3)))


def judge(copy, mutation, logs):
    path = copy.tree / mutation.file
    original = path.read_text() if path.is_file() else ""
    planted = mutation.applied(original)
    if planted is None:
        return "stale", []
    path.write_text(planted)
    try:
        code = copy.run(["swift", "build", "--build-tests"], logs / f"{mutation.name}.build.log", BUILD_LIMIT)
        if code != 0:
            return "not built", []
        log = logs / f"{mutation.name}.test.log"
        code = copy.run(
            ["swift", "test", "--skip-build", "--no-parallel", "--filter", mutation.filter], log, TEST_LIMIT)
        red = clauses_of(red_tests(log))
        if code == 0:
            return "survived", []
        if not red:
            return "no verdict", []
        return ("caught" if set(red) & set(mutation.clauses) else "elsewhere"), red
    finally:
        path.write_text(original)


def groups(mutations):
    """Mutations that are noticed by the same test targets, those with the fewest targets first."""
    found = {}
    for mutation in mutations:
        found.setdefault(tuple(sorted(mutation.tests)), []).append(mutation)
    return sorted(found.items(), key=lambda group: (len(group[0]), group[0]))


def expect_green(copy, tests, mutations, folder):
    """Builds the copy without a bug, and ends the script when one of the group's tests fails there."""
    say(" and ".join([TESTS, "RedisClientTests", *tests]) + ": the unmutated copy must be green")
    build, green = folder / "green.build.log", folder / "green.test.log"
    if copy.run(["swift", "build", "--build-tests"], build, BUILD_LIMIT) != 0:
        print(build.read_text()[-2000:], file=sys.stderr)
        sys.exit("the unmutated copy does not build")
    every = "|".join(sorted({mutation.filter for mutation in mutations}))
    code = copy.run(
        ["swift", "test", "--skip-build", "--no-parallel", "--filter", every], green, 4 * TEST_LIMIT)
    if code != 0 or " 0 tests " in green.read_text(errors="replace"):
        sys.exit("the unmutated copy is not green: " + ", ".join(sorted(red_tests(green))))


def run(mutations, output, built_at):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="lab-mutations-"))
    if output:
        output.mkdir(parents=True, exist_ok=True)
    try:
        return run_in(Copy(folder, built_at), mutations, folder, output)
    finally:
        subprocess.run(["git", "-C", str(ROOT), "worktree", "remove", "--force", str(folder / "tree")])
        shutil.rmtree(folder, ignore_errors=True)


def run_in(copy, mutations, folder, output):
    rows = []
    for tests, group in groups(mutations):
        copy.keep_only(tests)
        expect_green(copy, tests, group, folder)
        for mutation in group:
            began = datetime.datetime.now()
            verdict, red = judge(copy, mutation, folder)
            seconds = round((datetime.datetime.now() - began).total_seconds())
            say(f"{mutation.name}: {verdict} {', '.join(red)} ({seconds} s)")
            rows.append((mutation, verdict, red))
            if output:
                # After each: a run that is cut off leaves what it has found.
                (output / "MUTATIONS.md").write_text(table(rows, len(mutations)))
    print(table(rows, len(mutations)))
    return all(verdict == "caught" for _, verdict, _ in rows)


def table(rows, planned):
    caught = sum(verdict == "caught" for _, verdict, _ in rows)
    swift = subprocess.run(["swift", "--version"], capture_output=True, text=True).stdout.splitlines()
    lines = [
        "# Seeded bugs and the clauses that caught them",
        "",
        f"{caught} of {len(rows)} caught{'' if len(rows) == planned else f', {planned} planned'}. Command `./lab check --mutations`, commit {git('rev-parse', '--short', 'HEAD')}, "
        f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, "
        f"{platform.system()} {platform.release()} {platform.machine()}, {swift[0] if swift else 'swift'}.",
        "",
        "| mutation | what | expected | caught by clause | verdict |",
        "| --- | --- | --- | --- | --- |",
    ]
    for mutation, verdict, red in sorted(rows, key=lambda row: row[0].name):
        cells = [mutation.name, mutation.what, ", ".join(mutation.clauses), "; ".join(red) or "-", verdict]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def say(text):
    print(f"mutations: {text}", file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser(prog="./lab check --mutations")
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--output", type=pathlib.Path, help="a folder for the table")
    parser.add_argument("--list", action="store_true", help="only say which there are, and whether their text and their tests are found")
    parser.add_argument(
        "--built-at", type=pathlib.Path, default=ROOT, help="where .build was built, when it was copied here")
    options = parser.parse_args()
    mutations = [Mutation(path) for path in sorted(HERE.glob("*.mutation"))]
    unknown = set(options.names) - {mutation.name for mutation in mutations}
    if unknown:
        sys.exit("no such mutation: " + ", ".join(sorted(unknown)))
    mutations = [mutation for mutation in mutations if not options.names or mutation.name in options.names]
    if options.list:
        stale = 0
        tests = "".join(path.read_text() for path in (ROOT / "Tests").rglob("*.swift"))
        for mutation in mutations:
            path = ROOT / mutation.file
            is_there = path.is_file() and mutation.applied(path.read_text()) is not None
            titled = all(clause.isdigit() or f'"{clause}"' in tests for clause in mutation.clauses)
            stale += not (is_there and titled)
            word = "STALE " if not is_there else "" if titled else "NO SUCH TEST "
            print(f"{mutation.name:28} {word}{mutation.what}")
        sys.exit(1 if stale else 0)
    sys.exit(0 if run(mutations, options.output, options.built_at) else 1)


if __name__ == "__main__":
    main()
