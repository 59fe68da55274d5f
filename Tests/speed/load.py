"""Loads, and what came of them."""
import json
import os
import pathlib
import re
import socket
import subprocess
import threading
import time

from shops import BOUND, Failure

HERE = pathlib.Path(__file__).resolve().parent
# The route that does nothing.
BARE = "/health/live"
LUA_ATOMIC = HERE.parent.parent / "Sources/LockStrategies/Scripts/lua-atomic.lua"


def output(words, **more):
    done = subprocess.run([str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          **more)
    if done.returncode != 0:
        raise Failure(f"{pathlib.Path(str(words[0])).name} ended with {done.returncode}: {done.stderr[-1500:]}")
    return done.stdout


def wrk(shop, seconds, connections=100, buys=True):
    """Requests a second of 200s, median and 99th percentile in milliseconds; every other answer is a failure."""
    environment = dict(os.environ)
    environment.pop("PRODUCT", None)
    if buys:
        environment.update(PRODUCT=str(shop.product), TOKENS=shop.token_file)
    target = shop.address if buys else shop.address + BARE
    text = output(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", HERE / "requests.lua",
                   target], env=environment)
    found = re.search(r"RESULT (\d+) (\d+) (\d+) (\d+) (\d+) (\d+)", text)
    if not found:
        raise Failure("wrk did not print a result: " + text[-500:])
    requests, refused, unanswered, length, median, tail = (int(word) for word in found.groups())
    if requests == refused:
        raise Failure(f"{shop.kind}: no request succeeded within {seconds} s on {connections} connections")
    # A polling lock may keep a buyer from the lock until its patience ends: that is an answer, but no sale.
    if unanswered or refused > requests // 100:
        raise Failure(f"{shop.kind}: {refused} of {requests} answers were refusals, {unanswered} never came")
    return {"rate": (requests - refused) * 1e6 / length, "p50_ms": median / 1000, "p99_ms": tail / 1000,
            "answered": requests - refused, "refused": refused}


def selling(shop, seconds, connections=100):
    """A load of purchases behind a warm-up of a second, with the server's own processor time; audited."""
    warm = wrk(shop, 1, connections)
    before = shop.process.processor_seconds()
    found = wrk(shop, seconds, connections)
    spent = shop.process.processor_seconds() - before
    found["server_cpu_us"] = spent / max(1, found["answered"]) * 1e6
    found["server_peak_mb"] = shop.process.peak_mb()
    shop.audit(found["answered"] + warm["answered"], 2 * connections)
    return found


def bare(shop, seconds):
    wrk(shop, 1, buys=False)
    return wrk(shop, seconds, buys=False)


