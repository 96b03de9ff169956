"""Django's PostgreSQL, whose errors say what went wrong and not with which values.

PostgreSQL adds the failing row, or the statement with its values, to an error: a customer's mail would stand in the
log, and with whoever is sent an exception.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import DEFAULT_DB_ALIAS, Error
from django.db.backends.postgresql import base


def without_values(message: str) -> str:
    """The first line of an error of PostgreSQL, up to the value that it quotes (pure).

    What follows are DETAIL, HINT, CONTEXT and LINE (PostgreSQL manual, "Error message style guide").
    """
    return message.partition("\n")[0].partition(': "')[0]


def withhold_values(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
    """Execute; what is raised, and what that was raised from, comes without values."""
    try:
        return execute(sql, params, many, context)
    except Error as error:
        for each in (error, error.__cause__):
            if each is not None:
                each.args = tuple(without_values(part) if isinstance(part, str) else part for part in each.args)
        raise


class DatabaseWrapper(base.DatabaseWrapper):
    def __init__(self, settings_dict: dict[str, Any], alias: str = DEFAULT_DB_ALIAS) -> None:
        super().__init__(settings_dict, alias)
        self.execute_wrappers.append(withhold_values)
