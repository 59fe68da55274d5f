#!/usr/bin/env python3
"""Buyers on 200 connections (wrk) beside twelve hostile clients of three kinds, in two rounds, on a lab-server of its own.

    run.py SERVER SECONDS

SERVER is the built program; a round takes SECONDS. Ends with 0 when the server lived through both, every answer was a
sale or a refusal, what the hostile clients opened is closed, the second round left no more than a quarter more memory
in use than the first, and rows, sums and stock agree to the unit.
"""
import json
import os
import pathlib
import re
import resource
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
PASSWORD = "a pass phrase for the buyers"
FEW = 2000
EACH = 4
GROWTH = 1.25
# However this script ends, what it started goes with it.
BOUND = ["setpriv", "--pdeathsig", "KILL", "--"]


class Server:
    def __init__(self, program, directory):
        self.database = os.path.join(directory, "lab.sqlite")
        self.log = open(os.path.join(directory, "log"), "w+")
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 16384), hard))
        self.process = subprocess.Popen(
            BOUND + [program, "serve", "--dev", "--port", "0", "--database", "sqlite:" + self.database, "--bcrypt-cost", "4"],
            stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = self.process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)", line)
        if not found:
            raise SystemExit("hostile: the server did not start: " + line + pathlib.Path(self.log.name).read_text())
        self.port = int(found.group(1))
        self.token = None

    def call(self, method, path, body=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", method=method)
        if self.token:
            request.add_header("Authorization", "Bearer " + self.token)
        data = None
        if body is not None:
            request.add_header("Content-Type", "application/json")
            data = json.dumps(body).encode()
        with urllib.request.urlopen(request, data, timeout=60) as answer:
            return json.load(answer)

    def sign_in(self):
        who = {"username": "buyer", "password": PASSWORD}
        self.call("POST", "/api/auth/register", who)
        self.token = self.call("POST", "/api/auth/login", who)["access_token"]

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def resident_kib(self):
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", text).group(1))

    def stop(self):
        self.process.terminate()
        try:
            return self.process.wait(timeout=120)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return "did not end within 120 s of SIGTERM"


class Hostile(threading.Thread):
    """One client that does the same again and again; what it meets is no matter to it."""

    def __init__(self, port, request):
        super().__init__(daemon=True)
        self.port, self.request, self.turns, self.is_over = port, request, 0, threading.Event()

    def run(self):
        while not self.is_over.is_set():
            try:
                self.turn()
            except OSError:
                pass
            self.turns += 1
        self.end()

    def open(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=5)

    def end(self):
        pass


class Resetter(Hostile):
    name_of_kind = "resets after half an answer"

    def turn(self):
        client = self.open()
        client.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n")
        client.recv(1000)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()


class Staller(Hostile):
    name_of_kind = "sends half a request and waits"

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.waiting = []

    def turn(self):
        client = self.open()
        client.sendall(self.request[: len(self.request) // 2])
        self.waiting.append(client)
        # A hundred at a time, so that descriptors are held and not only touched.
        if len(self.waiting) > 100:
            self.waiting.pop(0).close()
        time.sleep(0.005)

    def end(self):
        for client in self.waiting:
            client.close()


class Garbler(Hostile):
    name_of_kind = "sends garbage"

    def turn(self):
        client = self.open()
        client.sendall(b"\x16\x03\x01\x00" + os.urandom(2000) + b"\r\n\r\n")
        while client.recv(4096):
            pass
        client.close()


def wait_until(condition, seconds=90):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def run_round(server, seconds, products):
    body = b'{"product_id":%d,"quantity":1}' % products[0]
    request = (b"POST /api/purchases HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json"
               b"\r\nContent-Length: %d\r\n\r\n%s" % (server.token.encode(), len(body), body))
    kinds = (Resetter, Staller, Garbler)
    clients = [kind(server.port, request) for kind in kinds for _ in range(EACH)]
    for client in clients:
        client.start()
    environment = dict(os.environ, LAB_TOKEN=server.token, LAB_PRODUCTS=",".join(map(str, products)))
    output = subprocess.run(
        BOUND + ["wrk", "-t2", "-c200", f"-d{seconds}s", "--timeout", "60s", "--latency", "-s", str(HERE / "buy.lua"),
         f"http://127.0.0.1:{server.port}"], env=environment, text=True, capture_output=True, check=True).stdout
    for client in clients:
        client.is_over.set()
    for client in clients:
        client.join()
    print(output.strip())
    turns = {kind.name_of_kind: sum(client.turns for client in clients if type(client) is kind) for kind in kinds}
    for name, count in turns.items():
        print(f"hostile: {EACH} clients, each {name}: {count} times")
    answers = {int(status): int(count) for status, count in re.findall(r"answers (\d+) (\d+)", output)}
    errors = {kind: int(count) for kind, count in re.findall(r"(connect|read|write|timeout) (\d+)", output)}
    return answers, errors, turns


def audit(server, products, stocks, least):
    """What is wrong between rows, the ledger's sums and the stock; rows may be more than answers that came."""
    findings = []
    rows = sqlite3.connect(f"file:{server.database}?mode=ro", uri=True)
    for product, stock in zip(products, stocks):
        supplied, sold = rows.execute("SELECT supplied, sold FROM products WHERE id = ?", (product,)).fetchone()
        count, units, keys = rows.execute(
            "SELECT count(*), coalesce(sum(quantity), 0), count(DISTINCT reservation_id) FROM purchases"
            " WHERE product_id = ?", (product,)).fetchone()
        print(f"hostile: product {product}: supplied {supplied}, sold {sold}, rows {count}, stock {stock}")
        if not (sold == units and supplied == stock + sold and keys == count and stock >= 0):
            findings.append(f"product {product} is not exact")
    total = rows.execute("SELECT count(*) FROM purchases").fetchone()[0]
    # A purchase that wrk was still waiting for at its end is a row without an answer.
    if not least <= total <= least + 400:
        findings.append(f"{total} rows for {least} answers of 200")
    rows.close()
    return findings


def main():
    program, seconds = sys.argv[1], int(sys.argv[2])
    findings = []
    with tempfile.TemporaryDirectory(prefix="lab-hostile") as directory:
        server = Server(program, directory)
        try:
            server.sign_in()
            products = [
                server.call("POST", "/api/products", {"name": "thing", "price": 1, "initial_stock": units})["id"]
                for units in (100_000_000, FEW)]
            bought = 1
            server.call("POST", "/api/purchases", {"product_id": products[0], "quantity": 1})
            before, memory = server.descriptors(), []
            print(f"hostile: before: {before} descriptors, {server.resident_kib() // 1024} MiB resident")
            for number in (1, 2):
                print(f"hostile: round {number}")
                answers, errors, turns = run_round(server, seconds, products)
                bought += answers.get(200, 0)
                # 503 is how a server sheds what is more than it can take: a refusal, and not a sale.
                if set(answers) - {200, 400, 503} or not answers.get(200):
                    findings.append(f"answers {answers}")
                if any(errors.values()):
                    findings.append(f"errors of the buyers {errors}")
                if any(count < 2 * EACH for count in turns.values()):
                    findings.append(f"the hostile clients hardly came to turn: {turns}")
                if server.process.poll() is not None:
                    raise SystemExit("hostile: the server ended: " + pathlib.Path(server.log.name).read_text()[-2000:])
                # SQLite opens up to four readers of two files when they are first needed together.
                if not wait_until(lambda: server.descriptors() <= before + 8):
                    findings.append(f"{server.descriptors()} descriptors are open, {before} were before")
                memory.append(server.resident_kib())
                print(f"hostile: after: {server.descriptors()} descriptors, {memory[-1] // 1024} MiB resident")
            if memory[1] > memory[0] * GROWTH:
                findings.append(f"memory grew from {memory[0]} to {memory[1]} KiB")
            stocks = [server.call("GET", f"/api/products/{product}/stock")["quantity"] for product in products]
        finally:
            status = server.stop()
        if status != 0:
            findings.append(f"the server ended with {status}")
        if re.search(r" (error|critical) ", pathlib.Path(server.log.name).read_text()):
            findings.append("the server's log has errors")
        findings += audit(server, products, stocks, bought)
    for finding in findings:
        print("hostile: FOUND: " + finding)
    print("hostile: " + ("failed" if findings else "nothing found"))
    raise SystemExit(1 if findings else 0)


main()
