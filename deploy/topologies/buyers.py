"""Buyers and readers on connections that stay open, until SIGTERM; then one line says what they were told.

    buyers.py HOST:PORT PRODUCT NAME      the token is the environment's TOKEN

Four buyers ask again under the same key until they have bought: `sold` purchases, after `again` other answers. Three ask
once and without a key: `plain` purchases, and `open` answers that refused, or never came. Two readers look at the stock:
`read` times, and `unread` times without an answer of 200. `pause_ms` is the longest time without a sale. Ends with 1 when an
answer is none that a buyer may get: another status than 200, 409, 502, 503 or 504, or a 503 without Retry-After.
"""
import collections
import http.client
import json
import os
import signal
import sys
import threading
import time

KEYED, PLAIN, READERS = 4, 3, 2
MAY_BE = {409, 502, 503, 504, None}

address, product, name = sys.argv[1:]
ended = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: ended.set())
guard = threading.Lock()
counts = collections.Counter()
words = collections.Counter()
wrong = []
last_sale = time.monotonic()
pause = 0.0


class Client:
    """One connection, made again when it ended."""

    def __init__(self):
        self.connection = None

    def ask(self, method, path, body=None, key=None):
        """The status; None when the connection ended without an answer."""
        headers = {"Authorization": "Bearer " + os.environ["TOKEN"], "Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection(address, timeout=90)
            self.connection.request(method, path, body, headers)
            answer = self.connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            self.connection = None
            return None
        if answer.status not in MAY_BE | {200} or (answer.status == 503 and not answer.headers["Retry-After"]):
            with guard:
                wrong.append(f"{method} {path}: {answer.status} {text[:300]!r}")
            ended.set()
        return answer.status


def count(kind, status):
    global last_sale, pause
    with guard:
        counts[kind] += 1
        if status != 200:
            words[f"{kind}:{status}"] += 1
        elif kind in ("sold", "plain"):
            now = time.monotonic()
            last_sale, pause = now, max(pause, now - last_sale)


def buy_with_keys(number):
    client, turn = Client(), 0
    order = json.dumps({"product_id": int(product), "quantity": 1})
    while not ended.is_set():
        turn += 1
        # One that was begun is asked for until it is known, also behind the end.
        limit = time.monotonic() + 120
        while (status := client.ask("POST", "/api/purchases", order, f"{name}-{number}-{turn}")) != 200:
            count("again", status)
            if wrong:
                return
            if time.monotonic() > limit:
                wrong.append(f"a purchase was never answered; the last word was {status}")
                ended.set()
                return
            time.sleep(0.1)
        count("sold", 200)


def buy_without(_):
    client = Client()
    order = json.dumps({"product_id": int(product), "quantity": 1})
    while not ended.is_set():
        status = client.ask("POST", "/api/purchases", order)
        count("plain" if status == 200 else "open", status)
        if status != 200:
            time.sleep(0.1)


def read(_):
    client = Client()
    while not ended.is_set():
        status = client.ask("GET", f"/api/products/{product}/stock")
        count("read" if status == 200 else "unread", status)
        time.sleep(0.005 if status == 200 else 0.1)


threads = [threading.Thread(target=work, args=(number,))
           for work, many in ((buy_with_keys, KEYED), (buy_without, PLAIN), (read, READERS)) for number in range(many)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
for sentence in wrong:
    print(sentence, file=sys.stderr)
print("other answers:", dict(words), file=sys.stderr)
print(*(f"{kind}={counts[kind]}" for kind in ("sold", "again", "plain", "open", "read", "unread")),
      f"pause_ms={round(pause * 1000)}")
sys.exit(1 if wrong else 0)
