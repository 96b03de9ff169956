"""All that the sandbox's own services know: one tree of plain values under one lock, kept in one file."""

from __future__ import annotations

import copy
import json
import logging
import os
import threading
import time
from pathlib import Path
from typing import Any

logger = logging.getLogger("sandbox.state")
WRITE_SECONDS = 0.5
EMPTY: dict[str, Any] = {
    "clock_ahead": 0.0,
    "tokens": {},  # "region name" -> ownership token and DKIM tokens, kept when an identity is deleted
    "identities": {},  # "region name" -> identity
    "tenants": {},
    "configuration_sets": {},
    "topics": {},
    "subscriptions": {},
    "rule_sets": {},  # region -> name -> list of rules
    "active_rule_set": {},  # region -> name
    "zones": {},  # name -> zone set by hand
    "notification_topics": {},
    "cloudflare": {"tokens": {}, "zones": {}},
}


class State:
    """`tree` is read and written under `lock`; each kind of change is told by its own method.

    `changed()`: something in the tree; it is written at most every half second. `zones_changed()`: what DNS serves.
    `moto_changed()`: buckets, objects, queues or hosted zones, which moto holds and `moto_stores` keeps.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "state.json"
        self.lock = threading.RLock()
        self.tree: dict[str, Any] = copy.deepcopy(EMPTY)
        self.version = 0
        self.zones_version = 0
        # Names of zones that were set since the zones were last built; None for all of them.
        self.touched_zones: set[str] | None = None
        self.moto_version = 0
        self._writing = threading.Lock()
        self._dirty = threading.Event()
        if self.file.is_file():
            self.tree.update(json.loads(self.file.read_text()))

    def now(self) -> float:
        """The clock by which SES counts, in seconds since the epoch: the machine's, moved ahead by the control route.

        What leaves the sandbox carries the machine's own time: to its receiver, whose clock nobody moves, a
        notification of this one would be from the future.
        """
        return time.time() + float(self.tree["clock_ahead"])

    def changed(self) -> None:
        self.version += 1
        self._dirty.set()

    def zones_changed(self, *names: str) -> None:
        """Without names: all of them, the hosted zones too."""
        with self.lock:
            self.zones_version += 1
            if not names:
                self.touched_zones = None
            elif self.touched_zones is not None:
                self.touched_zones.update(names)
        self.changed()

    def moto_changed(self) -> None:
        with self.lock:
            self.moto_version += 1

    def clear(self) -> None:
        with self.lock:
            self.tree.clear()
            self.tree.update(copy.deepcopy(EMPTY))
            self.zones_changed()
            self.moto_changed()

    def write_if_changed(self) -> None:
        """A whole new file in place of the old one: a kill in the middle leaves the old one as it was."""
        if not self._dirty.is_set():
            return
        with self._writing:
            with self.lock:
                self._dirty.clear()
                text = json.dumps(self.tree)
            write_aside(self.file, text.encode())


def write_aside(file: Path, content: bytes) -> None:
    """Write the whole file or nothing of it."""
    aside = file.with_name(file.name + ".part")
    aside.write_bytes(content)
    os.replace(aside, file)
