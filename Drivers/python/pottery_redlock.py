"""pottery's Redlock, over all servers of LAB_REDIS."""

import redis
from pottery import ExtendUnlockedLock, Redlock, ReleaseUnlockedLock

import driver


class PotteryRedlock:
    name, package, abilities = "pottery Redlock", "pottery", ["extend", "quorum"]
    settings = {"defaults": "raise_on_redis_errors False", "best": "raise_on_redis_errors True"}

    def __init__(self, urls, setting):
        self.masters = {redis.Redis.from_url(url, max_connections=driver.CONNECTIONS) for url in urls}
        self.options = {"raise_on_redis_errors": True} if setting == "best" else {}

    def acquire(self, key, ttl_ms, wait_ms):
        lock = Redlock(key=key, masters=self.masters, auto_release_time=ttl_ms / 1000, **self.options)
        waits = {"timeout": wait_ms / 1000} if wait_ms else {"blocking": False}
        return lock if lock.acquire(**waits) else None

    def extend(self, lock, ttl_ms):
        try:
            lock.auto_release_time = ttl_ms / 1000
            lock.extend()
            return "extended"
        except ExtendUnlockedLock:
            return "lost"

    def release(self, lock):
        try:
            lock.release()
            return "released"
        except ReleaseUnlockedLock:
            return "lost"


driver.main(PotteryRedlock)
