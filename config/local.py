"""What `make run` starts: the sandbox and the product on it, under one supervisor."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import fcntl
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from config.local_settings import (
    LOOPBACK,
    ROOT,
    CanNotStart,
    Ports,
    ensure_secrets,
    environment_file,
    private_text,
    product_environment,
    read_json_object,
    read_ports,
    refuse_taken_ports,
)
from config.supervisor import Service, StartFailed, Supervisor, Terminal
from config.walkthrough import banner, read_seeds

PYTHON = sys.executable
PR_SET_PDEATHSIG = 1  # <sys/prctl.h>


def lock_of(folder: Path) -> Path:
    return folder / "lock"


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the data folder for this process; raises CanNotStart if another one has it."""
    with lock_of(folder).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise CanNotStart(f"Postern already runs on {folder} (process {file.read().strip()}).") from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def sandbox(ports: Ports, folder: Path) -> Service:
    command = (PYTHON, "-m", "sandbox", "--aws-port", str(ports.aws), "--dns-port", str(ports.dns))
    where = ("--smtp-port", str(ports.smtp), "--folder", str(folder / "sandbox"))
    return Service("sandbox", command + where, f"{ports.aws_url}/_sandbox/ready")


def web(ports: Ports) -> Service:
    command = (PYTHON, "-m", "gunicorn", "config.wsgi", "--bind", f"{LOOPBACK}:{ports.web}", "--no-control-socket")
    size = ("--worker-class", "gthread", "--workers", "2", "--threads", "4", "--graceful-timeout", "2", "--preload")
    return Service("web", command + size, f"{ports.web_url}/healthz")


def worker() -> Service:
    command = (PYTHON, "-m", "celery", "-A", "config", "worker", "--pool", "threads", "--concurrency", "4")
    alone = ("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "INFO")
    return Service("worker", command + alone)


def beat() -> Service:
    return Service("beat", (PYTHON, "-m", "celery", "-A", "config", "beat", "--loglevel", "WARNING"))


async def start_all(supervisor: Supervisor, ports: Ports, folder: Path, say_ready: Callable[[], None]) -> None:
    """Start everything in the order in which one needs the other; ends when all has been started.

    The AWS side is set up before anything is said to be ready, but only once for each folder and address: the sandbox
    keeps it. Later starts look at it again when they are ready.
    """
    set_up = (PYTHON, "manage.py", "setup_aws")
    set_up_for = folder / "sandbox" / "set-up-for"
    # Neither needs the other, and each spends a second or two on its imports.
    await asyncio.gather(
        supervisor.start(sandbox(ports, folder)),
        supervisor.run("seed", (PYTHON, "-m", "config.seed")),
    )
    await supervisor.start(web(ports))
    is_set_up = set_up_for.exists() and set_up_for.read_text() == ports.web_url
    if not is_set_up:
        # Only now: SNS asks the web process to confirm its subscription.
        await supervisor.run("setup_aws", set_up)
        set_up_for.write_text(ports.web_url)
    await supervisor.start(worker())
    await supervisor.start(beat())
    say_ready()
    if is_set_up:
        await supervisor.run("setup_aws", set_up)


async def run(ports: Ports, folder: Path) -> int:
    """Run until a signal; the exit code."""
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    terminal = Terminal()
    secrets = ensure_secrets(folder)
    environment = product_environment(
        inherited=os.environ,
        ports=ports,
        folder=folder,
        secret_key=secrets["secret_key"],
        encryption_key=secrets["encryption_key"],
    )
    private_text(folder / "environment", environment_file(environment))
    supervisor = Supervisor(environment=environment, folder=ROOT, log_folder=folder / "log", say=terminal.say)

    def say_ready() -> None:
        seeds = read_seeds(read_json_object(folder / "sandbox.json"))
        terminal.say(banner(ports=ports, seeds=seeds, folder=folder))

    starting = asyncio.create_task(start_all(supervisor, ports, folder, say_ready))
    stop_asked = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait([starting, stop_asked], return_when=asyncio.FIRST_COMPLETED)
        if not stop_asked.done():
            starting.result()
            await stop_asked
        terminal.say("Stopping.")
        return 0
    except StartFailed as failure:
        terminal.say(f"make run: {failure}\n    All of it is in {folder / 'log'}.")
        return 1
    finally:
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        # The product first, so that it can end what it is doing while AWS and DNS still answer.
        await supervisor.stop({"web", "worker", "beat", "seed", "setup_aws"}, seconds=4.4)
        await terminal.drain(0.5)


def end_with_parent() -> None:
    """Take the parent's end (make's, even by kill -9) for a SIGTERM; only Linux offers that."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def main(arguments: list[str]) -> int:
    if "--end-with-parent" in arguments:
        end_with_parent()
    try:
        ports = read_ports(os.environ)
        folder = (ROOT / (os.environ.get("POSTERN_VAR") or "var")).resolve()
        if not lock_of(folder).exists():
            # Nobody runs there: a start that is refused for its ports leaves no folder behind.
            refuse_taken_ports(ports)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with locked(folder):
            refuse_taken_ports(ports)
            return asyncio.run(run(ports, folder))
    except CanNotStart as reason:
        print(f"make run: {reason}", file=sys.stderr)
    except OSError as error:
        what = f"{error.filename} can not be used" if error.filename else "this machine refuses"
        print(f"make run: {what} ({error.strerror}).", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
