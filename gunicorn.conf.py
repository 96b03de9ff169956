"""What gunicorn reads by itself when it is started in this folder; GUNICORN_CMD_ARGS and the command line win."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

# A request that waits for Amazon holds up a thread only. Never one process of one thread: Amazon SNS asks this
# service to confirm a subscription while a request of this service is still asking for it.
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY") or 2)
threads = 4
# A search for 200 characters in a domain of 253, all of them in the longest encoding, with a cursor: 6,400 bytes.
limit_request_line = 8190
# A deployment stops when the requests that are under way are answered; the longest has 25 s.
graceful_timeout = 30
# Two installations of one user would share its socket, and nobody here talks to it.
control_socket_disable = True


def on_starting(server: Any) -> None:
    """Refuse wrong settings before any worker starts."""
    # In a process of its own: a master that had loaded the product would hand old code to its workers on a reload.
    if subprocess.run([sys.executable, "-m", "config.start_check"], check=False).returncode:
        raise SystemExit(1)
