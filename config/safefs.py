"""A file-system transport for Celery that processes may share: the broker of `make run`.

kombu's `filesystem` transport opens a message under its final name and writes afterwards, so that another reader
can take, and delete, an empty file; and it takes a message by moving it to the system's temporary folder, which on
another file system is a copy that two readers can make. Here a message is written aside and renamed into place, and
taken by a rename in the same folder, which only one reader can win. Bindings are kept in each process: there is one
exchange, and no fan-out.
"""

from __future__ import annotations

import os
import tempfile
import time
import uuid
from queue import Empty
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, filesystem, virtual
from kombu.utils.encoding import bytes_to_str, str_to_bytes
from kombu.utils.json import dumps, loads


class Channel(filesystem.Channel):
    """A queue is the files that end in its name; their order is that of their names."""

    supports_fanout = False

    # The stubs of kombu's two base classes name this argument differently.
    def _put(self, queue: str, payload: Any, **kwargs: Any) -> None:  # type: ignore[override]
        folder = str(self.data_folder_out)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".", suffix=".part", delete=False) as aside:
            aside.write(str_to_bytes(dumps(payload)))
        # Wall clock, zero padded: unlike monotonic() the order of names holds over a reboot.
        os.rename(aside.name, os.path.join(folder, f"{time.time_ns():020d}_{uuid.uuid4().hex}.{queue}.msg"))

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        """The oldest message of the queue; raises Empty at once if there is none."""
        folder = str(self.data_folder_in)
        for name in sorted(os.listdir(folder)):
            if name.partition(".")[2] != f"{queue}.msg":
                continue
            taken = os.path.join(folder, f".{name}.taken")
            try:
                os.rename(os.path.join(folder, name), taken)
            except FileNotFoundError:
                continue  # another reader was first
            with open(taken, "rb") as file:
                payload = file.read()
            os.unlink(taken)
            return loads(bytes_to_str(payload))
        raise Empty

    def get_table(self, exchange: str) -> list[Any]:
        return virtual.Channel.get_table(self, exchange)

    def _queue_bind(self, exchange: str, routing_key: str | None, pattern: str | None, queue: str | None) -> None:
        return None


class Transport(filesystem.Transport):
    """`safefs://`; the folders come from `broker_transport_options`."""

    Channel = Channel
    driver_type = "safefs"
    driver_name = "safefs"


TRANSPORT_ALIASES["safefs"] = "config.safefs:Transport"
