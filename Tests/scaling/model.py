"""What more machines would bring: a simulation of the way of a purchase, and the universal scalability law.

The parameters are measured ones. The simulation is checked first: with all parties on the cores that they shared while they
were measured, it has to give the rates that were measured. Then each party gets a machine of its own.
"""
import heapq
import itertools
import random
from collections import deque
from dataclasses import dataclass

# A server records so many sales in one transaction at most.
BATCH = 100


@dataclass
class Demand:
    """Seconds for each purchase; of the last three, for each transaction, whatever it records."""
    load: float
    server: float
    redis: float
    postgres: float
    # Processor time of the server and of PostgreSQL.
    server_transaction: float
    postgres_transaction: float
    # What a transaction waits for besides, while it holds the product's row: round trips and the disk's fsync.
    commit: float


def shared_cost(one, many, name):
    """Microseconds for each purchase and for each transaction, from two shapes whose transactions differ in length.

    What a purchase takes is the first, and its part of the second."""
    share = 1 / many["rows_per_commit"] - 1 / one["rows_per_commit"]
    each = max(0.0, (many[name] - one[name]) / share) if share > 0 else 0.0
    return max(0.0, one[name] - each / one["rows_per_commit"]), each


class Cores:
    """So many cores, which serve in order of arrival."""

    def __init__(self, count):
        self.free, self.line = count, deque()


class Simulation:
    """Buyers who buy again at once, N servers, one Redis, one PostgreSQL; a product's row has one writer at a time."""

    def __init__(self, demand, servers, buyers, products, shared=None, cores=2, seed=1):
        self.demand, self.products, self.chance = demand, products, random.Random(seed)
        self.now, self.events, self.number = 0.0, [], itertools.count()
        everything = Cores(shared) if shared else None
        self.load = everything or Cores(10 ** 6)
        self.servers = [everything or Cores(cores) for _ in range(servers)]
        self.redis = everything or Cores(1)
        self.postgres = everything or Cores(cores)
        self.waiting = [deque() for _ in range(servers)]
        self.writing = [False] * servers
        self.rows, self.rowline = [False] * products, deque()
        self.sold, self.commits = 0, 0
        for buyer in range(buyers):
            self.at(self.chance.random() * 0.001, self.begin, buyer % servers)

    def at(self, moment, what, *words):
        heapq.heappush(self.events, (moment, next(self.number), what, words))

    def use(self, cores, seconds, then):
        """Work on a core; its length varies as that of independent small steps does."""
        work = (seconds * self.chance.expovariate(1) if seconds else 0, then)
        cores.line.append(work)
        self.serve(cores)

    def serve(self, cores):
        while cores.free and cores.line:
            cores.free -= 1
            seconds, then = cores.line.popleft()
            self.at(self.now + seconds, self.done, cores, then)

    def done(self, cores, then):
        cores.free += 1
        then()
        self.serve(cores)

    def begin(self, server):
        d = self.demand

        def recorded():
            self.waiting[server].append(self.chance.randrange(self.products))
            self.write(server)

        def reserved():
            self.use(self.servers[server], d.server / 2, recorded)

        def asked():
            self.use(self.redis, d.redis, reserved)

        self.use(self.load, d.load, lambda: self.use(self.servers[server], d.server / 2, asked))

    def write(self, server):
        """The writer takes what waits as soon as it is free; then its transaction waits for the rows of the products."""
        if self.writing[server] or not self.waiting[server]:
            return
        self.writing[server] = True
        waiting = self.waiting[server]
        batch = [waiting.popleft() for _ in range(min(BATCH, len(waiting)))]

        def asks():
            self.rowline.append((server, batch))
            self.lock_rows()

        # What the server does for a transaction, it does beside the transactions of others.
        self.use(self.servers[server], self.demand.server_transaction, asks)

    def lock_rows(self):
        for entry in list(self.rowline):
            server, batch = entry
            wanted = set(batch)
            if any(self.rows[product] for product in wanted):
                continue
            self.rowline.remove(entry)
            for product in wanted:
                self.rows[product] = True
            self.record(server, batch, wanted)

    def record(self, server, batch, wanted):
        d = self.demand

        def worked():
            self.at(self.now + d.commit, committed)

        def committed():
            for product in wanted:
                self.rows[product] = False
            self.sold += len(batch)
            self.commits += 1
            self.writing[server] = False
            for _ in batch:
                self.begin(server)
            self.write(server)
            self.lock_rows()

        self.use(self.postgres, d.postgres_transaction + d.postgres * len(batch), worked)

    def run(self, warm=0.5, seconds=2.0):
        """Purchases a second, and rows for each commit."""
        counted = None
        while self.events:
            moment, _, what, words = heapq.heappop(self.events)
            self.now = moment
            if counted is None and moment >= warm:
                counted = (self.sold, self.commits)
            if moment >= warm + seconds:
                break
            what(*words)
        sold, commits = self.sold - counted[0], self.commits - counted[1]
        return {"rate": sold / seconds, "rows_per_commit": sold / max(1, commits)}


def solved(matrix, right):
    """The solution of three linear equations."""
    size = len(right)
    rows = [list(row) + [value] for row, value in zip(matrix, right)]
    for column in range(size):
        pivot = max(range(column, size), key=lambda row: abs(rows[row][column]))
        rows[column], rows[pivot] = rows[pivot], rows[column]
        for row in range(size):
            if row != column:
                factor = rows[row][column] / rows[column][column]
                rows[row] = [a - factor * b for a, b in zip(rows[row], rows[column])]
    return [rows[index][size] / rows[index][index] for index in range(size)]


def scalability(points):
    """Gunther's law X(N) = λN / (1 + σ(N - 1) + κN(N - 1)), by least squares of N / X, which is linear in its parts."""
    rows = [(1, n - 1, n * (n - 1)) for n, _ in points]
    right = [n / x for n, x in points]
    # Weighted by the rate, so that each point counts by its relative error.
    weights = [(x / n) ** 2 for n, x in points]
    matrix = [[sum(w * row[i] * row[j] for w, row in zip(weights, rows)) for j in range(3)] for i in range(3)]
    a, b, c = solved(matrix, [sum(w * row[i] * y for w, row, y in zip(weights, rows, right)) for i in range(3)])
    if c < 1e-9 * a:
        # What servers cost one another is not below nothing, nor a rounding: fitted again without it.
        m = [row[:2] for row in matrix[:2]]
        a, b = solved(m, [sum(w * row[i] * y for w, row, y in zip(weights, rows, right)) for i in range(2)])
        c = 0
    contention, coherency = max(0, b / a), c / a
    best = ((1 - contention) / coherency) ** 0.5 if coherency > 0 and contention < 1 else None
    return {"per_server": 1 / a, "contention": contention, "coherency": coherency, "best": best}