class Connection:
    """A buyer's own connection; it sends the next purchase when the last one was answered. Without a token it asks
    for the route that does nothing."""

    def __init__(self, shop, token):
        host, port = shop.address.removeprefix("http://").split(":")
        self.socket = socket.create_connection((host, int(port)), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if token is None:
            self.usual = f"GET {BARE} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode()
            return
        body = json.dumps({"product_id": shop.product, "quantity": 1})
        self.head = (f"POST /api/purchases HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {token}\r\n"
                     f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n")
        self.body = body
        self.usual = f"{self.head}\r\n{body}".encode()

    def buy(self, key=None):
        """Raises OSError when the answer is no sale. `key` is an idempotency key."""
        request = self.usual if key is None else f"{self.head}Idempotency-Key: {key}\r\n\r\n{self.body}".encode()
        self.socket.sendall(request)
        text = b""
        while True:
            some = self.socket.recv(65536)
            if not some:
                raise OSError("the server closed the connection")
            text += some
            head, gap, body = text.partition(b"\r\n\r\n")
            length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
            if gap and length and len(body) >= int(length.group(1)):
                if not text.startswith(b"HTTP/1.1 200"):
                    raise OSError("an answer was no sale")
                return

    def close(self):
        self.socket.close()


class Buyer(threading.Thread):
    """One buyer of an open load: a purchase starts when it is due, however long the ones of others take."""

    def __init__(self, connection, first, step, end):
        super().__init__(daemon=True)
        self.connection, self.first, self.step, self.end = connection, first, step, end
        self.sold, self.failure = 0, None

    def run(self):
        try:
            due = self.first
            while due < self.end:
                time.sleep(max(0, due - time.monotonic()))
                self.connection.buy()
                self.sold += 1
                due += self.step
        except OSError as error:
            self.failure = str(error)
        finally:
            self.connection.close()


def quiet(shop, seconds, rate=300, connections=30, buys=True):
    """Milliseconds of the server's processor time for each purchase of an open load, or for each bare request."""
    def run(length):
        start = time.monotonic() + 0.1
        tokens = shop.tokens if buys else [None]
        buyers = [Buyer(Connection(shop, tokens[number % len(tokens)]), start + number / rate,
                        connections / rate, start + length) for number in range(connections)]
        for buyer in buyers:
            buyer.start()
        for buyer in buyers:
            buyer.join()
        failures = [buyer.failure for buyer in buyers if buyer.failure]
        if failures:
            raise Failure(f"{shop.kind}: {failures[0]}")
        return sum(buyer.sold for buyer in buyers)

    warm = run(1)
    before = shop.process.processor_seconds()
    sold = run(seconds)
    spent = shop.process.processor_seconds() - before
    if buys:
        shop.audit(sold + warm, 0)
    return {"cpu_ms": spent / sold * 1000, "answered": sold}


def redis_benchmark(redis, seconds, words, expected, *options):
    """Commands a second."""
    text = output(["redis-benchmark", "-s", redis.socket, "-n", int(expected * seconds), "--csv", *options, *words])
    last = text.strip().splitlines()[-1]
    found = re.search(r'","([\d.]+)"', last)
    if not found:
        raise Failure("redis-benchmark did not print a rate: " + text[-300:])
    return float(found.group(1))


def scripted(redis, seconds):
    """Calls a second of the script of lua-atomic, as fast as redis-benchmark sends them on 100 connections."""
    command = ["redis-cli", "-s", redis.socket]
    digest = output([*command, "-x", "SCRIPT", "LOAD"], input=LUA_ATOMIC.read_text()).strip()
    output([*command, "SET", "stock:{1}", 10 ** 12])
    rate = redis_benchmark(
        redis, seconds, ["EVALSHA", digest, 4, "stock:{1}", "reservations:{1}", "epoch:{1}",
                         "ended:{1}:__rand_int__", "__rand_int__", 1],
        150_000, "-c", 100, "-P", 50, "-r", 10 ** 11)
    if int(output([*command, "GET", "stock:{1}"])) >= 10 ** 12:
        raise Failure("redis-benchmark took nothing from the stock: its script was refused")
    return {"rate": rate}


def round_trips(redis, seconds):
    """Commands a second that wait for each other on one connection: one through the time of a round trip."""
    return {"rate": redis_benchmark(redis, seconds, ["GET", "x"], 25_000, "-c", 1)}


def bench(program, strategy, seconds, folder, *options):
    """One trial of lab-bench: its rate, and the most memory that lab-bench itself had."""
    words = [program, "run", "--strategies", strategy, "--model", "closed", "--rounds", 1, "--duration", seconds,
             "--no-ceilings", "--seed", 1, "--quiet", "--output", folder, *options]
    child = subprocess.Popen(BOUND + [str(word) for word in words], stdout=subprocess.DEVNULL,
                             stderr=subprocess.PIPE, text=True)
    peak = 0
    status = pathlib.Path(f"/proc/{child.pid}/status")
    while child.poll() is None:
        found = re.search(r"VmHWM:\s+(\d+)", status.read_text() if status.exists() else "")
        peak = max(peak, int(found.group(1)) * 1024 / 1e6 if found else 0)
        time.sleep(0.02)
    file = pathlib.Path(folder) / "results.json"
    if not file.exists():
        raise Failure(f"lab-bench ended with {child.returncode}: {child.stderr.read()[-1500:]}")
    results = json.loads(file.read_text())
    # The negative control ran too.
    trial = next((trial for trial in results["trials"] if trial["strategy"] == strategy), None)
    # A trial that other work on the machine disturbed is left out there. Here what it is compared with ran beside the
    # same work, so its figure counts, and the table says so.
    disturbed = [] if trial else [spoilt for spoilt in results["spoilt"] if spoilt["strategy"] == strategy]
    if not trial and not disturbed:
        raise Failure(f"lab-bench has no trial of {strategy}: {results['verdict']['sentence']}")
    if child.returncode == 4:
        raise Failure(f"lab-bench found {strategy} to sell wrongly")
    rate = (trial or disturbed[-1])["purchases_per_second"]
    return {"rate": rate, "peak_mb": peak, "disturbed": int(trial is None)}
