"""The home API's challenges, as a program sees them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Organization
from domains.challenges import staff_decides
from domains.models import Challenge, Domain
from tests.contracts.conftest import Api

pytestmark = pytest.mark.django_db
PATH = "/api/email/challenges"


@pytest.fixture
def held(globex: Organization, make_domain: Callable[..., Domain]) -> Domain:
    """A name that globex has proved."""
    return make_domain(globex, "sold.example", status="active")


def test_a_challenge_answers_the_record_to_publish(api: Api, held: Domain) -> None:
    answer = api.post(PATH, {"domain": "Sold.Example."})
    assert answer.status_code == 201
    challenge = Challenge.objects.get()
    assert answer.json() == {
        "id": challenge.public_id,
        "domain": "sold.example",
        "record": {
            "type": "TXT",
            "name": "_postern.sold.example",
            "value": f"postern-verify={challenge.token}",
        },
        "status": "open",
        "decidesAt": None,
    }
    assert api.get(PATH).json() == {"challenges": [answer.json()], "nextCursor": None}


def test_the_end_is_told_while_the_time_runs(api: Api, held: Domain) -> None:
    api.post(PATH, {"domain": "sold.example"})
    seen_at = timezone.now().replace(microsecond=0)
    Challenge.objects.update(token_seen_at=seen_at, incumbent_absent_since=seen_at)
    (challenge,) = api.get(PATH).json()["challenges"]
    assert challenge["decidesAt"] == (seen_at + timedelta(hours=72)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize(("moves", "status"), [(True, "won"), (False, "lost")])
def test_a_decided_challenge_says_how_it_ended(api: Api, held: Domain, moves: bool, status: str) -> None:
    api.post(PATH, {"domain": "sold.example"})
    staff_decides(challenge=Challenge.objects.get(), moves=moves, actor="staff", now=timezone.now())
    (challenge,) = api.get(PATH).json()["challenges"]
    assert (challenge["status"], challenge["decidesAt"]) == (status, None)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "DOMAIN_INVALID"),
        ({"domain": None}, 400, "DOMAIN_INVALID"),
        ({"domain": "https://sold.example/"}, 400, "DOMAIN_INVALID"),
        ({"domain": "free.example"}, 409, "NOTHING_TO_CHALLENGE"),
        ({"domain": "mine.example"}, 409, "NOTHING_TO_CHALLENGE"),
        ({"domain": "again.example"}, 409, "CHALLENGE_EXISTS"),
    ],
)
def test_what_can_not_be_challenged_says_why(
    api: Api,
    acme: Organization,
    globex: Organization,
    make_domain: Callable[..., Domain],
    body: object,
    status: int,
    code: str,
) -> None:
    make_domain(acme, "mine.example", status="active")
    make_domain(globex, "again.example", status="active")
    api.post(PATH, {"domain": "again.example"})
    answer = api.post(PATH, body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert "globex" not in answer.content.decode().lower()
    assert Challenge.objects.count() == 1


def test_too_many_at_a_time_are_refused(api: Api, acme: Organization, held: Domain) -> None:
    for number in range(10):
        Challenge.objects.create(name=f"n{number}.example", organization=acme, token="x")
    answer = api.post(PATH, {"domain": "sold.example"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "QUOTA_EXCEEDED")


def test_sent_again_with_its_key_it_is_one_challenge(api: Api, held: Domain) -> None:
    api.headers["Idempotency-Key"] = "one"
    first, second = api.post(PATH, {"domain": "sold.example"}), api.post(PATH, {"domain": "sold.example"})
    assert (first.status_code, second.content) == (201, first.content)
    assert Challenge.objects.count() == 1


def test_nobody_sees_anothers_challenges(api: Api, stranger: Api, held: Domain) -> None:
    api.post(PATH, {"domain": "sold.example"})
    assert stranger.get(PATH).json() == {"challenges": [], "nextCursor": None}


def test_the_list_pages_by_its_own_cursor(api: Api, stranger: Api, acme: Organization) -> None:
    now = timezone.now()
    for number in range(3):
        Challenge.objects.create(
            name=f"n{number}.example", organization=acme, token="x", created_at=now + timedelta(seconds=number)
        )
    first = api.get(f"{PATH}?limit=2").json()
    assert [each["domain"] for each in first["challenges"]] == ["n2.example", "n1.example"]
    rest = api.get(f"{PATH}?limit=2&cursor={first['nextCursor']}").json()
    assert ([each["domain"] for each in rest["challenges"]], rest["nextCursor"]) == (["n0.example"], None)
    foreign = stranger.get(f"{PATH}?cursor={first['nextCursor']}")
    assert (foreign.status_code, foreign.json()["error"]["code"]) == (400, "VALIDATION_ERROR")


def test_permissions_and_keys_of_one_domain(key_with: Callable[..., Api], held: Domain, acme: Organization) -> None:
    reader = key_with(scopes=["Domain.view"])
    assert reader.post(PATH, {"domain": "sold.example"}).status_code == 403
    assert reader.get(PATH).status_code == 200
    limited = key_with(domain_name="mine.example")
    assert limited.post(PATH, {"domain": "sold.example"}).status_code == 403
    Challenge.objects.create(name="sold.example", organization=acme, token="x")
    assert limited.get(PATH).json()["challenges"] == []
    assert len(key_with(domain_name="sold.example").get(PATH).json()["challenges"]) == 1
