"""The queue of record and the fates of sent mail do not grow for ever, and what still matters stays."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from accounts.models import Organization
from domains.models import Domain
from domains.registration import register_domain
from inbound import tidying
from inbound.models import SendingFeedback, SentMessage, SnsNotification
from inbound.tidying import FATES_KEPT, NOTIFICATIONS_KEPT, tidy
from tests.sandbox_process import SandboxProcess

pytestmark = pytest.mark.django_db

NOW = timezone.now()


def notification(name: str, state: str, *, age: timedelta) -> None:
    ended = None if state == "waiting" else NOW - age
    SnsNotification.objects.create(
        sns_message_id=name, topic_arn="arn", message="{}", sent_at=NOW - age, state=state, done_at=ended
    )


@pytest.mark.parametrize(
    ("state", "age", "stays"),
    [
        ("done", NOTIFICATIONS_KEPT + timedelta(minutes=1), False),
        ("ignored", NOTIFICATIONS_KEPT + timedelta(minutes=1), False),
        ("done", NOTIFICATIONS_KEPT - timedelta(minutes=1), True),
        ("parked", timedelta(days=400), True),
        ("waiting", timedelta(days=400), True),
    ],
)
def test_what_came_to_an_end_long_ago_goes_and_work_stays(state: str, age: timedelta, stays: bool) -> None:
    notification("one", state, age=age)
    assert tidy(now=NOW) == (0 if stays else 1)
    assert SnsNotification.objects.exists() == stays


def test_it_outlives_what_a_queue_may_bring_again() -> None:
    assert timedelta(days=14) * 2 <= NOTIFICATIONS_KEPT


def test_more_than_a_batch_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tidying, "BATCH", 3)
    for number in range(8):
        notification(str(number), "done", age=timedelta(days=31))
    assert tidy(now=NOW) == 8


def sent(domain: Domain, at: datetime) -> SentMessage:
    return SentMessage.objects.create(
        organization=domain.organization, domain=domain, from_address="a@b", to_address="c@d", created_at=at
    )


def told(domain: Domain, message: SentMessage | None, at: datetime, recipient: str) -> None:
    SendingFeedback.objects.create(
        domain=domain, sent_message=message, ses_message_id="m", kind="bounce", recipient=recipient, at=at, stored_at=at
    )


def test_sent_mail_and_its_fates_go_after_ninety_days(installation: SandboxProcess, acme: Organization) -> None:
    domain = register_domain(organization=acme, name="hello.example", actor="test", now=NOW)
    long_ago, lately = NOW - FATES_KEPT - timedelta(minutes=1), NOW - FATES_KEPT + timedelta(minutes=1)
    old, new = sent(domain, long_ago), sent(domain, lately)
    told(domain, old, long_ago, "old@x.example")
    told(domain, old, lately, "late@x.example")
    told(domain, new, lately, "new@x.example")
    assert tidy(now=NOW) == 2
    assert list(SentMessage.objects.all()) == [new]
    assert set(SendingFeedback.objects.values_list("recipient", "sent_message")) == {
        ("late@x.example", None),
        ("new@x.example", new.pk),
    }
