"""redis-py's Lock. `release` and `extend` raise one error, whoever has the key now: lost."""

import redis
from redis.exceptions import LockError

import driver


class RedisPy:
    name, package, abilities = "redis-py Lock", "redis", ["extend"]
    settings = {"defaults": "sleep 0.1 s", "best": "sleep 0.01 s"}

    def __init__(self, urls, setting):
        self.client = redis.Redis.from_url(urls[0], max_connections=driver.CONNECTIONS)
        self.options = {"sleep": 0.01} if setting == "best" else {}

    def acquire(self, key, ttl_ms, wait_ms):
        # The token of a lock is its thread's own by default; a release comes in another thread here, and for this the
        # documents name thread_local=False.
        lock = self.client.lock(key, timeout=ttl_ms / 1000, thread_local=False, **self.options)
        waits = {"blocking_timeout": wait_ms / 1000} if wait_ms else {"blocking": False}
        return lock if lock.acquire(**waits) else None

    def extend(self, lock, ttl_ms):
        try:
            lock.extend(ttl_ms / 1000, replace_ttl=True)
            return "extended"
        except LockError:
            return "lost"

    def release(self, lock):
        try:
            lock.release()
            return "released"
        except LockError:
            return "lost"


driver.main(RedisPy)
