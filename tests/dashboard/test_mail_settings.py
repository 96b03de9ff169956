"""The settings of mail: bounds, what a shorter retention removes, who may change them, and the audit."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent, Membership, Organization, User
from accounts.permissions import Role
from inbound.models import InboundMessage, MailPolicy
from tests.dashboard.rows import make_domain, make_message

pytestmark = pytest.mark.django_db
URL = "/app/settings/mail"


@pytest.fixture
def signed_in(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


def page_of(client: Client) -> str:
    return client.get(URL).content.decode()


def old_messages(organization: Organization, *days: int, **fields: object) -> None:
    domain = make_domain(organization, f"{organization.name.lower()}.example", status="active")
    for number, age in enumerate(days):
        make_message(domain, number, **({"received_at": timezone.now() - timedelta(days=age)} | fields))


def policy() -> tuple[int | None, bool]:
    return MailPolicy.objects.values_list("retention_days", "keeps_unknown_recipients").get()


def test_without_a_choice_the_page_shows_the_rule_of_the_installation(
    signed_in: Client, settings: LazySettings
) -> None:
    settings.MAIL_RETENTION_DAYS = 45
    page = page_of(signed_in)
    assert "Empty: 45 days" in page
    assert "There is no mail yet" in page
    assert not MailPolicy.objects.exists()


def test_the_page_says_what_is_removed_and_when(signed_in: Client, acme: Organization) -> None:
    old_messages(acme, 1, 80, 91, 95)
    page = page_of(signed_in)
    assert "Removes 2 messages" in page
    goes = (timezone.now() + timedelta(days=10)).strftime("%-d %B %Y")
    assert f"goes on {goes}" in page


def test_the_choices_are_saved_and_audited(signed_in: Client, acme: Organization, owner: User) -> None:
    answer = signed_in.post(URL, {"retention_days": "365"}, follow=True)
    assert "The settings are saved." in answer.content.decode()
    assert policy() == (365, False)
    event = AuditEvent.objects.get(action="mail_policy.changed")
    assert (event.organization, event.actor) == (acme, owner.email)
    assert event.details == {
        "before": {"retention_days": None, "keeps_unknown_recipients": True},
        "after": {"retention_days": 365, "keeps_unknown_recipients": False},
    }


def test_the_same_again_changes_and_audits_nothing(signed_in: Client, acme: Organization) -> None:
    for _ in range(2):
        signed_in.post(URL, {"retention_days": "30", "keeps_unknown_recipients": "on"})
    assert AuditEvent.objects.filter(action="mail_policy.changed").count() == 1
    assert policy() == (30, True)


def test_empty_is_the_installations_rule_again(signed_in: Client, acme: Organization) -> None:
    MailPolicy.objects.create(organization=acme, retention_days=9)
    signed_in.post(URL, {"retention_days": "", "keeps_unknown_recipients": "on"})
    assert policy() == (None, True)


@pytest.mark.parametrize("days", ["0", "-1", "3651", "99999999999999999999", "1.5", "ten", "1e2", "\x00", "٣x"])
def test_what_is_out_of_bounds_is_refused_beside_the_field(signed_in: Client, acme: Organization, days: str) -> None:
    answer = signed_in.post(URL, {"retention_days": days})
    assert answer.status_code == 422
    assert "id_retention_days_error" in answer.content.decode()
    assert not MailPolicy.objects.exists()


def test_a_shorter_retention_that_removes_mail_is_asked_about_first(signed_in: Client, acme: Organization) -> None:
    old_messages(acme, 1, 20, 40)
    answer = signed_in.post(URL, {"retention_days": "7", "keeps_unknown_recipients": "on"})
    page = answer.content.decode()
    assert "This removes 2 messages" in page
    assert not MailPolicy.objects.exists()
    signed_in.post(URL, {"retention_days": "7", "keeps_unknown_recipients": "on", "agreed": "2"})
    assert policy() == (7, True)


def test_who_agreed_to_fewer_is_asked_again(signed_in: Client, acme: Organization) -> None:
    old_messages(acme, 1, 20, 40)
    page = signed_in.post(URL, {"retention_days": "7", "agreed": "1"}).content.decode()
    assert "This removes 2 messages" in page
    assert not MailPolicy.objects.exists()


@pytest.mark.parametrize(("days", "before"), [("91", None), ("3650", None), ("7", 7), ("60", None), ("90", 50)])
def test_what_removes_nothing_more_is_not_asked_about(
    signed_in: Client, acme: Organization, days: str, before: int | None
) -> None:
    MailPolicy.objects.create(organization=acme, retention_days=before)
    old_messages(acme, 1, 55)
    signed_in.post(URL, {"retention_days": days})
    assert policy()[0] == int(days)


def test_only_the_organizations_own_visible_mail_is_counted(
    signed_in: Client, acme: Organization, globex: Organization
) -> None:
    old_messages(globex, 200, 300)
    old_messages(acme, 200, deleted_at=timezone.now())
    InboundMessage.objects.create(
        organization=acme, ses_message_id="held", disposition="held", received_at=timezone.now() - timedelta(days=200)
    )
    assert "Removes nothing" in page_of(signed_in)


@pytest.mark.parametrize(
    ("role", "status"), [(Role.OWNER, 200), (Role.ADMIN, 200), (Role.MEMBER, 403), (Role.VIEWER, 403)]
)
def test_owners_and_admins_may(client: Client, acme: Organization, role: str, status: int) -> None:
    user = User.objects.create_user("who@acme.example", "correct horse battery")
    Membership.objects.create(user=user, organization=acme, role=role)
    client.force_login(user)
    assert client.get(URL).status_code == status
    assert (URL in client.get(reverse("dashboard:keys")).content.decode()) == (status == 200)
    assert client.post(URL, {"retention_days": "30"}).status_code == (302 if status == 200 else 403)
    assert MailPolicy.objects.exists() == (status == 200)


def test_a_change_concerns_ones_own_organization_only(
    signed_in: Client, acme: Organization, globex: Organization
) -> None:
    MailPolicy.objects.create(organization=globex, retention_days=5)
    signed_in.post(URL, {"retention_days": "30"})
    assert MailPolicy.objects.get(organization=globex).retention_days == 5


def test_it_needs_the_csrf_token(owner: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(owner)
    assert strict.post(URL, {"retention_days": "30"}).status_code == 403


def test_the_signed_out_are_sent_to_sign_in(client: Client, db: None) -> None:
    assert client.get(URL)["Location"] == f"/accounts/login/?next={URL}"
