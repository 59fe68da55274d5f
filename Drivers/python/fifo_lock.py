"""redis-fifo-lock. It renews a lease as long as its process lives; lease_ms is the time after which another may follow
a process that died. It has no call to extend."""

import asyncio

import redis.asyncio
from redis_fifo_lock import FifoLock, LeaseLost

import driver


class RedisFifoLock:
    name, package, abilities = "redis-fifo-lock", "redis-fifo-lock", ["fence"]
    settings = {"defaults": "poll_ms 30000, max_hold_ms 1800000", "best": "poll_ms 100, max_hold_ms lease_ms + 1"}

    def __init__(self, urls, setting):
        self.url, self.is_bounded = urls[0], setting == "best"

    async def open(self):
        # A client belongs to one event loop, say its documents.
        self.client = redis.asyncio.Redis.from_url(self.url, max_connections=driver.CONNECTIONS)

    async def acquire(self, key, ttl_ms, wait_ms):
        options = {"poll_ms": 100, "max_hold_ms": ttl_ms + 1} if self.is_bounded else {}
        lock = FifoLock(self.client, key, lease_ms=ttl_ms, **options)
        try:
            lease = await lock.acquire(timeout=wait_ms / 1000)
        except asyncio.TimeoutError:
            return None
        return (lock, lease), {"fence": lease.fence}

    async def release(self, held):
        lock, lease = held
        try:
            await lock.release(lease)
            return "released"
        except LeaseLost:
            return "lost"


driver.main(RedisFifoLock)
