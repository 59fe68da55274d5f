"""redlock-py, over all servers of LAB_REDIS. It has no call to extend, and its unlock says nothing about what it found:
the answer is `released` whenever it returns."""

import redis
import redlock

import driver


class RedlockPy:
    name, package, abilities = "redlock-py", "redlock-py", ["quorum"]
    settings = {"defaults": "retry_delay 0.2 s", "best": "retry_delay 0.05 s"}

    def __init__(self, urls, setting):
        self.servers = [redis.Redis.from_url(url, max_connections=driver.CONNECTIONS) for url in urls]
        self.delay_ms = 50 if setting == "best" else int(redlock.Redlock.default_retry_delay * 1000)

    def acquire(self, key, ttl_ms, wait_ms):
        # Its wait is a number of tries with a delay between them.
        manager = redlock.Redlock(
            self.servers, retry_count=1 + wait_ms // self.delay_ms, retry_delay=self.delay_ms / 1000)
        lock = manager.lock(key, ttl_ms)
        return ((manager, lock), {"validity_ms": lock.validity}) if lock else None

    def release(self, held):
        manager, lock = held
        manager.unlock(lock)
        return "released"


driver.main(RedlockPy)
