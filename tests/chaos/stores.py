"""A PostgreSQL and a Redis of one's own, to be shut down and emptied while the product works on them."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

START_SECONDS = 60.0


class NoStores(Exception):
    """This machine has no PostgreSQL or Redis programs to start."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _program(name: str) -> str:
    """Debian keeps PostgreSQL's programs out of the PATH, by version; raises NoStores."""
    known = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    found = str(known[-1]) if known else shutil.which(name)
    if found is None:
        raise NoStores(f"there is no {name} on this machine")
    return found


class PrivatePostgres:
    """A cluster in a folder; PostgreSQL refuses to run as root, so root lets the user postgres run it."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._data, self._log = folder / "postgres", folder / "postgres.log"
        self._control, init = _program("pg_ctl"), _program("initdb")
        self._as_user: list[str] = []
        if os.geteuid() == 0:
            if shutil.which("runuser") is None:
                raise NoStores("PostgreSQL does not run as root, and there is no runuser")
            self._as_user = ["runuser", "-u", "postgres", "--"]
            self._data.mkdir()
            self._log.touch()
            shutil.chown(self._data, "postgres")
            shutil.chown(self._log, "postgres")
        self._run(
            init, "--pgdata", str(self._data), "--username", "storm", "--auth", "trust", "--no-sync", "-E", "UTF8"
        )
        self.start()
        self._run(_program("createdb"), "-h", "127.0.0.1", "-p", str(self.port), "-U", "storm", "storm")

    @property
    def url(self) -> str:
        return f"postgres://storm@127.0.0.1:{self.port}/storm"

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=200"
        self._ctl("start", "-o", options, "-l", str(self._log))

    def restart(self) -> None:
        """As after a crash: nothing is put in order before it stops."""
        self._ctl("stop", "-m", "immediate")
        self.start()

    def stop(self) -> None:
        self._ctl("stop", "-m", "immediate")

    def _ctl(self, verb: str, *more: str) -> None:
        self._run(self._control, verb, "-D", str(self._data), "-w", "-t", str(int(START_SECONDS)), *more)

    def _run(self, *command: str) -> None:
        run = [*self._as_user, *command]
        done = subprocess.run(run, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=120, cwd="/")
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr.decode()}")


class PrivateRedis:
    def __init__(self, folder: Path) -> None:
        self.port, self._folder = free_port(), folder
        program = shutil.which("redis-server")
        if program is None:
            raise NoStores("there is no redis-server on this machine")
        self._command = [program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self.start()

    def start(self) -> None:
        with (self._folder / "redis.log").open("ab") as log:
            self._process = subprocess.Popen(self._command, cwd=self._folder, stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("Redis did not start")
            time.sleep(0.05)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def flush(self) -> None:
        """Everything in it is gone: the broker's messages and the cache."""
        self._say(b"FLUSHALL\r\n")

    def stop(self) -> None:
        self._process.kill()
        self._process.wait(10)

    def _answers(self) -> bool:
        try:
            return self._say(b"PING\r\n").startswith(b"+PONG")
        except OSError:
            return False

    def _say(self, words: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as line:
            line.sendall(words)
            return line.recv(64)
