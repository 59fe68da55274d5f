"""aioredlock, over all servers of LAB_REDIS."""

from aioredlock import Aioredlock, LockError
from aioredlock.errors import LockAcquiringError, LockRuntimeError

import driver


class AioredlockLock:
    name, package, abilities = "aioredlock", "aioredlock", ["extend", "quorum"]
    settings = {"defaults": "retry_delay 0.1 to 0.3 s", "best": "retry_delay 0.01 to 0.05 s"}

    def __init__(self, urls, setting):
        self.urls, self.managers = urls, {}
        self.least, self.most = (0.01, 0.05) if setting == "best" else (0.1, 0.3)

    async def open(self):
        pass

    def manager(self, tries):
        # Its wait is a number of tries with a delay between them.
        if tries not in self.managers:
            self.managers[tries] = Aioredlock(
                self.urls, retry_count=tries, retry_delay_min=self.least, retry_delay_max=self.most)
        return self.managers[tries]

    async def acquire(self, key, ttl_ms, wait_ms):
        manager = self.manager(1 + int(wait_ms / 1000 / ((self.least + self.most) / 2)))
        try:
            return (manager, await manager.lock(key, lock_timeout=ttl_ms / 1000)), {}
        except LockAcquiringError:
            return None

    async def extend(self, held, ttl_ms):
        manager, lock = held
        try:
            await manager.extend(lock, lock_timeout=ttl_ms / 1000)
            return "extended"
        except LockRuntimeError:
            raise
        except (LockError, RuntimeError):
            return "lost"

    async def release(self, held):
        manager, lock = held
        try:
            await manager.unlock(lock)
            return "released"
        except LockRuntimeError:
            raise
        except LockError:
            return "lost"


driver.main(AioredlockLock)
