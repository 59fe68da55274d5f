"""python-redis-lock. Expiry and waiting are whole seconds, and a wait must not be longer than the expiry."""

import redis
import redis_lock

import driver


class PythonRedisLock:
    name, package, abilities = "python-redis-lock", "python-redis-lock", ["extend"]
    settings = {"defaults": "a client with its defaults", "best": "a client without socket_timeout"}

    def __init__(self, urls, setting):
        options = {"socket_timeout": None} if setting == "best" else {}
        self.client = redis.Redis.from_url(urls[0], max_connections=driver.CONNECTIONS, **options)

    def acquire(self, key, ttl_ms, wait_ms):
        expire = driver.whole_seconds(ttl_ms)
        lock = redis_lock.Lock(self.client, key, expire=expire)
        if wait_ms:
            return lock if lock.acquire(timeout=min(expire, driver.whole_seconds(wait_ms))) else None
        return lock if lock.acquire(blocking=False) else None

    def extend(self, lock, ttl_ms):
        try:
            lock.extend(driver.whole_seconds(ttl_ms))
            return "extended"
        except redis_lock.NotAcquired:
            return "lost"

    def release(self, lock):
        try:
            lock.release()
            return "released"
        except redis_lock.NotAcquired:
            return "lost"


driver.main(PythonRedisLock)
