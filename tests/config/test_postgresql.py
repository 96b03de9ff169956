"""What an error of PostgreSQL tells, and how long a web request may keep it busy."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
from django.conf import settings
from django.db import DataError, IntegrityError, connection, transaction

from accounts.models import Organization
from config.postgresql.base import withhold_values, without_values
from config.statement_timeout import limit_statements
from inbound.models import InboundMessage

CANARY = "canary-7f3a"
on_postgresql = pytest.mark.skipif("postgresql" not in settings.DATABASES["default"]["ENGINE"], reason="PostgreSQL")


@pytest.mark.parametrize(
    ("message", "left"),
    [
        (
            f'null value in column "x" violates not-null constraint\nDETAIL:  Failing row contains (1, {CANARY}\n2).',
            'null value in column "x" violates not-null constraint',
        ),
        (f'invalid input syntax for type integer: "{CANARY}"', "invalid input syntax for type integer"),
        (f"invalid input syntax for type json\nLINE 1: INSERT {CANARY}\n  ^", "invalid input syntax for type json"),
        ("server closed the connection", "server closed the connection"),
    ],
)
def test_an_error_is_told_without_values(message: str, left: str) -> None:
    assert without_values(message) == left


def test_neither_the_error_nor_its_cause_holds_the_values() -> None:
    def fail(*_: Any) -> None:
        try:
            raise ValueError(f"wrong\nDETAIL:  ({CANARY})")
        except ValueError as cause:
            raise IntegrityError(*cause.args) from cause

    with pytest.raises(IntegrityError) as caught:
        withhold_values(fail, "INSERT", (), False, None)
    assert CANARY not in repr(caught.value) + repr(caught.value.__cause__)
    assert str(caught.value) == str(caught.value.__cause__) == "wrong"


@on_postgresql
@pytest.mark.django_db
def test_a_row_that_postgresql_refuses_is_not_in_the_error(acme: Organization) -> None:
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        InboundMessage.objects.create(organization=acme, ses_message_id="m", subject=CANARY, text=CANARY)
    assert CANARY not in repr(caught.value) + repr(caught.value.__cause__)
    assert "received_at" in str(caught.value), "what is wrong is still told"
    with pytest.raises(DataError) as caught_too, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT %s::integer", [CANARY])
    assert CANARY not in repr(caught_too.value) + repr(caught_too.value.__cause__)


def test_the_limit_is_said_at_the_start_of_a_connection_and_the_url_wins() -> None:
    plain: dict[str, Any] = {"ENGINE": "config.postgresql", "OPTIONS": {}}
    limit_statements(plain, seconds=2.5)
    assert plain["OPTIONS"] == {"options": "-c statement_timeout=2500"}
    own: dict[str, Any] = {"ENGINE": "config.postgresql", "OPTIONS": {"options": "-c search_path=a"}}
    limit_statements(own, seconds=1)
    assert own["OPTIONS"] == {"options": "-c statement_timeout=1000 -c search_path=a"}


@pytest.mark.parametrize(("engine", "seconds"), [("config.postgresql", 0), ("django.db.backends.sqlite3", 30)])
def test_no_limit_where_none_is_wanted_or_none_is_known(engine: str, seconds: float) -> None:
    database: dict[str, Any] = {"ENGINE": engine, "OPTIONS": {}}
    limit_statements(database, seconds=seconds)
    assert database["OPTIONS"] == {}


@on_postgresql
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("process", "limit"),
    [("import config.wsgi", "7s"), ("import config.celery, django; django.setup()", "0")],
    ids=["web", "worker"],
)
def test_statements_of_the_web_are_limited_and_those_of_others_not(process: str, limit: str) -> None:
    show = "from django.db import connection as c; k = c.cursor(); k.execute('SHOW statement_timeout')"
    base, _, _ = os.environ["DATABASE_URL"].rpartition("/")
    found = subprocess.run(
        [sys.executable, "-c", f"{process}; {show}; print(*k.fetchone())"],
        env=os.environ
        | {
            "DATABASE_URL": f"{base}/{connection.settings_dict['NAME']}",
            "DATABASE_STATEMENT_TIMEOUT": "7",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "ENCRYPTION_KEYS": "",
            "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert found.stdout.split()[-1:] == [limit], found.stderr
