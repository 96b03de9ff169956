"""How long PostgreSQL may work on one statement of a web request; workers, commands and migrations have no limit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def limit_statements(database: Mapping[str, Any], *, seconds: float) -> None:
    """Have every new connection of this process to `database`, as Django's settings have it, begin with the limit.

    0 is none, and SQLite has none. What DATABASE_URL itself says in `options` comes later and so wins.
    """
    if database["ENGINE"].rpartition(".")[2] == "postgresql" and seconds:
        options = database["OPTIONS"]
        limit = f"-c statement_timeout={round(seconds * 1000)}"
        options["options"] = f"{limit} {options.get('options', '')}".strip()
