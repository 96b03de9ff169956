"""The pages of challenges: asking for a name that another holds, and what its holder is shown."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Organization, User
from domains.challenges import open_challenge, staff_decides, withdraw
from domains.models import Challenge, Domain
from tests.dashboard.rows import make_domain

pytestmark = pytest.mark.django_db


@pytest.fixture
def signed_in(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


@pytest.fixture
def held(globex: Organization) -> Domain:
    """A name that globex has proved."""
    return make_domain(globex, "sold.example", status="active")


@pytest.fixture
def challenge(held: Domain, acme: Organization) -> Challenge:
    return open_challenge(organization=acme, name="sold.example", actor="test", now=timezone.now())


def page_of(client: Client, challenge: Challenge) -> str:
    return client.get(reverse("dashboard:challenge", args=[challenge.public_id])).content.decode()


def run(challenge: Challenge, *, is_incumbent_there: bool = False) -> None:
    now = timezone.now()
    since = None if is_incumbent_there else now - timedelta(hours=2)
    Challenge.objects.filter(pk=challenge.pk).update(
        token_seen_at=now - timedelta(hours=2), incumbent_absent_since=since, leased_until=now
    )


def test_a_name_that_another_holds_can_be_challenged_from_the_refusal(signed_in: Client, held: Domain) -> None:
    answer = signed_in.post(reverse("dashboard:add_domain"), {"name": "https://Sold.example/", "region": "us-east-1"})
    page = answer.content.decode()
    assert answer.status_code == 422
    link = reverse("dashboard:new_challenge") + "?name=sold.example"
    assert f'href="{link}"' in page
    assert 'value="sold.example"' in signed_in.get(link).content.decode()


def test_a_name_of_ones_own_is_not_offered_to_be_challenged(signed_in: Client, acme: Organization) -> None:
    make_domain(acme)
    answer = signed_in.post(reverse("dashboard:add_domain"), {"name": "shop.example", "region": "us-east-1"})
    assert reverse("dashboard:new_challenge") not in answer.content.decode()


def test_a_challenge_shows_the_record_to_copy(signed_in: Client, held: Domain) -> None:
    answer = signed_in.post(reverse("dashboard:new_challenge"), {"name": "Sold.Example"}, follow=True)
    challenge = Challenge.objects.get()
    page = answer.content.decode()
    assert f'data-copy="postern-verify={challenge.token}"' in page
    assert 'data-copy="_postern"' in page
    assert "Publish the record below" in page


@pytest.mark.parametrize(
    ("name", "words"),
    [("free.example", "register it"), ("not a name", ""), ("", "required"), ("sold.example", "already")],
)
def test_what_can_not_be_challenged_says_why_beside_the_field(
    signed_in: Client, challenge: Challenge, name: str, words: str
) -> None:
    answer = signed_in.post(reverse("dashboard:new_challenge"), {"name": name})
    assert answer.status_code == 422
    assert 'id="id_name_error"' in answer.content.decode()
    assert words in answer.content.decode()
    assert Challenge.objects.count() == 1


def test_the_page_says_how_far_it_is(signed_in: Client, challenge: Challenge) -> None:
    run(challenge, is_incumbent_there=True)
    assert "Held by the other proof" in page_of(signed_in, challenge)
    assert "_amazonses.sold.example" in page_of(signed_in, challenge)
    run(challenge)
    page = page_of(signed_in, challenge)
    assert "Time is running" in page
    assert "The name becomes yours" in page
    assert "_amazonses.sold.example" not in page


def test_the_live_part_is_empty_while_nothing_changes(signed_in: Client, challenge: Challenge) -> None:
    live = page_of(signed_in, challenge).partition('hx-get="')[2].partition('"')[0]
    assert signed_in.get(live).status_code == 204
    run(challenge)
    changed = signed_in.get(live).content.decode()
    assert "Time is running" in changed
    assert "Look now" in changed
    withdraw(challenge=challenge, actor="test", now=timezone.now())
    assert signed_in.get(live)["HX-Refresh"] == "true"
    assert "hx-trigger" not in page_of(signed_in, challenge)


def test_the_list_is_empty_at_first_and_then_holds_each(signed_in: Client, held: Domain, acme: Organization) -> None:
    assert "No name is challenged" in signed_in.get(reverse("dashboard:challenges")).content.decode()
    assert reverse("dashboard:challenges") not in signed_in.get(reverse("dashboard:domains")).content.decode()
    open_challenge(organization=acme, name="sold.example", actor="test", now=timezone.now())
    make_domain(acme)
    assert "Waiting for the record" in signed_in.get(reverse("dashboard:challenges")).content.decode()
    assert reverse("dashboard:challenges") in signed_in.get(reverse("dashboard:domains")).content.decode()


def test_taking_back_ends_it(signed_in: Client, challenge: Challenge) -> None:
    url = reverse("dashboard:withdraw_challenge", args=[challenge.public_id])
    answer = signed_in.post(url, follow=True).content.decode()
    assert Challenge.objects.get().status == "withdrawn"
    assert "Taken back" in answer
    assert "This challenge has ended." in signed_in.post(url, follow=True).content.decode()


def test_a_name_that_was_won_leads_to_its_page(signed_in: Client, challenge: Challenge, acme: Organization) -> None:
    staff_decides(challenge=challenge, moves=True, actor="staff", now=timezone.now())
    won = Domain.objects.get(organization=acme)
    assert reverse("dashboard:domain", args=[won.public_id]) in page_of(signed_in, challenge)


# --- the other side


def holders_page(client: Client, outsider: User, held: Domain) -> str:
    client.force_login(outsider)
    return client.get(reverse("dashboard:domain", args=[held.public_id])).content.decode()


def test_the_holder_sees_nothing_before_the_record_stands(
    client: Client, outsider: User, held: Domain, challenge: Challenge
) -> None:
    assert "is its own" not in holders_page(client, outsider, held)


@pytest.mark.parametrize(("is_there", "words"), [(True, "so the name stays yours"), (False, "the name moves to them")])
def test_the_holder_sees_what_keeps_the_name_and_not_who_wants_it(
    client: Client, outsider: User, held: Domain, challenge: Challenge, is_there: bool, words: str
) -> None:
    run(challenge, is_incumbent_there=is_there)
    page = holders_page(client, outsider, held)
    assert words in page
    assert "_amazonses.sold.example" in page
    assert "acme" not in page.lower()


def test_who_lost_the_name_is_shown_the_way_back(
    client: Client, outsider: User, held: Domain, challenge: Challenge
) -> None:
    staff_decides(challenge=challenge, moves=True, actor="staff", now=timezone.now())
    assert reverse("dashboard:new_challenge") + "?name=sold.example" in holders_page(client, outsider, held)


# --- doors


def test_an_outsider_finds_and_does_nothing(client: Client, outsider: User, challenge: Challenge) -> None:
    client.force_login(outsider)
    for name in ("challenge", "challenge_live"):
        assert client.get(reverse(f"dashboard:{name}", args=[challenge.public_id])).status_code == 404
    for name in ("look_at_challenge", "withdraw_challenge"):
        assert client.post(reverse(f"dashboard:{name}", args=[challenge.public_id])).status_code == 404
    assert Challenge.objects.get().status == "open"


def test_a_viewer_may_look_and_not_act(client: Client, viewer: User, challenge: Challenge) -> None:
    client.force_login(viewer)
    assert "Look now" not in page_of(client, challenge)
    assert client.get(reverse("dashboard:challenges")).status_code == 200
    for name in ("look_at_challenge", "withdraw_challenge"):
        assert client.post(reverse(f"dashboard:{name}", args=[challenge.public_id])).status_code == 403
    assert client.post(reverse("dashboard:new_challenge"), {"name": "sold.example"}).status_code == 403
