"""A driver whose lock keeps every clause of `lab-bench conformance`, and one fault of it at a time: --fault NAME.

Without --quorum it is a lock with fences on the first Redis of LAB_REDIS; with --quorum a majority of all of them decides.
"""
import argparse
import json
import os
import secrets
import socket
import sys
import threading
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

FAULTS = {
    "none": "nothing is wrong",
    "no-compare": "a release deletes the key without a look at its token",
    "ttl-never": "the key gets no time to live",
    "ttl-second": "the key gets its time to live by a second command",
    "client-clock": "the validity is measured by the wall clock of the client",
    "release-forever": "a release is tried again until the key is there",
    "extend-recreates": "an extension makes a key that has expired again",
    "contended-dead": "a Redis that does not answer is taken for a key that somebody holds",
    "quorum-half": "half of the servers are enough",
    "late-grant": "nobody looks whether the lease has ended when its grant arrives",
    "fence-restart": "the fence is a number that Redis counts from its start",
}

options = argparse.ArgumentParser()
options.add_argument("--fault", choices=FAULTS, default="none")
options.add_argument("--quorum", action="store_true")
chosen = options.parse_args()
fault = chosen.fault

urls = [urllib.parse.urlparse(url) for url in os.environ["LAB_REDIS"].split(",")]
nodes = [(url.hostname, url.port) for url in (urls if chosen.quorum else urls[:1])]
needed = len(nodes) // 2 if fault == "quorum-half" else len(nodes) // 2 + 1
needed = max(needed, 1)
patience = 0.3 if chosen.quorum else 2.0
own = threading.local()
turn = threading.Lock()
clock = time.time if fault == "client-clock" else time.monotonic

ACQUIRE = """
if not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 0 end
return redis.call('INCR', KEYS[2])"""
COMPARE = """
local token = redis.call('GET', KEYS[1])
if token == ARGV[1] then return redis.call(%s) end
if token then return -1 end
"""
RELEASE = COMPARE % "'DEL', KEYS[1]" + "return -2"
EXTEND = COMPARE % "'PEXPIRE', KEYS[1], ARGV[2]" + "return -2"
if fault == "no-compare":
    RELEASE = "return redis.call('DEL', KEYS[1]) == 1 and 1 or -2"
if fault == "extend-recreates":
    EXTEND = COMPARE % "'PEXPIRE', KEYS[1], ARGV[2]" + "redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) return 1"


class Refused(Exception):
    """Redis answered that it will not do it."""


def read(file):
    line = file.readline()
    if not line.endswith(b"\r\n"):
        raise ConnectionError("Redis closed the connection")
    kind, rest = line[:1], line[1:-2]
    if kind == b"-":
        raise Refused(rest.decode())
    if kind == b":":
        return int(rest)
    if kind == b"$" and int(rest) >= 0:
        return file.read(int(rest) + 2)[:-2].decode()
    return rest.decode() if kind == b"+" else None


def redis(node, *words):
    """One command on this thread's own connection, which is thrown away after an error."""
    files = own.__dict__.setdefault("files", {})
    try:
        if node not in files:
            files[node] = socket.create_connection(node, patience).makefile("rwb")
        parts = [str(word).encode() for word in words]
        files[node].write(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts))
        files[node].flush()
        return read(files[node])
    except (OSError, ValueError):
        files.pop(node, None)
        raise


def take(node, key, token, ttl_ms):
    """The fence, or 1 where there is none; 0 for a key that is taken."""
    if chosen.quorum:
        return 1 if redis(node, "SET", key, token, "NX", "PX", ttl_ms) else 0
    if fault == "ttl-never":
        return redis(node, "INCR", "fence:" + key) if redis(node, "SET", key, token, "NX") else 0
    if fault == "ttl-second":
        if not redis(node, "SETNX", key, token):
            return 0
        redis(node, "PEXPIRE", key, ttl_ms)
        return redis(node, "INCR", "fence:" + key)
    fence = redis(node, "EVAL", ACQUIRE, 2, key, "fence:" + key, token, ttl_ms)
    if fault == "fence-restart" and fence:
        stats = dict(line.split(":", 1) for line in redis(node, "INFO", "stats").split("\r\n") if ":" in line)
        return int(stats["total_commands_processed"])
    return fence


def withdraw(key, token):
    for node in nodes:
        try:
            redis(node, "EVAL", RELEASE, 1, key, token)
        except (OSError, Refused):
            pass


def acquire(key, ttl_ms, wait_ms, **_):
    until = time.monotonic() + wait_ms / 1000
    while True:
        token, asked, votes, failures = secrets.token_hex(16), clock(), [], []
        for node in nodes:
            try:
                votes += [fence for fence in [take(node, key, token, ttl_ms)] if fence]
            except (OSError, Refused) as error:
                failures.append(error)
        left = ttl_ms - (clock() - asked) * 1000 - ttl_ms * 0.01 - 2
        if fault == "late-grant":
            left = ttl_ms
        if len(votes) >= needed and left >= 1:
            granted = {"result": "granted", "handle": token, "validity_ms": int(left)}
            return granted if chosen.quorum else {**granted, "fence": votes[0]}
        if votes or failures:
            withdraw(key, token)
        if len(votes) >= needed:
            raise TimeoutError("the grant came when its validity was over")
        if len(failures) > len(nodes) - needed and fault != "contended-dead":
            raise failures[0]
        if time.monotonic() >= until:
            return {"result": "contended"}
        time.sleep(0.005)


def count(script, key, handle, *arguments):
    """What most nodes say: 1 it is done, -1 somebody else holds the key, -2 nobody does."""
    said, failures = [], []
    for node in nodes:
        try:
            said.append(redis(node, "EVAL", script, 1, key, handle, *arguments))
        except (OSError, Refused) as error:
            failures.append(error)
    if said.count(1) >= needed:
        return 1
    if len(failures) > len(nodes) - needed:
        raise failures[0]
    return -1 if -1 in said else -2


def extend(key, handle, ttl_ms, **_):
    asked = clock()
    word = {1: "extended", -1: "not_owner", -2: "absent"}[count(EXTEND, key, handle, ttl_ms)]
    left = ttl_ms - (clock() - asked) * 1000 - ttl_ms * 0.01 - 2
    return {"result": word, "validity_ms": int(left)} if word == "extended" else {"result": word}


def release(key, handle, **_):
    while True:
        done = count(RELEASE, key, handle)
        if done == 1 or fault != "release-forever":
            return {"result": {1: "released", -1: "not_owner", -2: "absent"}[done]}
        time.sleep(0.05)


def say(line):
    with turn:
        print(json.dumps(line), flush=True)


def answer(asked):
    try:
        say({"id": asked["id"], **{"acquire": acquire, "extend": extend, "release": release}[asked["op"]](**asked)})
    except Exception as error:
        say({"id": asked["id"], "result": "error", "message": repr(error), "unknown": True})


pool = ThreadPoolExecutor(200)
say({"hello": {"protocol": 1, "name": "faulty.py", "version": "1", "setting": FAULTS[fault],
               "abilities": ["extend", "quorum"] if chosen.quorum else ["extend", "fence"]}})
for line in sys.stdin:
    asked = json.loads(line)
    if asked["op"] == "quit":
        break
    pool.submit(answer, asked)
# A thread that waits for Redis keeps nobody waiting.
os._exit(0)
