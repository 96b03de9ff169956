"""Notices: written with the fact, mailed once to the owners."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.core import mail
from django.utils import timezone

from accounts.models import Notice, Organization, User
from accounts.notices import GIVE_UP_AFTER, LEASE, mail_due, tell_owners

pytestmark = pytest.mark.django_db


def tell(organization: Organization, key: str = "one") -> Notice | None:
    return tell_owners(
        organization=organization, kind="test", subject="Look", body="Look here.", key=key, now=timezone.now()
    )


def test_owners_are_mailed_and_nobody_else(acme: Organization, owner: User, member: User, outsider: User) -> None:
    tell(acme)
    assert mail_due(now=timezone.now()) == 1
    assert [(sent.to, sent.subject, sent.body) for sent in mail.outbox] == [([owner.email], "Acme: Look", "Look here.")]


def test_the_same_thing_is_said_once(acme: Organization, owner: User) -> None:
    assert tell(acme) is not None
    assert tell(acme) is None
    mail_due(now=timezone.now())
    assert (mail_due(now=timezone.now()), len(mail.outbox)) == (0, 1)


def test_a_mail_server_that_is_away_gets_it_later(acme: Organization, owner: User, settings: LazySettings) -> None:
    tell(acme)
    working, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    assert mail_due(now=timezone.now()) == 0
    settings.EMAIL_BACKEND = working
    assert mail_due(now=timezone.now()) == 0
    assert mail_due(now=timezone.now() + LEASE) == 1
    assert len(mail.outbox) == 1


def test_a_notice_that_no_server_takes_for_days_stays_a_notice_only(acme: Organization, owner: User) -> None:
    tell(acme)
    assert mail_due(now=timezone.now() + GIVE_UP_AFTER + timedelta(seconds=1)) == 0
    assert Notice.objects.get().mailed_at is None


def test_an_organization_without_owners_is_done_at_once(acme: Organization) -> None:
    tell(acme)
    assert mail_due(now=timezone.now()) == 1
    assert mail.outbox == []
