"""Keeps a few child processes running: starts, watches, restarts and ends them together; knows nothing of Postern."""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import re
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

WORTH_SAYING = re.compile(r"(?<![%\w])(WARN|WARNING|ERROR|CRITICAL)\b")  # not celery's "logfile -> [stderr]@%WARNING"
LOG_LIMIT = 5_000_000  # bytes; a larger log is put aside when its child is first started
READY_SECONDS = 60.0
FIRST_DELAY, LONGEST_DELAY = 0.5, 15.0
STEADY_SECONDS = 60.0  # a child that lived this long starts again with the first delay
WATCHDOG = Path(__file__).with_name("watchdog.py")


class StartFailed(Exception):
    """A child ended, or was not ready in time; the text is for a person and says why."""


@dataclass(frozen=True)
class Service:
    """A child that is to run until the end; `ready_url` (plain http) answers 200 once it serves, empty: at once."""

    name: str
    command: tuple[str, ...]
    ready_url: str = ""


class Terminal:
    """Prints lines without ever holding up the caller: a terminal that nobody reads loses lines instead."""

    def __init__(self) -> None:
        self._lines: queue.Queue[str] = queue.Queue(maxsize=1000)
        threading.Thread(target=self._print, daemon=True).start()

    def say(self, line: str) -> None:
        with contextlib.suppress(queue.Full):
            self._lines.put_nowait(line)

    def _print(self) -> None:
        while True:
            line = self._lines.get()
            try:
                # Not print(): a thread that is held up in it would hold up the interpreter's end.
                os.write(1, f"{line}\n".encode())
            except OSError:
                return
            finally:
                self._lines.task_done()

    async def drain(self, seconds: float) -> None:
        """Wait until all is printed, but not longer than `seconds`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._lines.unfinished_tasks:
                    await asyncio.sleep(0.01)


@dataclass
class _Child:
    process: asyncio.subprocess.Process
    pump: asyncio.Task[None]
    tail: deque[str]


class Supervisor:
    """Runs children in process groups of their own, with one environment, each with a log file in `log_folder`."""

    def __init__(
        self, *, environment: Mapping[str, str], folder: Path, log_folder: Path, say: Callable[[str], None]
    ) -> None:
        self._environment = dict(environment)
        self._folder = folder
        self._log_folder = log_folder
        self._say = say
        self._children: dict[str, _Child] = {}
        self._keepers: list[asyncio.Task[None]] = []
        log_folder.mkdir(parents=True, exist_ok=True)
        # Isolated (-I), so that the modules of this folder do not stand in for the standard library's.
        self._watchdog = subprocess.Popen(  # noqa: S603
            [sys.executable, "-I", "-S", str(WATCHDOG)], stdin=subprocess.PIPE, start_new_session=True
        )

    async def start(self, service: Service, *, ready_seconds: float = READY_SECONDS) -> None:
        """Start `service`, return when it is ready, then keep it running; raises StartFailed."""
        child = await self._spawn(service.name, service.command)
        await self._until_ready(service, child, ready_seconds)
        self._keepers.append(asyncio.create_task(self._keep(service, child)))

    async def run(self, name: str, command: tuple[str, ...], *, seconds: float = 120.0) -> None:
        """Run a command to its end; raises StartFailed if it fails or takes longer than `seconds`."""
        child = await self._spawn(name, command)
        try:
            async with asyncio.timeout(seconds):
                code = await child.process.wait()
        except TimeoutError:
            raise StartFailed(f"{name} did not end in {seconds:g} s.{await self._last_words(child)}") from None
        await self._bury(name, child)
        if code != 0:
            raise StartFailed(f"{name} failed (exit {code}).{await self._last_words(child)}")

    async def stop(self, *groups: Iterable[str], seconds: float = 4.0) -> None:
        """End all children, group after group, those that no group names last; what outlasts `seconds` is killed."""
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        for number, names in enumerate([*map(set, groups), set(self._children)]):
            share = (deadline - loop.time()) / (len(groups) + 1 - number)
            await asyncio.gather(
                *(self._end(name, child, share) for name, child in list(self._children.items()) if name in names)
            )
        self._tell_watchdog_all_is_over()

    async def _spawn(self, name: str, command: tuple[str, ...]) -> _Child:
        reading, writing = os.pipe()
        # A pipe of our own: with asyncio's, wait() also waits for grandchildren to close theirs.
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=writing,
                stderr=writing,
                env=self._environment,
                cwd=self._folder,
                start_new_session=True,
            )
        except BaseException:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        self._tell_watchdog(f"+{process.pid}")
        tail: deque[str] = deque(maxlen=12)
        child = _Child(process, asyncio.create_task(self._pump(name, reading, tail)), tail)
        self._children[name] = child
        return child

    async def _pump(self, name: str, reading: int, tail: deque[str]) -> None:
        """Copy what a child writes to its log, and what is worth saying to the terminal."""
        stream = asyncio.StreamReader()
        with os.fdopen(reading, "rb") as pipe, self._open_log(name) as log:
            await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stream), pipe)
            rest = b""
            while chunk := await stream.read(65536):
                log.write(chunk)
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    text = line.decode(errors="replace").rstrip()
                    tail.append(text)
                    if WORTH_SAYING.search(text):
                        self._say(f"{name:>8} | {text[:500]}")
                rest = rest[-65536:]
            if rest:
                tail.append(rest.decode(errors="replace"))

    def _open_log(self, name: str) -> IO[bytes]:
        path = self._log_folder / f"{name}.log"
        if path.exists() and path.stat().st_size > LOG_LIMIT:
            path.replace(path.with_suffix(".log.1"))
        return path.open("ab", buffering=0)

    async def _until_ready(self, service: Service, child: _Child, seconds: float) -> None:
        deadline = asyncio.get_running_loop().time() + seconds
        while service.ready_url and not await answers_200(service.ready_url):
            if child.process.returncode is not None:
                await self._bury(service.name, child)
                raise StartFailed(f"{service.name} ended before it was ready.{await self._last_words(child)}")
            if asyncio.get_running_loop().time() > deadline:
                raise StartFailed(f"{service.name} was not ready in {seconds:g} s.{await self._last_words(child)}")
            await asyncio.sleep(0.05)

    async def _keep(self, service: Service, child: _Child) -> None:
        loop = asyncio.get_running_loop()
        delay = FIRST_DELAY
        while True:
            started = loop.time()
            code = await child.process.wait()
            await self._bury(service.name, child)
            if loop.time() - started > STEADY_SECONDS:
                delay = FIRST_DELAY
            self._say(f"{service.name:>8} | ended ({_how(code)}); it is started again in {delay:g} s")
            await asyncio.sleep(delay)
            delay = min(delay * 2, LONGEST_DELAY)
            child = await self._spawn(service.name, service.command)

    async def _end(self, name: str, child: _Child, seconds: float) -> None:
        _signal_group(child.process.pid, signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await child.process.wait()
        await self._bury(name, child)

    async def _bury(self, name: str, child: _Child) -> None:
        """Kill what is left of a child and its group, and read its last lines."""
        _signal_group(child.process.pid, signal.SIGKILL)
        await child.process.wait()
        self._tell_watchdog(f"-{child.process.pid}")
        if self._children.get(name) is child:
            del self._children[name]
        # A grandchild in a session of its own could hold the pipe open for ever.
        await asyncio.wait([child.pump], timeout=0.5)
        child.pump.cancel()

    async def _last_words(self, child: _Child) -> str:
        await asyncio.wait([child.pump], timeout=0.2)
        return "".join(f"\n    {line}" for line in child.tail)

    def _tell_watchdog(self, line: str) -> None:
        # Without its watchdog (somebody killed it) the supervisor still ends its children itself.
        with contextlib.suppress(OSError, ValueError):
            assert self._watchdog.stdin is not None
            self._watchdog.stdin.write(f"{line}\n".encode())
            self._watchdog.stdin.flush()

    def _tell_watchdog_all_is_over(self) -> None:
        with contextlib.suppress(OSError):
            assert self._watchdog.stdin is not None
            self._watchdog.stdin.close()
        self._watchdog.wait(timeout=5)


def _signal_group(group: int, number: int) -> None:
    # PermissionError is macOS's word for a group of zombies.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _how(code: int) -> str:
    return f"exit {code}" if code >= 0 else signal.Signals(-code).name


async def answers_200(url: str) -> bool:
    """Whether a GET of this plain http address is answered 200 within a second."""
    parts = urlsplit(url)
    try:
        async with asyncio.timeout(1.0):
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
            try:
                writer.write(f"GET {parts.path or '/'} HTTP/1.0\r\nHost: {parts.netloc}\r\n\r\n".encode())
                status_line = await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError, ValueError):
        return False
    return status_line.split(b" ")[1:2] == [b"200"]
