"""What the pages say of a record that is wrong but not required, needless, in another's way, or to be taken out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Organization, User
from domains.hand_over import create_link
from domains.models import Domain
from tests.dashboard.rows import NOW, make_domain

pytestmark = pytest.mark.django_db
TEMPLATES = Path(settings.BASE_DIR) / "templates"


@pytest.fixture
def signed_in(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


@pytest.fixture
def proved_by_dkim(acme: Organization) -> Domain:
    domain = make_domain(acme, status="active", dkim_status="SUCCESS")
    domain.records.update(verdict="ok", checked_at=NOW)
    domain.records.filter(purpose="ownership").update(
        verdict="missing", code="name_doubled", message="The zone is in the name twice."
    )
    return domain


def page_of(client: Client, domain: Domain) -> str:
    return client.get(reverse("dashboard:domain", args=[domain.public_id])).content.decode()


def hand_over_of(domain: Domain) -> str:
    token = create_link(domain=domain, actor="x", now=timezone.now()).token
    return Client().get(reverse("dashboard:hand_over", args=[token])).content.decode()


def chips_of(page: str) -> list[str]:
    return re.findall(r'<span class="chip [a-z]+">.*?</svg>([^<]+)', page, re.DOTALL)


def test_a_wrong_record_that_is_only_recommended_says_both(signed_in: Client, acme: Organization) -> None:
    domain = make_domain(acme, status="active")
    domain.records.update(verdict="ok", checked_at=NOW)
    assert page_of(signed_in, domain).count(">Recommended</span>") == 2, "the headings of two groups"
    domain.records.filter(purpose="spf").update(
        verdict="wrong", code="spf_multiple", message="There are two SPF records."
    )
    page = page_of(signed_in, domain)
    assert chips_of(page).count("Needs fixing") == 1
    assert page.count(">Recommended</span>") == 3
    assert "Optional<" not in page


def test_where_dkim_proves_the_name_the_ownership_record_may_be_left(signed_in: Client, proved_by_dkim: Domain) -> None:
    page = page_of(signed_in, proved_by_dkim)
    assert "Verified and in use. There is nothing to do." in page
    assert "The DKIM records prove the name instead: this record may be left out." in page
    assert "The zone is in the name twice." not in page
    assert "Needs fixing" not in chips_of(page)
    assert page.count(">Required</span>") == 1, "the MX alone"
    assert "6 of 6" in signed_in.get(reverse("dashboard:domains")).content.decode()
    assert "All records are right." in hand_over_of(proved_by_dkim)


def test_where_dkim_is_lost_the_ownership_record_is_not_left(signed_in: Client, proved_by_dkim: Domain) -> None:
    Domain.objects.update(dkim_status="FAILED")
    page = page_of(signed_in, proved_by_dkim)
    assert "The DKIM records prove the name instead" not in page
    assert "The zone is in the name twice." in page


MAIL_TODAY = {"hosts": ["aspmx.l.google.com"], "code": "google", "name": "Google Workspace"}


def test_the_hand_over_page_warns_of_the_mailboxes_that_get_none(acme: Organization) -> None:
    domain = make_domain(acme, dns_summary={"mail_today": MAIL_TODAY})
    page = hand_over_of(domain)
    assert "Its mail goes to Google Workspace today (aspmx.l.google.com)." in page
    assert re.search(r"the mailboxes at Google[^<]* get none", page)
    assert "Register mail.shop.example instead" in page
    domain.records.filter(purpose="inbound").update(verdict="ok")
    assert "get none" not in hand_over_of(domain)


@pytest.mark.parametrize("mail_today", [{}, {"hosts": []}])
def test_where_nobody_gets_the_mail_there_is_nothing_to_warn_of(acme: Organization, mail_today: object) -> None:
    page = hand_over_of(make_domain(acme, dns_summary={"mail_today": mail_today}))
    assert 'class="choices"' not in page


@pytest.mark.parametrize("seen", ["0 ", "0"])
def test_a_null_mx_is_shown_with_its_dot(signed_in: Client, acme: Organization, seen: str) -> None:
    domain = make_domain(acme)
    domain.records.filter(purpose="inbound").update(
        verdict="conflict", code="null_mx", message="It takes no mail.", observed=[seen]
    )
    for page in (page_of(signed_in, domain), hand_over_of(domain)):
        found = re.search(r"Found</span> <code>(.*?)</code>", page)
        assert found is not None
        assert re.sub(r"</?mark>", "", found[1]) == "0 ."


def removed_page(client: Client, domain: Domain) -> str:
    answer = client.post(reverse("dashboard:remove_domain", args=[domain.public_id]), {"typed_name": domain.name})
    assert answer.status_code == 200
    return answer.content.decode()


def test_only_records_that_were_seen_are_to_be_taken_out(signed_in: Client, acme: Organization) -> None:
    domain = make_domain(acme)
    domain.records.update(verdict="missing", code="not_published", checked_at=NOW)
    domain.records.filter(purpose="dmarc").update(first_ok_at=NOW)
    domain.records.filter(purpose="inbound").update(
        verdict="conflict", observed=["5 mx.elsewhere.example", "10 inbound-smtp.us-east-1.amazonaws.com"]
    )
    page = removed_page(signed_in, domain)
    assert "_dmarc.shop.example" in page
    assert "inbound-smtp.us-east-1.amazonaws.com" in page
    assert "_amazonses.shop.example" not in page


def test_where_none_was_seen_there_is_nothing_to_take_out(signed_in: Client, acme: Organization) -> None:
    domain = make_domain(acme)
    domain.records.update(verdict="missing", code="not_published", checked_at=NOW)
    page = removed_page(signed_in, domain)
    assert "there is nothing to take out" in page
    assert "Take these records out" not in page


def test_every_form_that_says_that_it_is_busy_has_a_button_with_a_word_to_replace() -> None:
    busy = 0
    for template in TEMPLATES.rglob("*.html"):
        for form in re.findall(r"<form[^>]*?data-busy=.*?</form>", template.read_text(), re.DOTALL):
            busy += 1
            button = re.search(r"<button(?![^>]*type=\"button\")[^>]*>(.*?)</button>", form, re.DOTALL)
            assert button is not None, template
            assert "<span>" in button[1], template
    assert busy >= 9


def test_names_are_shown_as_people_write_them_in_every_filter(signed_in: Client, acme: Organization) -> None:
    make_domain(acme, "xn--mnchen-3ya.example", status="active")
    for page in ("dashboard:messages", "dashboard:keys"):
        assert re.search(r"<option[^>]*>münchen\.example</option>", signed_in.get(reverse(page)).content.decode())
