"""The probes: whether the process is up, and whether it can do its work."""

from __future__ import annotations

import pytest
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client


@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.5:8000", "not a host"])
def test_a_process_that_is_up_says_so_by_whatever_name_it_is_asked(host: str) -> None:
    answer = Client().get("/healthz", headers={"host": host})
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.django_db
def test_a_process_with_its_database_is_ready_by_whatever_name_it_is_asked() -> None:
    assert Client().get("/readyz", headers={"host": "10.0.0.5:8000"}).status_code == 200


@pytest.mark.django_db
def test_a_process_whose_database_lacks_a_migration_is_not_ready() -> None:
    MigrationRecorder(connection).migration_qs.filter(app="inbound").order_by("-pk")[:1].get().delete()
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["reason"]) == (503, "migrations")


def test_a_process_without_its_database_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(connection, "ensure_connection", away)
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["reason"]) == (503, "database")


def test_any_other_path_is_refused_to_a_name_that_is_not_ours() -> None:
    assert Client().get("/accounts/login/", headers={"host": "evil.example"}).status_code == 400
