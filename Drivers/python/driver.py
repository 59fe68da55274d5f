"""The driver protocol for Python, written once: docs/DRIVERS.md. What a library does stands in its own file.

A file of a library has a class with `name`, `package`, `settings`, `abilities`, and the calls `acquire`, `extend`,
`release`. `acquire` returns what `release` needs, or None when another holder has the key; or a pair of it and of
fields of the answer (`fence`, `validity_ms`). `extend` and `release` return their result. Nothing is added to what the
library does: whatever it raises is answered as an error. An asyncio library has the same calls as coroutines.
"""

import asyncio
import importlib.metadata
import inspect
import itertools
import json
import math
import os
import sys
import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor

# A waiter of some libraries keeps a connection while it waits; redis-py's own limit is 100.
CONNECTIONS = 2_000


def whole_seconds(milliseconds):
    """For a library that takes whole seconds: never shorter than what was asked for."""
    return max(1, math.ceil(milliseconds / 1000))


class Leases:
    """What the library returned, by handle; the newest of them also after their release, so that a late release or
    a second one is answered by the library."""

    NEWEST = 20_000

    def __init__(self):
        self.count, self.turn, self.kept = itertools.count(), threading.Lock(), OrderedDict()

    def keep(self, lease):
        with self.turn:
            handle = str(next(self.count))
            self.kept[handle] = lease
            if len(self.kept) > self.NEWEST:
                self.kept.popitem(last=False)
            return handle

    def answer(self, asked, result):
        if asked["op"] != "acquire":
            return {"result": result}
        if result is None:
            return {"result": "contended"}
        lease, fields = result if isinstance(result, tuple) else (result, {})
        return {"result": "granted", "handle": self.keep(lease), **fields}

    def words(self, asked):
        """The arguments of the call that is asked for."""
        if asked["op"] == "acquire":
            return asked["key"], asked["ttl_ms"], asked["wait_ms"]
        lease = self.kept[asked["handle"]]
        return (lease, asked["ttl_ms"]) if asked["op"] == "extend" else (lease,)


turn = threading.Lock()


def say(line):
    with turn:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


def failed(asked, error):
    return {"id": asked["id"], "result": "error", "message": repr(error)[:2_000], "unknown": True}


def greet(library, setting):
    say({"hello": {
        "protocol": 1, "name": library.name, "version": importlib.metadata.version(library.package),
        "abilities": library.abilities, "setting": f"{setting}: {library.settings[setting]}"}})


def serve_threads(library):
    """One thread a request: a call that waits holds up no other."""
    leases, pool = Leases(), ThreadPoolExecutor(1_000)

    def answer(asked):
        try:
            result = getattr(library, asked["op"])(*leases.words(asked))
            say({"id": asked["id"], **leases.answer(asked, result)})
        except Exception as error:
            say(failed(asked, error))

    for line in sys.stdin:
        asked = json.loads(line)
        if asked["op"] == "quit":
            break
        pool.submit(answer, asked)


async def serve_loop(library):
    """One task a request, on one event loop."""
    leases, loop, tasks = Leases(), asyncio.get_running_loop(), set()
    await library.open()
    lines = asyncio.StreamReader(limit=1 << 17)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)

    async def answer(asked):
        try:
            result = await getattr(library, asked["op"])(*leases.words(asked))
            say({"id": asked["id"], **leases.answer(asked, result)})
        except Exception as error:
            say(failed(asked, error))

    while line := await lines.readline():
        asked = json.loads(line)
        if asked["op"] == "quit":
            break
        tasks.add(task := asyncio.create_task(answer(asked)))
        task.add_done_callback(tasks.discard)


def main(make):
    """Speaks for the library of this class, in the setting that the first argument names: `defaults` or another."""
    setting = sys.argv[1] if len(sys.argv) > 1 else "defaults"
    if setting not in make.settings or len(sys.argv) > 2:
        print(f"usage: {sys.argv[0]} [{'|'.join(make.settings)}]", file=sys.stderr)
        sys.exit(64)
    if "LAB_REDIS" not in os.environ:
        print(f"{sys.argv[0]}: LAB_REDIS is missing; lab-bench sets it (docs/DRIVERS.md)", file=sys.stderr)
        sys.exit(64)
    library = make(os.environ["LAB_REDIS"].split(","), setting)
    greet(library, setting)
    if inspect.iscoroutinefunction(library.acquire):
        asyncio.run(serve_loop(library))
    else:
        serve_threads(library)
    # Requests that still wait for a lock are of no interest any more.
    sys.stdout.flush()
    os._exit(0)
