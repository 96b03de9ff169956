"""One INSERT in one round trip, for the door where each message of SNS waits for the answer."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from types import NoneType
from typing import Any, NamedTuple

from django.db import InterfaceError, OperationalError, connection, models
from django.db.backends.utils import CursorWrapper


def insert_unless_there(model: type[models.Model], **given: object) -> bool:
    """Insert a row of `model`, or do nothing where a unique constraint says that it is there; whether it is new.

    `given` are the columns by attribute; the others get their defaults. Outside of a transaction it is
    committed on return: the statement is its own transaction, without the round trips of BEGIN, COMMIT and a health
    check. Raises DatabaseError, InterfaceError.
    """
    statement = _statement(model)
    values = [
        fixed
        if name not in given and is_fixed
        else _value(field, given[name] if name in given else field.get_default())
        for name, field, is_fixed, fixed in _columns(model)
    ]
    if connection.in_atomic_block:
        return _execute(statement, values)
    # The statement itself tells whether a connection kept from an earlier request still lives.
    connection.health_check_done = True  # type: ignore[attr-defined]
    try:
        return _execute(statement, values)
    except (OperationalError, InterfaceError):
        # A statement that took too long is not tried again, one whose connection died is: whatever became of the first
        # try, a second changes nothing that it has done.
        if connection.connection is not None and connection.is_usable():
            raise
        connection.close()
        return _execute(statement, values)


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


class _Column(NamedTuple):
    """A field by its attribute; `default` is as the database takes it where it is the same for every row."""

    name: str
    field: models.Field[Any, Any]
    is_default_fixed: bool
    default: object


@lru_cache
def _columns(model: type[models.Model]) -> tuple[_Column, ...]:
    found = []
    for field in model._meta.concrete_fields:
        if not field.primary_key:
            is_fixed = not callable(field.default)
            default = _value(field, field.get_default()) if is_fixed else None
            found.append(_Column(field.attname, field, is_fixed, default))
    return tuple(found)


@lru_cache
def _statement(model: type[models.Model]) -> str:
    """In the spelling that PostgreSQL and SQLite share."""
    columns = [str(each.field.column) for each in _columns(model)]
    names = ", ".join(map(connection.ops.quote_name, columns))
    places = ", ".join(["%s"] * len(columns))
    table = connection.ops.quote_name(model._meta.db_table)
    return f"INSERT INTO {table} ({names}) VALUES ({places}) ON CONFLICT DO NOTHING"  # noqa: S608 - names of the model
