"""The pages of domains: what they show, and what their forms do."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Organization, User
from channels.models import EmailAccount, SesSetup, UseCase
from domains.models import Domain, SesTenant
from tests.dashboard.rows import make_domain, make_inbox, make_message

pytestmark = pytest.mark.django_db


@pytest.fixture
def signed_in(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


def page_of(client: Client, domain: Domain, query: str = "") -> str:
    return client.get(reverse("dashboard:domain", args=[domain.public_id]) + query).content.decode()


def test_an_empty_list_asks_for_the_first_domain(signed_in: Client) -> None:
    page = signed_in.get(reverse("dashboard:domains")).content.decode()
    assert page.count('name="name"') == 1
    assert "Receive mail at your own domain" in page


def test_the_list_shows_how_far_each_domain_is(signed_in: Client, acme: Organization) -> None:
    domain = make_domain(acme)
    domain.records.filter(purpose="dkim").update(verdict="ok")
    assert "3 of 7" in signed_in.get(reverse("dashboard:domains")).content.decode()


def test_the_list_filters_by_status_and_counts(signed_in: Client, acme: Organization) -> None:
    make_domain(acme, "one.example", status="active")
    make_domain(acme, "two.example")
    page = signed_in.get(reverse("dashboard:domains"), {"status": "verified"}).content.decode()
    assert "one.example" in page
    assert "two.example" not in page


def test_the_list_searches_by_name(signed_in: Client, acme: Organization) -> None:
    make_domain(acme, "one.example")
    make_domain(acme, "two.example")
    page = signed_in.get(reverse("dashboard:domains"), {"q": "TWO"}).content.decode()
    assert "one.example" not in page


def test_the_list_takes_as_many_queries_for_ten_domains_as_for_one(
    signed_in: Client, acme: Organization, django_assert_max_num_queries: object
) -> None:
    for number in range(10):
        make_domain(acme, f"shop{number}.example")
    with django_assert_max_num_queries(10):  # type: ignore[operator]
        signed_in.get(reverse("dashboard:domains"))


def test_only_rows_in_progress_ask_again(signed_in: Client, acme: Organization) -> None:
    make_domain(acme, "one.example", status="active")
    assert "hx-trigger" not in signed_in.get(reverse("dashboard:domains")).content.decode()
    make_domain(acme, "two.example")
    assert signed_in.get(reverse("dashboard:domains")).content.decode().count('hx-trigger="every 15s"') == 1


@pytest.mark.parametrize("typed", ["not a domain", "localhost", "com", "192.0.2.1", ""])
def test_a_name_that_is_refused_says_why_beside_the_field(signed_in: Client, typed: str) -> None:
    answer = signed_in.post(reverse("dashboard:add_domain"), {"name": typed, "region": "us-east-1"})
    assert answer.status_code == 422
    assert 'id="id_name_error"' in answer.content.decode()
    assert not Domain.objects.exists()


def test_a_name_that_is_there_already_says_so_beside_the_field(signed_in: Client, acme: Organization) -> None:
    make_domain(acme)
    answer = signed_in.post(reverse("dashboard:add_domain"), {"name": "https://Shop.Example/", "region": "us-east-1"})
    assert "already registered" in answer.content.decode()
    assert 'id="id_name_error"' in answer.content.decode()


def test_a_domains_page_groups_its_records_by_purpose(signed_in: Client, acme: Organization) -> None:
    page = page_of(signed_in, make_domain(acme))
    positions = [page.index(f"<h3>{title}") for title in ("Ownership", "Receiving", "Sending", "Policy")]
    assert positions == sorted(positions)


def test_names_are_relative_to_the_zone_unless_full_ones_are_wanted(signed_in: Client, acme: Organization) -> None:
    domain = make_domain(acme, "mail.shop.example", zone="shop.example")
    assert 'data-copy="_amazonses.mail"' in page_of(signed_in, domain)
    assert 'data-copy="_amazonses.mail.shop.example"' in page_of(signed_in, domain, "?names=full")


def test_before_the_first_look_names_are_relative_to_what_was_bought(signed_in: Client, acme: Organization) -> None:
    assert 'data-copy="_amazonses.mail"' in page_of(signed_in, make_domain(acme, "mail.shop.example"))


def test_an_international_name_is_shown_as_people_write_it(signed_in: Client, acme: Organization) -> None:
    page = page_of(signed_in, make_domain(acme, "xn--bcher-kva.example"))
    assert '<h1 class="breaks">bücher.example</h1>' in page
    assert "xn--bcher-kva.example" in page


def test_the_next_step_leaves_the_mx_for_the_end(signed_in: Client, acme: Organization) -> None:
    domain = make_domain(acme, checked_at=timezone.now())
    domain.records.update(verdict="missing")
    assert "Publish the TXT record at _amazonses.shop.example (1 more below)." in page_of(signed_in, domain)


def test_a_verified_domain_whose_mx_is_gone_is_not_in_use(signed_in: Client, acme: Organization) -> None:
    domain = make_domain(acme, status="active")
    domain.records.update(verdict="ok")
    domain.records.filter(purpose="inbound").update(verdict="missing")
    assert "Mail to this name does not come here. Publish the MX record below." in page_of(signed_in, domain)


def test_who_lost_a_name_is_not_told_to_start_again(signed_in: Client, acme: Organization) -> None:
    page = page_of(signed_in, make_domain(acme, status="failed", reason="claimed_elsewhere"))
    assert "It can be verified here only after they give it up." in page


def test_not_looked_yet_differs_from_looked_and_wrong(signed_in: Client, acme: Organization) -> None:
    domain = make_domain(acme)
    assert "Not checked" in page_of(signed_in, domain)
    domain.records.filter(purpose="inbound").update(
        verdict="wrong", code="target_doubled", message="Your host added the zone.", observed=["a.example.shop.example"]
    )
    page = page_of(signed_in, domain)
    assert "Needs fixing" in page
    assert "Your host added the zone." in page


def test_what_else_is_wrong_stands_behind_it(signed_in: Client, acme: Organization) -> None:
    domain = make_domain(acme)
    domain.records.filter(purpose="inbound").update(
        verdict="wrong", code="target_doubled", message="The zone is in it."
    )
    before = page_of(signed_in, domain)
    live = before.partition('hx-get="')[2].partition('"')[0].replace("&amp;", "&")
    domain.records.filter(purpose="inbound").update(other_codes=["priority_in_host", "mx_other_provider"])
    page = page_of(signed_in, domain)
    sentences = ("The priority stands in the host field.", "Mail goes to another provider.")
    assert all(sentence in page and sentence not in before for sentence in sentences)
    assert signed_in.get(live).status_code == 200


def test_the_page_asks_again_every_five_seconds_at_first_and_ever_slower(signed_in: Client, acme: Organization) -> None:
    domain = make_domain(acme, claim_started_at=timezone.now())
    assert 'hx-trigger="every 5s"' in page_of(signed_in, domain)
    Domain.objects.update(claim_started_at=timezone.now() - timedelta(minutes=30))
    assert 'hx-trigger="every 15s"' in page_of(signed_in, domain)
    Domain.objects.update(claim_started_at=timezone.now() - timedelta(hours=5))
    assert 'hx-trigger="every 60s"' in page_of(signed_in, domain)


def test_a_verified_domains_page_stops_asking(signed_in: Client, acme: Organization) -> None:
    assert "hx-trigger" not in page_of(signed_in, make_domain(acme, status="active"))


def test_an_unchanged_fragment_is_empty_and_a_changed_one_is_not(signed_in: Client, acme: Organization) -> None:
    domain = make_domain(acme)
    live = page_of(signed_in, domain).partition('hx-get="')[2].partition('"')[0].replace("&amp;", "&")
    assert signed_in.get(live).status_code == 204
    domain.records.filter(purpose="inbound").update(verdict="ok")
    changed = signed_in.get(live)
    assert changed.status_code == 200
    assert 'hx-swap-oob="innerHTML"' in changed.content.decode()


def test_a_change_of_status_reloads_the_page(signed_in: Client, acme: Organization) -> None:
    domain = make_domain(acme, status="active")
    answer = signed_in.get(reverse("dashboard:domain_live", args=[domain.public_id]), {"status": "pending"})
    assert answer["HX-Refresh"] == "true"


def test_suspend_and_resume(signed_in: Client, acme: Organization) -> None:
    domain = make_domain(acme, status="active")
    signed_in.post(reverse("dashboard:suspend_domain", args=[domain.public_id]))
    assert Domain.objects.get().status == "suspended"
    signed_in.post(reverse("dashboard:resume_domain", args=[domain.public_id]))
    assert Domain.objects.get().status == "active"


def test_what_staff_switched_off_the_owner_does_not_switch_on(signed_in: Client, acme: Organization) -> None:
    domain = make_domain(acme, status="suspended", reason="suspended_by_staff")
    assert "Resume" not in page_of(signed_in, domain)
    signed_in.post(reverse("dashboard:resume_domain", args=[domain.public_id]))
    assert Domain.objects.get().status == "suspended"


def test_removal_needs_the_name(signed_in: Client, acme: Organization) -> None:
    domain = make_domain(acme)
    answer = signed_in.post(reverse("dashboard:remove_domain", args=[domain.public_id]), {"typed_name": "shop"})
    assert answer.status_code == 422
    assert "Type shop.example to remove it." in answer.content.decode()
    assert Domain.objects.live().exists()


def test_removal_takes_an_international_name_as_people_write_it(signed_in: Client, acme: Organization) -> None:
    domain = make_domain(acme, "xn--bcher-kva.example")
    signed_in.post(reverse("dashboard:remove_domain", args=[domain.public_id]), {"typed_name": "Bücher.example"})
    assert not Domain.objects.live().exists()


def test_removal_lists_the_records_to_take_out(signed_in: Client, acme: Organization) -> None:
    domain = make_domain(acme)
    answer = signed_in.post(
        reverse("dashboard:remove_domain", args=[domain.public_id]), {"typed_name": "Shop.Example "}
    )
    assert answer.status_code == 200
    assert "inbound-smtp.us-east-1.amazonaws.com" in answer.content.decode()
    assert not Domain.objects.live().exists()


def test_removal_with_inboxes_needs_a_tick(signed_in: Client, acme: Organization) -> None:
    domain = make_domain(acme, status="active")
    make_inbox(domain)
    url = reverse("dashboard:remove_domain", args=[domain.public_id])
    assert signed_in.post(url, {"typed_name": "shop.example"}).status_code == 422
    assert signed_in.post(url, {"typed_name": "shop.example", "with_inboxes": "on"}).status_code == 200


def test_removal_of_a_domain_with_a_use_case_says_what_to_delete_first(signed_in: Client, acme: Organization) -> None:
    domain = make_domain(acme, status="active")
    tenant = SesTenant.objects.create(organization=acme, domain=domain, region=domain.region, tenant_name="shop")
    setup = SesSetup.objects.create(organization=acme, domain=domain, tenant=tenant)
    UseCase.objects.create(setup=setup, inbox=make_inbox(domain), entity_name="shop", name="orders")
    typed = {"typed_name": "shop.example", "with_inboxes": "on"}
    answer = signed_in.post(reverse("dashboard:remove_domain", args=[domain.public_id]), typed)
    assert answer.status_code == 422
    assert "Delete the use cases of this domain first." in answer.content.decode()


def test_an_inbox_is_made_from_its_first_part_or_the_whole_address(signed_in: Client, acme: Organization) -> None:
    url = reverse("dashboard:create_inbox", args=[make_domain(acme, status="active").public_id])
    signed_in.post(url, {"local_part": "support"})
    signed_in.post(url, {"local_part": "orders@shop.example"})
    assert set(EmailAccount.objects.values_list("email", flat=True)) == {"support@shop.example", "orders@shop.example"}


def test_an_inbox_that_is_refused_says_why_beside_the_field(signed_in: Client, acme: Organization) -> None:
    domain = make_domain(acme, status="active")
    make_inbox(domain)
    answer = signed_in.post(reverse("dashboard:create_inbox", args=[domain.public_id]), {"local_part": "support"})
    assert answer.status_code == 422
    assert 'id="id_local_part_error"' in answer.content.decode()


def test_deleting_an_inbox_keeps_its_messages(signed_in: Client, acme: Organization) -> None:
    domain = make_domain(acme, status="active")
    inbox = make_inbox(domain)
    message = make_message(domain, inbox=inbox)
    signed_in.post(reverse("dashboard:delete_inbox", args=[inbox.public_id]))
    assert not EmailAccount.objects.live().exists()
    assert signed_in.get(reverse("dashboard:message", args=[message.public_id])).status_code == 200


def test_names_that_are_html_are_shown_as_text(signed_in: Client, acme: Organization) -> None:
    acme.name = "<script>alert(1)</script>"
    acme.save(update_fields=["name"])
    domain = make_domain(acme, "<img src=x onerror=alert(1)>", status="active")
    domain.records.update(verdict="wrong", message="<b>x</b>", observed=["<svg onload=alert(1)>"])
    inbox = make_inbox(domain, "support")
    EmailAccount.objects.filter(pk=inbox.pk).update(name='"><script>alert(1)</script>')
    page = page_of(signed_in, domain)
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "<svg onload" not in page
    assert "<b>x</b>" not in page
