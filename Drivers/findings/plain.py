"""What the findings are made with: redis-server, a relay that loses one answer, a process that is killed. No lab."""

import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time


class Server:
    """A redis-server on a free port of 127.0.0.1, without files."""

    def __init__(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.folder = tempfile.mkdtemp(prefix="finding-")
        self.process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", self.folder],
            stdout=subprocess.DEVNULL)
        self.wait()

    def wait(self):
        for _ in range(200):
            try:
                return socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.05)
        raise SystemExit("redis-server did not start")

    def ask(self, *words):
        """The first line of the answer of redis-cli."""
        return subprocess.run(
            ["redis-cli", "-p", str(self.port), *map(str, words)], capture_output=True, text=True).stdout.strip()

    def end(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class Relay:
    """Passes bytes to a server. It cuts the connection before the answer to the first request with `word` in it, once;
    so the server has carried the request out, and the client does not know."""

    def __init__(self, server, word):
        self.server, self.word, self.cut = server, word.encode(), False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.pass_on, args=(client,), daemon=True).start()

    def pass_on(self, client):
        with client, socket.create_connection(("127.0.0.1", self.server.port)) as server:
            loses = False
            while True:
                for ready in select.select([client, server], [], [])[0]:
                    try:
                        data = ready.recv(1 << 16)
                    except OSError:
                        return
                    if not data or (ready is server and loses):
                        return
                    if ready is client and self.word in data.upper() and not self.cut:
                        self.cut = loses = True
                    (server if ready is client else client).sendall(data)


def killed(program, *words):
    """Runs a Python program until it prints a line, and kills it."""
    process = subprocess.Popen([sys.executable, "-c", program, *map(str, words)], stdout=subprocess.PIPE)
    line = process.stdout.readline()
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    return line.decode().strip()


def timed(call):
    """What it returned or raised, and how many seconds it took."""
    begun = time.monotonic()
    try:
        result = repr(call())
    except Exception as error:
        result = f"raised {type(error).__name__}"
    return result, time.monotonic() - begun
