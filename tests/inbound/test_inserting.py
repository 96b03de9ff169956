"""The door's one INSERT: once, in one statement, also over a connection that died meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest.mock import Mock

import pytest
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

from inbound import inserting
from inbound.inserting import _execute, insert_unless_there
from inbound.models import SnsNotification


def insert(message: str = "{}") -> bool:
    return insert_unless_there(SnsNotification, **given(message))


def given(message: str) -> dict[str, Any]:
    return {"sns_message_id": "one", "topic_arn": "arn", "message": message, "sent_at": timezone.now()}


@pytest.mark.django_db(transaction=True)
def test_it_is_the_row_that_the_orm_would_have_made(django_assert_num_queries: Callable[..., Any]) -> None:
    with django_assert_num_queries(1):
        assert insert("Grüße") is True
    kept = SnsNotification.objects.get()
    wanted = SnsNotification(**given("Grüße"))
    for field in SnsNotification._meta.concrete_fields:
        if field.name not in ("id", "sent_at", "received_at", "next_attempt_at"):
            assert getattr(kept, field.attname) == getattr(wanted, field.attname), field.name
    assert abs((kept.sent_at - wanted.sent_at).total_seconds()) < 60
    assert insert("other") is False
    assert SnsNotification.objects.get().message == "Grüße"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("failure", [OperationalError, InterfaceError])
def test_a_connection_that_died_since_the_last_request_costs_nothing(
    failure: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[object] = []

    def execute(*given: Any) -> bool:
        tried.append(connection.connection)
        if len(tried) == 1:
            monkeypatch.setattr(type(connection), "is_usable", lambda self: False, raising=False)
            raise failure("the server closed the connection")
        return _execute(*given)

    monkeypatch.setattr(inserting, "_execute", execute)
    assert insert() is True
    assert len(tried) == 2
    assert tried[1] is None, "the dead connection was given up"
    assert SnsNotification.objects.count() == 1


@pytest.mark.django_db
def test_within_a_transaction_a_failure_is_the_callers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inserting, "_execute", Mock(side_effect=OperationalError("gone")))
    with pytest.raises(OperationalError):
        insert()
    assert SnsNotification.objects.count() == 0
