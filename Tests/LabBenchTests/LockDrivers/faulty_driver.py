"""Drivers that do one thing wrong each: faulty_driver.py FAULT. They hold no lock."""
import json
import os
import sys
import time

fault = sys.argv[1]


def write(text):
    sys.stdout.write(text)
    sys.stdout.flush()


def say(line):
    write(json.dumps(line) + "\n")


def linger():
    time.sleep(600)


if fault == "dies":
    sys.exit("cannot import my_lock")
if fault == "hangs":
    linger()
if fault == "banner":
    write("Connecting to Redis…\n")
hello = {"protocol": 2 if fault == "version" else 1, "name": fault, "version": "1", "abilities": []}
if fault == "no-version":
    del hello["version"]
if fault == "no-newline":
    write(json.dumps({"hello": hello}))
    linger()
say({"hello": hello})
if fault == "hello-twice":
    say({"hello": hello})
if fault == "closes-stdin":
    os.close(0)
    linger()
if fault == "closes-stdout":
    os.close(1)
    linger()
for text in sys.stdin:
    asked = json.loads(text)
    if asked["op"] == "quit":
        break
    granted = {"id": asked["id"], "result": "granted", "handle": "h"}
    if asked["op"] == "release":
        if fault != "forgets":
            say({"id": asked["id"], "result": "released"})
    elif fault == "dies-later":
        sys.exit(7)
    elif fault == "garbage":
        write("Traceback (most recent call last):\n")
    elif fault == "list":
        write("[1, 2]\n")
    elif fault == "latin-1":
        sys.stdout.buffer.write(b'{"id": 1, "result": "\xfc"}\n')
        sys.stdout.flush()
    elif fault == "unknown-id":
        say({**granted, "id": 999})
    elif fault == "no-id":
        say({"result": "granted", "handle": "h"})
    elif fault == "text-id":
        say({**granted, "id": str(asked["id"])})
    elif fault == "no-handle":
        say({"id": asked["id"], "result": "granted"})
    elif fault == "huge-handle":
        say({**granted, "handle": "h" * 5000})
    elif fault == "huge-line":
        say({**granted, "message": "m" * 70000})
    elif fault == "wrong-word":
        say({"id": asked["id"], "result": "released"})
    elif fault == "too-valid":
        say({**granted, "validity_ms": 20000})
    elif fault == "error":
        say({"id": asked["id"], "result": "error", "message": "Redis is loading"})
    else:
        say(granted)
        if fault == "twice":
            say(granted)
