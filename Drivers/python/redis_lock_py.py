"""redis-lock-py. Expiry is whole seconds. Its lock with notification has no call for one try: the wait is 1 ms then."""

import redis
from redis_lock import RedisLock, RedisSpinLock
from redis_lock.exceptions import ExtendFailedError, LockNotOwnedError

import driver


class RedisLockPy:
    name, package, abilities = "redis-lock-py", "redis-lock-py", ["extend"]
    settings = {"defaults": "RedisLock, pub/sub", "spin": "RedisSpinLock"}

    def __init__(self, urls, setting):
        self.client = redis.Redis.from_url(urls[0], max_connections=driver.CONNECTIONS)
        self.spins = setting == "spin"

    def acquire(self, key, ttl_ms, wait_ms):
        make = RedisSpinLock if self.spins else RedisLock
        lock = make(
            self.client, key, blocking_timeout=max(1, wait_ms) / 1000, expire_timeout=driver.whole_seconds(ttl_ms))
        options = {"blocking": wait_ms > 0} if self.spins else {}
        return lock if lock.acquire(**options) else None

    def extend(self, lock, ttl_ms):
        try:
            # It adds to what is left.
            lock.extend(driver.whole_seconds(ttl_ms))
            return "extended"
        except ExtendFailedError:
            return "lost"

    def release(self, lock):
        try:
            lock.release()
            return "released"
        except LockNotOwnedError:
            return "lost"


driver.main(RedisLockPy)
