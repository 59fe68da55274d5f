"""Shops of several servers on one PostgreSQL and one Redis, and Redis clusters, all on this machine."""
import os
import pathlib
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "speed"))
from load import HERE as SPEED, output  # noqa: E402
from shops import BOUND, TICKS, Failure, Process, Shop, free_port  # noqa: E402


def postgres_programs():
    """Where PostgreSQL's own programs are; None without them."""
    debian = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda each: -int(each.parent.name))
    folders = debian + [pathlib.Path(each) for each in os.environ.get("PATH", "").split(":")]
    wanted = ["initdb", "postgres", "pg_isready"]
    return next((each for each in folders if all((each / name).is_file() for name in wanted)), None)


class Postgres:
    """An empty PostgreSQL that waits for its disk at each commit; it does not run as root."""

    def __init__(self, connections):
        programs = postgres_programs()
        self.folder = tempfile.mkdtemp(prefix="lab-pg-")
        self.port = free_port()
        self.become = []
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self.become = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--"]
        data = os.path.join(self.folder, "data")
        output([*self.become, programs / "initdb", "-D", data, "-U", "lab", "-A", "trust", "-E", "UTF8", "--locale",
                "C.UTF-8", "--no-instructions"], cwd="/")
        self.log = open(os.path.join(self.folder, "log"), "w")
        self.child = subprocess.Popen(
            # Behind the change of user, which would undo it.
            self.become + BOUND + [
                str(programs / "postgres"), "-D", data, "-p", str(self.port), "-k", self.folder, "-c",
                "listen_addresses=127.0.0.1", "-c", f"max_connections={connections}"],
            stdout=self.log, stderr=self.log, cwd="/")
        self.url = f"postgres://lab@127.0.0.1:{self.port}/postgres?sslmode=disable"
        for _ in range(200):
            if subprocess.run([programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]).returncode == 0:
                return
            time.sleep(0.05)
        self.stop()
        raise Failure("PostgreSQL did not start")

    def ask(self, statement):
        return output(["psql", "-X", "-A", "-t", "-h", "127.0.0.1", "-p", self.port, "-U", "lab", "-d", "postgres",
                       "-c", statement]).strip()

    def processor_seconds(self):
        """Of the server and of all its processes."""
        pids = [self.child.pid, *children(self.child.pid)]
        return sum(spent(pid) for pid in pids)

    def stop(self):
        self.child.terminate()
        try:
            self.child.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def spent(pid):
    """Processor seconds of a process and of its children that have ended; 0 when it has ended itself."""
    try:
        words = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0
    return sum(int(word) for word in words[11:15]) / TICKS


