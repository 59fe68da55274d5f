"""Servers that sell, each with a Redis and a database of its own, and what the system says of their processes."""
import json
import os
import pathlib
import re
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request

# However this script ends, what it started goes with it.
BOUND = ["setpriv", "--pdeathsig", "KILL", "--"]
SECRET = "a secret of a benchmark, at least 32 bytes long"
PASSWORD = "a pass phrase for the buyers"
STOCK = 100_000_000
TICKS = os.sysconf("SC_CLK_TCK")


class Failure(Exception):
    """Something that was to be measured could not be measured; the text says why."""


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Process:
    """A child whose first line of output may say that it is ready."""

    def __init__(self, words, log, environment=None):
        self.name, self.log = pathlib.Path(words[0]).name, log
        with open(log, "w") as errors:
            self.child = subprocess.Popen(
                BOUND + [str(word) for word in words], stdout=subprocess.PIPE, stderr=errors, text=True,
                env=dict(os.environ, **(environment or {})))

    def address(self):
        line = self.child.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", line)
        if not found:
            raise Failure(f"{self.name} did not start: {line}{pathlib.Path(self.log).read_text()[-2000:]}")
        return found.group(0)

    def stop(self):
        self.child.terminate()
        try:
            self.child.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        self.child.stdout.close()

    def processor_seconds(self):
        """User and kernel time of all its threads."""
        words = pathlib.Path(f"/proc/{self.child.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(words[11]) + int(words[12])) / TICKS

    def peak_mb(self):
        """The most that was ever in memory."""
        text = pathlib.Path(f"/proc/{self.child.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+)", text)
        return int(found.group(1)) * 1024 / 1e6 if found else 0


class Redis:
    """A redis-server that keeps nothing, on TCP and on a socket file."""

    def __init__(self):
        # The path of a socket may have about a hundred characters, so it does not stand below the folder of the run.
        self.folder = tempfile.mkdtemp(prefix="lab-speed-")
        self.port, self.socket = free_port(), os.path.join(self.folder, "redis.sock")
        self.process = Process(
            ["redis-server", "--bind", "127.0.0.1", "--port", self.port, "--unixsocket", self.socket,
             "--save", "", "--appendonly", "no", "--dir", self.folder], os.path.join(self.folder, "log"))
        self.url = f"redis://127.0.0.1:{self.port}/0"
        # Its lines are not read; a pipe that is full would stop it.
        threading.Thread(target=self.process.child.stdout.read, daemon=True).start()
        for _ in range(200):
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1) as look:
                    look.sendall(b"PING\r\n")
                    if look.recv(100) == b"+PONG\r\n":
                        return
            except OSError:
                pass
            time.sleep(0.05)
        raise Failure("redis-server did not start")

    def stop(self):
        self.process.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class Shop:
    """A server, started afresh in a folder of its own. `program` is what `kind` runs."""

    # A tenth of a second each, for what wrk no longer waited for.
    audit_tries = 100

    def __init__(self, folder, kind, program, strategy=None, buyers=100, environment=None):
        self.folder, self.kind = str(folder), kind
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        self.redis, self.process = [], None
        self.database = os.path.join(self.folder, "shop.sqlite")
        try:
            if kind != "bare":
                for _ in range(4 if strategy == "redlock" else 1):
                    self.redis.append(Redis())
            self.process = Process(self.words(program, strategy), os.path.join(self.folder, "log"), environment)
            self.address = self.process.address()
            if kind != "bare":
                self.open(buyers)
        except BaseException:
            self.stop()
            raise

    def words(self, program, strategy):
        urls = ",".join(each.url for each in self.redis)
        if self.kind == "lab":
            # A random secret and cheap password hashes; the rest is as it is shipped.
            return [program, "serve", "--dev", "--bcrypt-cost", "4", "--port", "0", "--strategy", strategy,
                    "--redis", urls, "--database", "sqlite:" + self.database]
        if self.kind == "go":
            return [program, "--hash-cost", "4", "--strategy", strategy, "--redis", urls, "--secret", SECRET,
                    "--database", self.database]
        return [program]

    def call(self, method, path, body=None, token=None):
        request = urllib.request.Request(self.address + path, method=method)
        data = None
        if token:
            request.add_header("Authorization", "Bearer " + token)
        if body is not None:
            request.add_header("Content-Type", "application/json")
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
        try:
            with urllib.request.urlopen(request, data, timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as answer:
            return answer.code, None

    def signed_in(self, name):
        who = {"username": name, "password": PASSWORD}
        self.call("POST", "/api/auth/register", who)
        status, answer = self.call("POST", "/api/auth/login", who)
        if status != 200:
            raise Failure(f"{self.kind}: a buyer could not sign in: {status}")
        return answer["access_token"]

    def open(self, buyers):
        self.tokens = [self.signed_in(f"buyer{number}") for number in range(buyers)]
        self.token_file = os.path.join(self.folder, "tokens")
        pathlib.Path(self.token_file).write_text("".join(token + "\n" for token in self.tokens))
        status, product = self.call(
            "POST", "/api/products", {"name": "thing", "price": 300, "initial_stock": STOCK}, self.tokens[0])
        if status != 201:
            raise Failure(f"{self.kind}: no product could be made: {status}")
        self.product = product["id"]

    def audit(self, answered, dropped):
        """Holds stock, rows and answers against each other; `dropped` answers at most were not counted."""
        for _ in range(self.audit_tries):
            left = self.call("GET", f"/api/products/{self.product}", token=self.tokens[0])[1]["current_stock"]
            with sqlite3.connect(f"file:{self.database}?mode=ro", uri=True) as rows:
                sold = rows.execute("SELECT coalesce(sum(quantity), 0) FROM purchases").fetchone()[0]
            if STOCK - left == sold and answered <= sold <= answered + dropped:
                return
            time.sleep(0.1)
        raise Failure(f"{self.kind}: {answered} sales were answered, {sold} stand in the ledger, "
                      f"and the stock fell by {STOCK - left}")

    def stop(self):
        for each in [self.process, *self.redis]:
            if each:
                each.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def statuses(shop):
    """What the shop answers to requests of every kind that the peers have in common."""
    first = shop.tokens[0]
    who = {"username": "somebody", "password": PASSWORD}
    small = shop.call("POST", "/api/products", {"name": "few", "price": 1, "initial_stock": 1}, first)[1]["id"]
    one = {"product_id": small, "quantity": 1}
    asked = [
        ("GET", "/health/live", None, None),
        ("POST", "/api/auth/register", who, None), ("POST", "/api/auth/register", who, None),
        ("POST", "/api/auth/register", {"username": "", "password": PASSWORD}, None),
        ("POST", "/api/auth/login", who, None),
        ("POST", "/api/auth/login", dict(who, password="another pass phrase"), None),
        ("POST", "/api/auth/login", dict(who, username="nobody"), None),
        ("POST", "/api/products", {"name": "x", "price": 1, "initial_stock": 1}, None),
        ("POST", "/api/products", {"name": "", "price": 1, "initial_stock": 1}, first),
        ("POST", "/api/products", {"name": "x", "price": -1, "initial_stock": 1}, first),
        ("GET", f"/api/products/{small}", None, first), ("GET", "/api/products/987654", None, first),
        ("GET", f"/api/products/{small}", None, None),
        ("POST", "/api/purchases", one, None), ("POST", "/api/purchases", one, "no.good.token"),
        ("POST", "/api/purchases", one, first), ("POST", "/api/purchases", one, first),
        ("POST", "/api/purchases", dict(one, product_id=987654), first),
        ("POST", "/api/purchases", dict(one, quantity=0), first),
        ("POST", "/api/purchases", b"no json", first),
        ("GET", "/api/purchases/me", None, first), ("GET", "/api/purchases/me?limit=0", None, first),
        ("GET", "/api/purchases/me", None, None), ("GET", "/nowhere", None, None),
    ]
    return [(f"{method} {path} {body if token is None else 'signed in, ' + str(body)}",
             shop.call(method, path, body, token)[0]) for method, path, body, token in asked]
