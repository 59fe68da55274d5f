"""Each finding of docs/LIBRARIES.md, as few lines of plain Python against a redis-server: the lab takes no part.

    python3 Drivers/findings/findings.py ID     makes it once, and prints a line of JSON: whether it was seen, what was seen
    python3 Drivers/findings/findings.py        lists them

Each wants an environment with its library: ./lab libraries makes them.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from unittest import mock

from plain import Relay, Server, killed, timed

FINDINGS = {}


def finding(library, *steps):
    """The library, and the shortest sequence of operations that shows it."""
    def add(function):
        FINDINGS[function.__name__.replace("_", "-")] = {"library": library, "steps": steps, "make": function}
        return function
    return add


def hold_ms(server, key):
    return int(server.ask("PTTL", key))


# python-redis-lock


@finding(
    "python-redis-lock", "Lock(client, 'a', expire=100).acquire()",
    "Lock(client, 'a', expire=100).acquire(timeout=6), with a client of redis-py 8.1.0 and its defaults")
def wait_longer_than_socket_timeout(server):
    import redis
    import redis_lock
    client = redis.Redis(port=server.port)
    redis_lock.Lock(client, "a", expire=100).acquire()
    result, seconds = timed(lambda: redis_lock.Lock(client, "a", expire=100).acquire(timeout=6))
    return result == "raised TimeoutError", f"{result} after {seconds:.0f} s"


@finding("python-redis-lock", "Lock(client, 'a', expire=1.5).acquire()", "PTTL lock:a")
def expire_with_a_fraction(server):
    import redis
    import redis_lock
    redis_lock.Lock(redis.Redis(port=server.port), "a", expire=1.5).acquire()
    left = hold_ms(server, "lock:a")
    return 0 < left <= 1000, f"{left} ms"


@finding(
    "python-redis-lock", "Lock(client, 'a', expire=3).acquire()",
    "Lock(client, 'a', expire=3).acquire(timeout=0.5)")
def timeout_below_one_second(server):
    import redis
    import redis_lock
    client = redis.Redis(port=server.port)
    redis_lock.Lock(client, "a", expire=3).acquire()
    result, seconds = timed(lambda: redis_lock.Lock(client, "a", expire=3).acquire(timeout=0.5))
    return seconds > 2, f"{result} after {seconds:.1f} s"


@finding(
    "python-redis-lock", "Lock(client, 'a', expire=10).acquire(blocking=False)",
    "the connection is cut after Redis carried out SET, before its answer", "PTTL lock:a")
def reply_lost_python_redis_lock(server):
    import redis
    import redis_lock
    client = redis.Redis(port=Relay(server, "NX\r\n").port)
    result, _ = timed(lambda: redis_lock.Lock(client, "a", expire=10).acquire(blocking=False))
    left = hold_ms(server, "lock:a")
    return result == "False" and left > 8000, f"{result}; the key lives for {left / 1000:.1f} s"


# redis-py and redis-lock-py


@finding(
    "redis-py", "client.lock('a', timeout=10).acquire(blocking=False)",
    "the connection is cut after Redis carried out SET, before its answer", "PTTL a")
def reply_lost_redis_py(server):
    import redis
    client = redis.Redis(port=Relay(server, "NX\r\n").port)
    result, _ = timed(lambda: client.lock("a", timeout=10).acquire(blocking=False))
    left = hold_ms(server, "a")
    return result == "False" and left > 8000, f"{result}; the key lives for {left / 1000:.1f} s"


@finding(
    "redis-py", "lock = client.lock('a', timeout=60); lock.acquire()", "REPLICAOF 127.0.0.1 1: Redis refuses writes",
    "lock.release()", "REPLICAOF NO ONE: Redis takes writes again", "lock.release()", "PTTL a")
def release_refused_once(server):
    import redis
    lock = redis.Redis(port=server.port).lock("a", timeout=60)
    lock.acquire()
    server.ask("REPLICAOF", "127.0.0.1", 1)
    first, _ = timed(lock.release)
    server.ask("REPLICAOF", "NO", "ONE")
    second, _ = timed(lock.release)
    left = hold_ms(server, "a")
    return second == "raised LockError" and left > 50_000, f"{first}, then {second}; the key lives for {left / 1000:.0f} s"


@finding(
    "redis-lock-py", "RedisLock(client, 'a', blocking_timeout=0.5, expire_timeout=10).acquire()",
    "the connection is cut after Redis carried out SET, before its answer", "PTTL a")
def reply_lost_redis_lock_py(server):
    import redis
    from redis_lock import RedisLock
    client = redis.Redis(port=Relay(server, "NX\r\n").port)
    result, _ = timed(lambda: RedisLock(client, "a", blocking_timeout=0.5, expire_timeout=10).acquire())
    left = hold_ms(server, "a")
    return result == "False" and left > 8000, f"{result}; the key lives for {left / 1000:.1f} s"


@finding(
    "redis-lock-py", "RedisLock(client, 'a', expire_timeout=1).acquire(), and no release",
    "RedisLock(client, 'a', blocking_timeout=1.8, expire_timeout=1).acquire()", "EXISTS a")
def no_try_at_the_end_of_the_wait(server):
    import redis
    from redis_lock import RedisLock
    client = redis.Redis(port=server.port)
    RedisLock(client, "a", expire_timeout=1).acquire()
    result, seconds = timed(RedisLock(client, "a", blocking_timeout=1.8, expire_timeout=1).acquire)
    exists = server.ask("EXISTS", "a")
    return result == "False" and exists == "0", f"{result} after {seconds:.1f} s; the key is gone"


# redis-fifo-lock

HOLDER = """
import asyncio, sys, redis.asyncio, redis_fifo_lock
async def main():
    client = redis.asyncio.Redis(port=int(sys.argv[1]))
    print(await redis_fifo_lock.FifoLock(client, "a", lease_ms=1000).acquire(), flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


def fifo_wait(server, timeout):
    import redis.asyncio
    from redis_fifo_lock import FifoLock

    async def main():
        return await FifoLock(redis.asyncio.Redis(port=server.port), "a", lease_ms=1000).acquire(timeout=timeout)
    killed(HOLDER, server.port)
    result, seconds = timed(lambda: asyncio.run(main()))
    return ("granted" if result.startswith("<Lease") else result), seconds


@finding(
    "redis-fifo-lock", "FifoLock(client, 'a', lease_ms=1000).acquire() in another process, which is then killed",
    "FifoLock(client, 'a', lease_ms=1000).acquire()")
def recovery_from_a_killed_holder(server):
    result, seconds = fifo_wait(server, None)
    return result == "granted" and seconds > 20, f"{result} after {seconds:.0f} s"


@finding(
    "redis-fifo-lock", "FifoLock(client, 'a', lease_ms=1000).acquire() in another process, which is then killed",
    "FifoLock(client, 'a', lease_ms=1000).acquire(timeout=5)", "EXISTS {a}:h")
def timeout_beside_a_free_key(server):
    result, seconds = fifo_wait(server, 5)
    exists = server.ask("EXISTS", "{a}:h")
    return result == "raised TimeoutError" and exists == "0", f"{result} after {seconds:.0f} s; the key is gone"


# Quorum locks


@finding(
    "redlock-py", "manager = Redlock([first, second, third]), where nothing listens at the third",
    "manager.lock('a', 60000)", "PTTL a on the first and the second")
def one_of_three_servers_is_down(server):
    import redlock
    other = Server()
    down = Server()
    down.end()
    try:
        manager = redlock.Redlock([{"port": each.port} for each in (server, other, down)])
        result, _ = timed(lambda: manager.lock("a", 60_000))
        left = [hold_ms(each, "a") // 1000 for each in (server, other)]
    finally:
        other.end()
    return result == "raised MultipleRedlockException" and min(left) > 30, (
        f"{result}; the keys live for {left[0]} s and {left[1]} s")


@finding(
    "redlock-py", "time.time() is set back by an hour while lock('a', 10000) runs", "lock('a', 10000).validity")
def wall_clock_set_back(server):
    import redlock
    manager = redlock.Redlock([{"port": server.port}])
    now = time.time()
    with mock.patch.object(redlock.time, "time", side_effect=[now, now - 3600]):
        lock = manager.lock("a", 10_000)
    return lock.validity > 3_000_000, f"validity {round(lock.validity, -3)} ms for a key that lives for 10 s"


@finding(
    "redlock-py", "lock = manager.lock('a', 1000)", "1.2 s pass", "manager.lock('a', 10000) by another",
    "manager.unlock(lock)")
def late_unlock_redlock_py(server):
    import redlock
    manager = redlock.Redlock([{"port": server.port}])
    lock = manager.lock("a", 1_000)
    time.sleep(1.2)
    manager.lock("a", 10_000)
    result, _ = timed(lambda: manager.unlock(lock))
    return result == "None" and server.ask("EXISTS", "a") == "1", f"{result}, as in time; the other's key stays"


@finding(
    "pottery", "Redlock(key='a', masters={first, second, third}).acquire(blocking=False), where nothing listens at any")
def all_servers_are_down(server):
    import redis
    from pottery import Redlock
    server.end()
    masters = {redis.Redis(port=server.port, db=number) for number in range(3)}
    result, _ = timed(lambda: Redlock(key="a", masters=masters).acquire(blocking=False))
    lock = Redlock(key="a", masters=masters, raise_on_redis_errors=True)
    other, _ = timed(lambda: lock.acquire(blocking=False))
    return result == "False", f"{result}, as for a held key; with raise_on_redis_errors=True {other}"


@finding(
    "pottery", "masters: five servers, and nothing listens at two of them",
    "Redlock(key='a', masters=masters, auto_release_time=60).acquire(blocking=False)",
    "Redlock(key='a', masters=masters).acquire(timeout=1) by another")
def wait_beside_two_servers_that_are_down(server):
    import redis
    from pottery import Redlock
    others, down = [Server(), Server()], Server()
    down.end()
    try:
        masters = {redis.Redis(port=each.port, db=number) for number, each in enumerate([server, *others, down, down])}
        first, _ = timed(lambda: Redlock(key="a", masters=masters, auto_release_time=60).acquire(blocking=False))
        second, seconds = timed(lambda: Redlock(key="a", masters=masters).acquire(timeout=1))
    finally:
        for each in others:
            each.end()
    return (first, second) == ("True", "False") and seconds > 3, f"{first}; then {second} after {seconds:.0f} s"


@finding(
    "aioredlock", "three servers; SET a other PX 700 on the second, SET a other PX 1700 on the third",
    "at 0 s, 1 s and 2 s: lock('a', lock_timeout=20) by A, B and C, each with retry_count=4 and 4 s between its tries",
    "GET a on each server after 3 s and after 7 s")
def split_vote_is_kept(server):
    from aioredlock import Aioredlock
    servers = [server, Server(), Server()]

    async def one(name, after):
        manager = Aioredlock(
            [("127.0.0.1", each.port) for each in servers], retry_count=4, retry_delay_min=4, retry_delay_max=4)
        await asyncio.sleep(after)
        return await manager.lock("a", lock_timeout=20, lock_identifier=name)

    async def main():
        for each, milliseconds in zip(servers[1:], (700, 1700)):
            each.ask("SET", "a", "other", "PX", milliseconds)
        calls = asyncio.gather(one("A", 0), one("B", 1), one("C", 2), return_exceptions=True)
        kept = []
        for pause in (3, 4):
            await asyncio.sleep(pause)
            kept.append(" ".join(each.ask("GET", "a") for each in servers))
        return kept, [type(each).__name__ for each in await calls]
    kept, ends = asyncio.run(main())
    for each in servers[1:]:
        each.end()
    return kept == ["A B C"] * 2, f"{kept[0]}, then {kept[1]}; A, B and C ended with {', '.join(ends)}"


def aioredlock_lapsed(server, call):
    from aioredlock import Aioredlock

    async def main():
        manager = Aioredlock([("127.0.0.1", server.port)])
        lock = await manager.lock("a", lock_timeout=1)
        await asyncio.sleep(1.2)
        gone = server.ask("EXISTS", "a")
        result = await call(manager, lock)
        return gone, result
    return asyncio.run(main())


@finding(
    "aioredlock", "lock = await manager.lock('a', lock_timeout=1)", "1.2 s pass", "EXISTS a",
    "await manager.extend(lock, lock_timeout=5)", "PTTL a")
def extend_after_the_end(server):
    gone, _ = aioredlock_lapsed(server, lambda manager, lock: manager.extend(lock, lock_timeout=5))
    left = hold_ms(server, "a")
    return gone == "0" and left > 4000, f"the key was gone, extend raised nothing, the key lives for {left / 1000:.0f} s"


@finding("aioredlock", "lock = await manager.lock('a', lock_timeout=1)", "1.2 s pass", "await manager.unlock(lock)")
def late_unlock_aioredlock(server):
    gone, result = aioredlock_lapsed(server, lambda manager, lock: manager.unlock(lock))
    return gone == "0" and result is None, "the key was gone, unlock raised nothing"


# PHP


def php(name, port):
    script = os.path.join(os.path.dirname(__file__), "findings.php")
    return subprocess.run(["php", script, name, str(port)], capture_output=True, text=True, check=True).stdout.strip()


@finding(
    "Symfony Lock", "(new LockFactory(new RedisStore($redis)))->createLock('a', 1.0)->acquire()",
    "the connection is lost after the first of the two scripts that it sends", "PTTL a")
def initial_ttl(server):
    result = php("initial-ttl", Relay(server, "300000").port)
    left = hold_ms(server, "a")
    return left > 270_000, f"{result}; the key lives for {left / 1000:.0f} s"


@finding(
    "Symfony Lock", "$lock = $factory->createLock('a', 1.0); $lock->acquire()", "1.2 s pass",
    "another lock on 'a' is acquired", "$lock->release()")
def late_release_symfony(server):
    result = php("late-release", server.port)
    return result == "returned", f"release {result}, as in time; the other's lock stays"


@finding(
    "Laravel cache lock", "(new RedisLock($redis, 'a', 100))->block(1)", "the clock shows 0.8 s past a full second",
    "(new RedisLock($redis, 'a', 100))->block(1)")
def block_ends_early(server):
    result, milliseconds = php("block", server.port).split()
    return result == "LockTimeoutException" and int(milliseconds) < 500, f"{result} after {int(milliseconds) / 1000:.2f} s"


def main():
    if len(sys.argv) == 1:
        for name, each in FINDINGS.items():
            print(f"{name}: {each['library']}: " + "; ".join(each["steps"]))
        return
    if len(sys.argv) != 2 or sys.argv[1] not in FINDINGS:
        print("findings.py takes the name of one finding; without it, it lists them", file=sys.stderr)
        sys.exit(64)
    server = Server()
    try:
        seen, words = FINDINGS[sys.argv[1]]["make"](server)
    finally:
        server.end()
    print(json.dumps({"seen": seen, "words": words}))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
