"""Retention: each mail goes when its organization, or its not having been delivered, says so - rows and objects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils import timezone

from accounts.models import AuditEvent, Organization
from aws.mail_store import delete_object, object_size, put_file
from domains.models import Domain
from domains.registration import register_domain
from domains.verification import check_domain
from inbound import ingestion, retention, sweeping
from inbound.models import Attachment, DeletedMessage, InboundMessage, MailPolicy, SnsNotification, Thread
from inbound.policy import RetentionOutOfBounds, set_mail_policy
from inbound.reading import delete_message, visible_messages
from inbound.retention import UNDELIVERED_DAYS, expire
from tests.sandbox_process import SandboxProcess

BUCKET = "postern-tests"
REGION = "us-east-1"


def stored(organization: Organization | None, *, days: int, disposition: str = "delivered") -> InboundMessage:
    return InboundMessage.objects.create(
        organization=organization,
        ses_message_id=f"mail-{InboundMessage.objects.count()}",
        disposition=disposition,
        received_at=timezone.now() - timedelta(days=days),
        bucket=BUCKET,
        region=REGION,
        key=f"mail/test/{InboundMessage.objects.count()}/raw",
    )


def left() -> set[int]:
    expire(now=timezone.now())
    return set(InboundMessage.objects.values_list("pk", flat=True))


@pytest.mark.django_db
def test_an_organization_keeps_its_mail_as_long_as_it_says(
    installation: SandboxProcess, acme: Organization, globex: Organization
) -> None:
    MailPolicy.objects.create(organization=acme, retention_days=7)
    MailPolicy.objects.create(organization=globex, retention_days=400)
    kept = [stored(acme, days=6), stored(globex, days=399)]
    stored(acme, days=8)
    stored(globex, days=401)
    assert left() == {message.pk for message in kept}


@pytest.mark.django_db
def test_without_a_choice_the_installation_decides(installation: SandboxProcess, acme: Organization) -> None:
    MailPolicy.objects.create(organization=acme)
    kept = stored(acme, days=89)
    stored(acme, days=91)
    assert left() == {kept.pk}


@pytest.mark.django_db
@pytest.mark.parametrize("disposition", ["held", "unroutable"])
def test_what_was_not_delivered_is_kept_for_30_days_whatever_the_organization_says(
    installation: SandboxProcess, acme: Organization, disposition: str
) -> None:
    MailPolicy.objects.create(organization=acme, retention_days=400)
    kept = stored(acme, days=UNDELIVERED_DAYS - 1, disposition=disposition)
    stored(acme, days=UNDELIVERED_DAYS + 1, disposition=disposition)
    assert left() == {kept.pk}


@pytest.mark.django_db
def test_nobodys_mail_is_kept_for_30_days(installation: SandboxProcess) -> None:
    kept = stored(None, days=UNDELIVERED_DAYS - 1, disposition="unroutable")
    stored(None, days=UNDELIVERED_DAYS + 1, disposition="unroutable")
    assert left() == {kept.pk}


@pytest.mark.django_db
def test_the_object_goes_with_the_row_and_the_ledger_remembers(
    installation: SandboxProcess, acme: Organization, tmp_path: Path
) -> None:
    message = stored(acme, days=91)
    (tmp_path / "raw").write_bytes(b"Subject: old\r\n\r\n")
    put_file(region=REGION, bucket=BUCKET, key=message.key, path=tmp_path / "raw")
    assert left() == set()
    assert object_size(region=REGION, bucket=BUCKET, key=message.key) is None
    assert DeletedMessage.objects.get().ses_message_id == message.ses_message_id


@pytest.mark.django_db
def test_a_message_that_s3_will_not_let_go_stays_and_stops_no_other(
    installation: SandboxProcess, acme: Organization
) -> None:
    stubborn, old = stored(acme, days=99), stored(acme, days=91)
    fault = {"operation": "DeleteObject", "kind": "error", "code": "AccessDenied", "status": 403}
    installation.control("POST", "/_sandbox/faults", fault)
    assert left() == {stubborn.pk}
    assert old.pk not in left()
    assert not visible_messages(organization=acme).exists()
    assert expire(now=timezone.now() + timedelta(hours=1)) == 1
    assert not InboundMessage.objects.exists()


@pytest.mark.django_db
def test_while_s3_is_away_mail_is_hidden_and_keeps_its_pointers_and_goes_when_s3_is_back(
    installation: SandboxProcess, acme: Organization, tmp_path: Path
) -> None:
    messages = [stored(acme, days=91), stored(acme, days=92), stored(acme, days=93)]
    keys = [key for message in messages for key in with_attachments(message, 1)]
    lie(tmp_path, *keys)
    # It dies between the two objects of the second mail.
    away = {"operation": "DeleteObject", "kind": "error", "code": "ServiceUnavailable", "status": 503, "skip": 3}
    installation.control("POST", "/_sandbox/faults", away | {"times": 1000})
    installation.control("DELETE", "/_sandbox/calls")
    assert expire(now=timezone.now()) == 1
    asked = installation.control("GET", "/_sandbox/calls")["calls"]
    assert len(asked) < 10, "it is not asked of each object whether S3 is still away"
    assert not visible_messages(organization=acme).exists()
    still = [key for key in keys if object_size(region=REGION, bucket=BUCKET, key=key) is not None]
    known = {*InboundMessage.objects.values_list("key", flat=True), *Attachment.objects.values_list("key", flat=True)}
    assert len(still) == 3
    assert set(still) <= known
    installation.control("DELETE", "/_sandbox/faults")
    assert expire(now=timezone.now()) == 2
    assert [object_size(region=REGION, bucket=BUCKET, key=key) for key in keys] == [None] * 6
    assert sum(each.details["messages"] for each in AuditEvent.objects.filter(action="messages.expired")) == 3


@pytest.mark.django_db
@pytest.mark.parametrize(
    "answer", [{"code": "ServiceUnavailable", "status": 503}, {"code": "AccessDenied", "status": 403}]
)
def test_a_purge_while_s3_is_away_hides_the_mail_at_once_and_ends_later(
    installation: SandboxProcess, acme: Organization, tmp_path: Path, answer: dict[str, Any]
) -> None:
    keys = with_attachments(message := stored(acme, days=1), 2)
    lie(tmp_path, *keys)
    fault = {"operation": "DeleteObject", "kind": "error", "skip": 1, "times": 1000}
    installation.control("POST", "/_sandbox/faults", fault | answer)
    delete_message(message=message, actor="owner", now=timezone.now(), purge=True)
    assert not visible_messages(organization=acme).exists()
    assert InboundMessage.objects.get().key == message.key
    assert DeletedMessage.objects.get().ses_message_id == message.ses_message_id
    installation.control("DELETE", "/_sandbox/faults")
    assert expire(now=timezone.now() + timedelta(hours=1)) == 1
    assert [object_size(region=REGION, bucket=BUCKET, key=key) for key in keys] == [None] * 3
    assert not InboundMessage.objects.exists()
    assert not AuditEvent.objects.filter(action="messages.expired").exists(), "it was purged, not expired"


def lie(tmp_path: Path, *keys: str) -> None:
    (tmp_path / "raw").write_bytes(b"Subject: old\r\n\r\n")
    for key in keys:
        put_file(region=REGION, bucket=BUCKET, key=key, path=tmp_path / "raw")


def with_attachments(message: InboundMessage, count: int) -> list[str]:
    rows = [
        Attachment(
            message=message, position=at, content_type="text/plain", size=1, sha256="", key=f"{message.key}-{at}"
        )
        for at in range(count)
    ]
    Attachment.objects.bulk_create(rows)
    return [message.key, *(row.key for row in rows)]


@pytest.mark.django_db
@pytest.mark.parametrize("deleted", [1, 2, 3])
def test_a_run_that_stopped_between_two_objects_is_taken_up_by_the_next(
    installation: SandboxProcess, acme: Organization, tmp_path: Path, deleted: int
) -> None:
    keys = with_attachments(message := stored(acme, days=91), 3)
    lie(tmp_path, *keys)
    for key in keys[:deleted]:
        delete_object(region=REGION, bucket=BUCKET, key=key)
    assert left() == set()
    assert [object_size(region=REGION, bucket=BUCKET, key=key) for key in keys] == [None] * 4
    assert DeletedMessage.objects.get().ses_message_id == message.ses_message_id


@pytest.mark.django_db
def test_a_run_that_dies_before_its_rows_are_gone_leaves_them_all_to_the_next(
    installation: SandboxProcess, acme: Organization, tmp_path: Path
) -> None:
    keys = with_attachments(stored(acme, days=91), 1)
    lie(tmp_path, *keys)

    def dies(execute: Any, sql: str, *rest: Any) -> Any:
        if sql.startswith("DELETE"):
            raise OperationalError("server closed the connection unexpectedly")
        return execute(sql, *rest)

    with connection.execute_wrapper(dies), pytest.raises(OperationalError):
        expire(now=timezone.now())
    assert InboundMessage.objects.count() == 1
    assert not visible_messages(organization=acme).exists()
    assert expire(now=timezone.now()) == 1
    assert AuditEvent.objects.get().details == {"messages": 1}


@pytest.mark.django_db
def test_more_than_a_batch_goes_and_the_audit_counts_by_organization(
    installation: SandboxProcess, acme: Organization, globex: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 3)
    for number in range(8):
        stored(acme if number % 4 else globex, days=100 + number // 3)
    kept = stored(acme, days=1)
    assert expire(now=timezone.now()) == 8
    assert list(InboundMessage.objects.all()) == [kept]
    counts = Counter[str]()
    for event in AuditEvent.objects.filter(actor="retention", action="messages.expired"):
        counts[event.organization.name] += event.details["messages"]
    assert counts == {"Acme": 6, "Globex": 2}


@pytest.mark.django_db
def test_a_conversation_goes_with_its_last_message(installation: SandboxProcess, acme: Organization) -> None:
    ended, going_on = Thread.objects.create(organization=acme), Thread.objects.create(organization=acme)
    for thread, days in ((ended, 91), (ended, 92), (going_on, 91), (going_on, 1)):
        InboundMessage.objects.filter(pk=stored(acme, days=days).pk).update(thread=thread)
    assert len(left()) == 1
    assert list(Thread.objects.all()) == [going_on]


@pytest.mark.django_db
def test_an_expired_message_stays_away_when_its_object_lies_there_again(
    installation: SandboxProcess, acme: Organization, tmp_path: Path, settings: LazySettings
) -> None:
    settings.SWEEP_AFTER_SECONDS = -60
    message = stored(acme, days=91)
    assert left() == set()
    incoming = f"{settings.INBOUND_PREFIX}{message.ses_message_id}"
    lie(tmp_path, incoming)
    assert sweeping.sweep(now=timezone.now()) == 0
    ingestion.ingest_due(now=timezone.now())
    assert not InboundMessage.objects.exists()
    assert object_size(region=REGION, bucket=BUCKET, key=incoming) is None


@pytest.mark.django_db
@pytest.mark.parametrize("how", ["expired", "deleted", "purged"])
def test_a_late_announcement_brings_nothing_back(
    installation: SandboxProcess,
    acme: Organization,
    how: str,
    send_mail: Callable[..., None],
    take_in_mail: Callable[[], int],
    publish: Callable[[Domain], None],
) -> None:
    publish(register_domain(organization=acme, name="shop.example", actor="test", now=timezone.now()))
    assert check_domain(domain=Domain.objects.get(), actor="test", now=timezone.now()).status == "active"
    send_mail("info@shop.example")
    take_in_mail()
    message, announced = InboundMessage.objects.get(), SnsNotification.objects.get()
    if how == "expired":
        InboundMessage.objects.update(received_at=timezone.now() - timedelta(days=91))
        assert left() == set()
    else:
        delete_message(message=message, actor="owner", now=timezone.now(), purge=how == "purged")
    SnsNotification.objects.filter(pk=announced.pk).update(state="waiting", leased_until=None)
    ingestion.ingest_due(now=timezone.now())
    assert SnsNotification.objects.get().state == "done"
    assert not visible_messages(organization=acme).exists()


@pytest.mark.django_db
@pytest.mark.parametrize("days", [0, 3651])
def test_a_retention_out_of_bounds_is_refused_by_verb_and_database(acme: Organization, days: int) -> None:
    with pytest.raises(RetentionOutOfBounds):
        set_mail_policy(
            organization=acme, retention_days=days, keeps_unknown_recipients=True, actor="owner", now=timezone.now()
        )
    with pytest.raises(IntegrityError), transaction.atomic():
        MailPolicy.objects.create(organization=acme, retention_days=days)