def children(pid):
    """Those of a process that live now."""
    try:
        return [int(each) for each in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


class Company(Shop):
    """So many servers, which share Redis and PostgreSQL. The buyers of server i are its own connections."""

    def __init__(self, folder, program, strategy, servers, buyers):
        self.postgres, self.others = Postgres(16 * servers + 20), []
        self.count = servers
        secret = os.path.join(self.postgres.folder, "secret")
        pathlib.Path(secret).write_text("a secret of a benchmark, at least 32 bytes long\n")
        os.chmod(secret, 0o600)
        self.secret = secret
        try:
            super().__init__(folder, "lab", program, strategy, buyers)
            for number in range(1, servers):
                other = Process(self.words(program, strategy), os.path.join(self.folder, f"log-{number}"))
                self.others.append((other, other.address()))
        except BaseException:
            self.stop()
            raise

    def words(self, program, strategy):
        return [program, "serve", "--dev", "--bcrypt-cost", "4", "--port", "0", "--strategy", strategy, "--jwt-secret-file",
                self.secret, "--redis", ",".join(each.url for each in self.redis), "--database", self.postgres.url]

    @property
    def addresses(self):
        return [self.address] + [address for _, address in self.others]

    def parties(self):
        """Processor seconds of each party until now."""
        return {
            "server": self.process.processor_seconds() + sum(each.processor_seconds() for each, _ in self.others),
            "redis": sum(each.process.processor_seconds() for each in self.redis),
            "postgres": self.postgres.processor_seconds(),
        }

    def load(self, seconds, connections):
        """One wrk a server, all at once; requests that were answered with 200, and how many each second."""
        def one(address, share, into):
            text = output(
                ["wrk", "-t1", f"-c{share}", f"-d{seconds}s", "--timeout", "30s", "-s", SPEED / "requests.lua", address],
                env=dict(os.environ, PRODUCT=str(self.product), TOKENS=self.token_file))
            found = re.search(r"RESULT (\d+) (\d+) (\d+) (\d+) (\d+) (\d+)", text)
            if not found:
                raise Failure("wrk did not print a result: " + text[-500:])
            into.append([int(word) for word in found.groups()])

        results, failures, threads = [], [], []
        for address in self.addresses:
            def run(address=address):
                try:
                    one(address, max(1, connections // self.count), results)
                except Failure as failure:
                    failures.append(failure)
            threads.append(threading.Thread(target=run))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]
        requests, refused = sum(each[0] for each in results), sum(each[1] for each in results)
        if refused > requests // 100:
            raise Failure(f"{refused} of {requests} answers were refusals")
        answered = requests - refused
        return {"answered": answered, "rate": sum((each[0] - each[1]) * 1e6 / each[3] for each in results),
                "p50_ms": max(each[4] for each in results) / 1000, "p99_ms": max(each[5] for each in results) / 1000}

    def measure(self, seconds, connections):
        warm = self.load(1, connections)
        before, commits = self.parties(), int(self.postgres.ask(COMMITS))
        found = self.load(seconds, connections)
        spent = self.parties()
        answered = max(1, found["answered"])
        for party in spent:
            found[f"{party}_us"] = (spent[party] - before[party]) / answered * 1e6
        # Figures of a database are brought up to date once a second.
        time.sleep(1.5)
        found["rows_per_commit"] = answered / max(1, int(self.postgres.ask(COMMITS)) - commits)
        self.check(found["answered"] + warm["answered"], 2 * connections)
        return found

    def check(self, answered, dropped):
        """Rows, stock and answers agree, across the servers."""
        for _ in range(100):
            stock = self.call("GET", f"/api/products/{self.product}", token=self.tokens[0])[1]["current_stock"]
            sold = int(self.postgres.ask("SELECT coalesce(sum(quantity), 0) FROM purchases"))
            if 100_000_000 - stock == sold and answered <= sold <= answered + dropped:
                return
            time.sleep(0.1)
        raise Failure(f"{answered} sales were answered, {sold} stand in the ledger")

    def stop(self):
        for other, _ in self.others:
            other.stop()
        super().stop()
        self.postgres.stop()


COMMITS = "SELECT count(DISTINCT xmin::text) FROM purchases"


class RedisNodes:
    """A cluster of so many masters without replicas, each a redis-server that keeps nothing."""

    def __init__(self, masters):
        self.folder = tempfile.mkdtemp(prefix="lab-nodes-")
        self.nodes = []
        ports = []
        for number in range(masters):
            port = free_port()
            while port > 55_000 or port in ports:
                port = free_port()
            ports.append(port)
            place = os.path.join(self.folder, str(number))
            os.mkdir(place)
            node = Process(
                ["redis-server", "--bind", "127.0.0.1", "--port", port, "--cluster-enabled", "yes", "--dir", place,
                 "--save", "", "--appendonly", "no", "--logfile", os.path.join(place, "log")],
                os.path.join(self.folder, f"log-{number}"))
            self.nodes.append(node)
        self.addresses = [f"127.0.0.1:{port}" for port in ports]
        self.url = "redis+cluster://" + ",".join(self.addresses)
        for port in ports:
            for _ in range(200):
                if subprocess.run(["redis-cli", "-p", str(port), "ping"], capture_output=True, text=True).stdout == "PONG\n":
                    break
                time.sleep(0.05)
        if masters < 3:
            # redis-cli makes no cluster of fewer than three.
            output(["redis-cli", "-p", ports[0], "cluster", "addslotsrange", 0, 16383])
        else:
            output(["redis-cli", "--cluster", "create", *self.addresses, "--cluster-yes"])
        for port in ports:
            for _ in range(200):
                if "cluster_state:ok" in output(["redis-cli", "-p", port, "cluster", "info"]):
                    break
                time.sleep(0.1)

    def processor_seconds(self):
        return [node.processor_seconds() for node in self.nodes]

    def stop(self):
        for node in self.nodes:
            node.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class ClusterShop(Shop):
    """One server with a SQLite file, whose stock is in a cluster."""

    def __init__(self, folder, program, strategy, nodes, buyers):
        self.nodes = nodes
        super().__init__(folder, "lab", program, strategy, buyers)

    def words(self, program, strategy):
        return [program, "serve", "--dev", "--bcrypt-cost", "4", "--port", "0", "--strategy", strategy, "--redis",
                self.nodes.url, "--database", "sqlite:" + self.database]
