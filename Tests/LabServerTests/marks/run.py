#!/usr/bin/env python3
"""Shows what a long history of a product costs its buyers: two equal servers, one with a million marks of ended
reservations in its Redis, asked in turn.

    run.py SERVER [MARKS] [ROUNDS]

SERVER is the built program, for release if the numbers are to mean anything. Each round has four loads of four seconds:
purchases and looks at the stock, of either server, in an order that changes with the round. Both servers compare Redis
with the ledger every second meanwhile. Prints the medians and their ratio, with over without; a ratio is for a reader to
judge, so the exit code says only that all was measured and that both sold exactly.
"""
import json
import os
import pathlib
import re
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import urllib.request

PASSWORD = "a pass phrase for the buyers"
SECONDS = 4
# However this script ends, what it started goes with it.
BOUND = ["setpriv", "--pdeathsig", "KILL", "--"]


class Shop:
    """A server with one product and one buyer."""

    def __init__(self, program, directory, name):
        self.name, self.database = name, os.path.join(directory, name + ".sqlite")
        self.process = subprocess.Popen(
            BOUND + [program, "serve", "--dev", "--port", "0", "--database", "sqlite:" + self.database,
                     "--bcrypt-cost", "4", "--reconcile-interval-s", "1"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        found = re.search(r"http://127\.0\.0\.1:(\d+)", self.process.stdout.readline())
        if not found:
            sys.exit("marks: the server did not start")
        self.address, self.token = found.group(0), None
        who = {"username": "buyer", "password": PASSWORD}
        self.call("POST", "/api/auth/register", who)
        self.token = self.call("POST", "/api/auth/login", who)["access_token"]
        self.product = self.call(
            "POST", "/api/products", {"name": "thing", "price": 100, "initial_stock": 100_000_000})["id"]

    def call(self, method, path, body=None):
        request = urllib.request.Request(self.address + path, method=method)
        if self.token:
            request.add_header("Authorization", "Bearer " + self.token)
        data = None
        if body is not None:
            request.add_header("Content-Type", "application/json")
            data = json.dumps(body).encode()
        with urllib.request.urlopen(request, data, timeout=60) as answer:
            return json.load(answer)

    def add_marks(self, count):
        """As so many returns within the hour leave them."""
        redis = socket.socket(socket.AF_UNIX)
        redis.connect(self.database + ".redis/redis.sock")
        answers = redis.makefile("rb")
        for start in range(0, count, 10_000):
            some = range(start, min(start + 10_000, count))
            commands = []
            for number in some:
                key = f"ended:{{{self.product}}}:{number:032x}"
                commands.append(f"*5\r\n$3\r\nSET\r\n${len(key)}\r\n{key}\r\n$1\r\n1\r\n$2\r\nPX\r\n$7\r\n3600000\r\n")
            redis.sendall("".join(commands).encode())
            for _ in some:
                if answers.readline() != b"+OK\r\n":
                    sys.exit("marks: Redis did not take a mark")
        redis.close()

    def load(self, script):
        """Requests a second and the 99th percentile in milliseconds, of wrk with 100 connections."""
        environment = dict(os.environ, TOKEN=self.token, PRODUCT=str(self.product))
        out = subprocess.run(
            ["wrk", "-t1", "-c100", f"-d{SECONDS}s", "--latency", "-s", script, self.address], text=True,
            capture_output=True, env=environment, check=True).stdout
        if "Non-2xx" in out:
            sys.exit("marks: not every answer was 200:\n" + out)
        number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", out).groups()
        return (float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1)),
                float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit])

    def is_exact(self):
        stock = self.call("GET", f"/api/products/{self.product}/stock")["quantity"]
        rows = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)
        sold = rows.execute("SELECT coalesce(sum(quantity), 0) FROM purchases").fetchone()[0]
        return stock + sold == 100_000_000

    def stop(self):
        self.process.terminate()
        return self.process.wait(timeout=120)


SCRIPTS = {
    "purchase": """
        wrk.method = "POST"
        wrk.path = "/api/purchases"
        wrk.headers["Content-Type"] = "application/json"
        wrk.headers["Authorization"] = "Bearer " .. os.getenv("TOKEN")
        wrk.body = '{"product_id":' .. os.getenv("PRODUCT") .. ',"quantity":1}'
        """,
    "stock": """
        wrk.path = "/api/products/" .. os.getenv("PRODUCT") .. "/stock"
        wrk.headers["Authorization"] = "Bearer " .. os.getenv("TOKEN")
        """,
}


def main():
    if not 2 <= len(sys.argv) <= 4:
        sys.exit(__doc__)
    program = sys.argv[1]
    marks, rounds = (int(word) for word in (sys.argv[2:] + ["1000000", "5"][len(sys.argv) - 2:]))
    with tempfile.TemporaryDirectory(prefix="lab-marks-") as directory:
        scripts = {}
        for name, text in SCRIPTS.items():
            scripts[name] = os.path.join(directory, name + ".lua")
            pathlib.Path(scripts[name]).write_text(text)
        shops = [Shop(program, directory, "without"), Shop(program, directory, "with")]
        shops[1].add_marks(marks)
        found = {(kind, shop.name): [] for kind in scripts for shop in shops}
        for number in range(rounds):
            for kind, script in scripts.items():
                for shop in shops if number % 2 == 0 else reversed(shops):
                    found[kind, shop.name].append(shop.load(script))
        exact = all(shop.is_exact() for shop in shops)
        ends = [shop.stop() for shop in shops]
    print(f"{marks:,} marks, {rounds} rounds of {SECONDS} s, 100 connections, medians")
    for kind in scripts:
        rate, tail = ({name: statistics.median(trial[index] for trial in found[kind, name])
                       for name in ("without", "with")} for index in (0, 1))
        print(f"{kind:8}  without {rate['without']:9,.0f}/s, p99 {tail['without']:6.1f} ms   "
              f"with {rate['with']:9,.0f}/s, p99 {tail['with']:6.1f} ms   "
              f"rate {rate['with'] / rate['without']:.3f}, p99 {tail['with'] / tail['without']:.3f}")
    print("stock and ledger agree" if exact else "STOCK AND LEDGER DIFFER")
    sys.exit(0 if exact and ends == [0, 0] else 1)


if __name__ == "__main__":
    main()
