"""One INSERT in one round trip, for the door where each message of SNS waits for the answer."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from types import NoneType
from typing import Any

from django.db import InterfaceError, OperationalError, connection, models
from django.db.backends.utils import CursorWrapper


def insert_unless_there(row: models.Model) -> bool:
    """Insert `row`, or do nothing where a unique constraint says that it is there; whether it is new.

    Outside of a transaction it is committed on return: the statement is its own transaction, without the round trips
    of BEGIN, COMMIT and a health check. The row does not learn its primary key. Raises DatabaseError, InterfaceError.
    """
    fields = _fields(type(row))
    values = [_value(field, getattr(row, field.attname)) for field in fields]
    if connection.in_atomic_block:
        return _execute(_statement(type(row)), values)
    # The statement itself tells whether a connection kept from an earlier request still lives.
    connection.health_check_done = True  # type: ignore[attr-defined]
    try:
        return _execute(_statement(type(row)), values)
    except (OperationalError, InterfaceError):
        # A statement that took too long is not tried again, one whose connection died is: whatever became of the first
        # try, a second changes nothing that it has done.
        if connection.connection is not None and connection.is_usable():
            raise
        connection.close()
        return _execute(_statement(type(row)), values)


def _value(field: models.Field[Any, Any], value: object) -> object:
    # Text and numbers go as they are.
    if type(value) in (str, int, bool, NoneType):
        return value
    if type(value) is datetime:
        return connection.ops.adapt_datetimefield_value(value)
    return field.get_db_prep_save(value, connection)


def _execute(statement: str, values: list[Any]) -> bool:
    with _cursor() as cursor:
        cursor.execute(statement, values)
        return bool(cursor.rowcount > 0)


def _cursor() -> CursorWrapper:
    """On PostgreSQL one that sends the values beside the statement, and need not write them into it."""
    if connection.vendor != "postgresql":
        return connection.cursor()
    from django.db.backends.postgresql.base import ServerBindingCursor

    connection.ensure_connection()
    cursor: Any = ServerBindingCursor(connection.connection)  # type: ignore[call-arg]
    return connection.make_debug_cursor(cursor) if connection.queries_logged else connection.make_cursor(cursor)


@lru_cache
def _fields(model: type[models.Model]) -> tuple[models.Field[Any, Any], ...]:
    return tuple(field for field in model._meta.concrete_fields if not field.primary_key)


@lru_cache
def _statement(model: type[models.Model]) -> str:
    """In the spelling that PostgreSQL and SQLite share."""
    names = ", ".join(connection.ops.quote_name(str(field.column)) for field in _fields(model))
    places = ", ".join(["%s"] * len(_fields(model)))
    table = connection.ops.quote_name(model._meta.db_table)
    return f"INSERT INTO {table} ({names}) VALUES ({places}) ON CONFLICT DO NOTHING"  # noqa: S608 - names of the model
