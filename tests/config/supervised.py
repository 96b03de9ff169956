"""A supervisor with one child and one grandchild, as a process that tests can kill: FOLDER; prints their pids."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from config.supervisor import Service, Supervisor

# Ignores SIGTERM, as does its child.
CHILD = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open(sys.argv[1], "w").write(f"{os.getpid()} {child.pid}")
time.sleep(600)
"""


async def main(folder: Path) -> None:
    supervisor = Supervisor(environment=os.environ, folder=folder, log_folder=folder, say=print)
    await supervisor.start(Service("stubborn", (sys.executable, "-c", CHILD, str(folder / "pids"))))
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
