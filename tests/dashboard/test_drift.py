"""What the pages say of a domain that was right once, and what the buttons beside a record do."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Organization, User
from domains.drift import note_look
from domains.facts import current_records
from domains.models import Domain, DomainEvent, Drift
from tests.dashboard.rows import make_domain

pytestmark = pytest.mark.django_db


@pytest.fixture
def signed_in(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


def missed(organization: Organization, *purposes: str, looks: int = 1, name: str = "shop.example") -> Domain:
    """A domain in use at which the records of these purposes were missed at so many looks, three hours apart."""
    domain = make_domain(organization, name, status="active", verified_at=timezone.now())
    domain.records.update(verdict="ok", first_ok_at=timezone.now())
    domain.records.filter(purpose__in=purposes).update(verdict="missing", message="It is not there.", fix="Add it.")
    for number in range(looks):
        row = Domain.objects.select_related("organization").get(pk=domain.pk)
        records = current_records(row)
        at = timezone.now() - timedelta(hours=3 * (looks - number - 1))
        verdicts = {record.pk: record.verdict for record in records}
        ses = "TEMPORARY_FAILURE" if "identity" in purposes else "SUCCESS"
        note_look(domain=row, records=records, verdicts=verdicts, ses_status=ses, now=at)
    return Domain.objects.get(pk=domain.pk)


def page_of(client: Client, domain: Domain) -> str:
    return client.get(reverse("dashboard:domain", args=[domain.public_id])).content.decode()


def press(client: Client, domain: Domain, verb: str, row: Drift | None = None) -> int:
    drift_id = (row or Drift.objects.get()).public_id
    address = reverse("dashboard:drift", args=[domain.public_id, drift_id, verb])
    return client.post(address).status_code


def test_a_healthy_domain_has_one_chip_and_no_buttons(signed_in: Client, acme: Organization) -> None:
    page = page_of(signed_in, missed(acme))
    assert not any(word in page for word in ("Suspect", "Degraded", "Broken", "I know of it", "Mute"))


@pytest.mark.parametrize(
    ("purposes", "looks", "chip", "sentence"),
    [
        (["inbound"], 1, "Suspect", "MX shop.example was not as it should be at our last look."),
        (
            ["spf", "dmarc"],
            3,
            "Degraded",
            "The SPF record is gone or wrong (1 more below): put it back as it is shown below.",
        ),
        (["inbound"], 3, "Broken", "The MX record is gone or wrong: put it back as it is shown below."),
        (["identity"], 1, "Degraded", "put the ownership or the DKIM records back within 72 hours, or mail stops."),
    ],
)
def test_the_page_says_how_it_fares_and_what_to_do(
    signed_in: Client, acme: Organization, purposes: list[str], looks: int, chip: str, sentence: str
) -> None:
    page = page_of(signed_in, missed(acme, *purposes, looks=looks))
    assert chip in page
    assert "Verified" in page
    assert sentence in page


def test_the_list_shows_it_beside_the_status(signed_in: Client, acme: Organization) -> None:
    missed(acme, "inbound", looks=3)
    page = signed_in.get(reverse("dashboard:domains")).content.decode()
    assert "Verified" in page
    assert "Broken" in page
    assert "Mail does not get through." in page


def test_a_record_that_was_missed_once_is_not_yet_lost(signed_in: Client, acme: Organization) -> None:
    domain = missed(acme, "spf")
    page = page_of(signed_in, domain)
    assert "Missed" in page
    assert "It is lost once three looks over six hours agree" in page
    assert "Lost" not in page


def test_what_is_acknowledged_says_who_knows_of_it(signed_in: Client, acme: Organization, owner: User) -> None:
    domain = missed(acme, "spf", looks=3)
    assert press(signed_in, domain, "acknowledge") == 302
    page = page_of(signed_in, domain)
    assert "Known: nothing more is said of it until it is right again." in page
    assert f"· {owner.email}" in page
    assert "I know of it" not in page
    assert "Loss acknowledged" in page


def test_what_is_muted_no_longer_counts_and_can_be_unmuted(signed_in: Client, acme: Organization) -> None:
    domain = missed(acme, "spf", looks=3)
    press(signed_in, domain, "mute")
    page = page_of(signed_in, domain)
    assert "Degraded" not in page
    assert "Muted: no notices about it" in page
    press(signed_in, domain, "unmute")
    assert "Suspect" in page_of(signed_in, domain)


def test_a_muted_record_that_is_right_again_can_still_be_unmuted(signed_in: Client, acme: Organization) -> None:
    domain = missed(acme, "spf")
    press(signed_in, domain, "mute")
    domain.records.update(verdict="ok", message="", fix="")
    Drift.objects.update(misses=0)
    assert "Unmute" in page_of(signed_in, domain)


def test_the_warning_of_ses_can_be_acknowledged_and_not_muted(signed_in: Client, acme: Organization) -> None:
    domain = missed(acme, "identity")
    page = page_of(signed_in, domain)
    assert "I know of it" in page
    assert "Mute" not in page
    press(signed_in, domain, "mute")
    assert "can not be muted" in page_of(signed_in, domain)


def test_who_may_only_look_sees_no_buttons_and_can_not_press_them(
    client: Client, viewer: User, acme: Organization
) -> None:
    domain = missed(acme, "spf", looks=3)
    client.force_login(viewer)
    page = page_of(client, domain)
    assert "Degraded" in page
    assert "I know of it" not in page
    assert press(client, domain, "mute") == 403
    assert Drift.objects.get().muted_at is None


def test_anothers_record_is_not_found(client: Client, outsider: User, acme: Organization, globex: Organization) -> None:
    theirs = missed(acme, "spf", looks=3)
    own = missed(globex, name="own.example")
    row = Drift.objects.get()
    client.force_login(outsider)
    assert press(client, theirs, "mute", row) == 404
    assert press(client, own, "mute", row) == 404
    assert Drift.objects.get().muted_at is None


def test_an_unknown_verb_is_not_found_and_a_get_changes_nothing(signed_in: Client, acme: Organization) -> None:
    domain = missed(acme, "spf")
    assert press(signed_in, domain, "forget") == 404
    address = reverse("dashboard:drift", args=[domain.public_id, Drift.objects.get().public_id, "mute"])
    assert signed_in.get(address).status_code == 405


def test_a_day_of_flapping_is_one_line_of_the_timeline(signed_in: Client, acme: Organization) -> None:
    domain = missed(acme)
    for number in range(30):
        after = "healthy" if number % 2 else "suspect"
        DomainEvent.objects.create(domain=domain, type="domain.health_changed", after=after)
    page = page_of(signed_in, domain)
    assert page.count("All records are right again") == 1
    assert "A record was missed" not in page


def test_the_timeline_says_what_was_lost(signed_in: Client, acme: Organization) -> None:
    page = page_of(signed_in, missed(acme, "inbound", looks=3))
    assert "Something broke" in page
    assert "The MX record is gone or wrong" in page
