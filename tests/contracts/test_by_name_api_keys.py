"""Contract `domains_by_name`: API keys - shown once, never stronger than the key that made them, ended at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import ApiKey, Organization
from tests.contracts.conftest import Api

pytestmark = pytest.mark.django_db

KEYS = "/v1/api_keys"


def said(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def make(api: Api, **fields: object) -> dict[str, Any]:
    answer = api.post(KEYS, {"name": "Made", **fields})
    assert answer.status_code == 201, answer.content
    body: dict[str, Any] = answer.json()
    return body


def test_a_made_key_is_the_whole_object_and_works(api: Api, acme: Organization) -> None:
    body = make(api, name="  Production  ")
    row = ApiKey.objects.get(name="Production")
    assert body["_id"] == body["id"] == str(row.pk)
    assert re.fullmatch("[0-9a-f]{96}", body["key"])
    assert (body["organizationId"], body["active"], body["revokedAt"]) == (acme.public_id, True, None)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", body["createdAt"])
    assert Api(body["key"]).get("/v1/domains").status_code == 200
    assert Api(body["key"]).get("/api/email/domains").status_code == 200


def test_the_secret_is_shown_once(api: Api) -> None:
    body = make(api)
    shown = api.get(KEYS).content.decode() + api.get(f"{KEYS}/{body['id']}").content.decode()
    assert body["key"] not in shown
    assert '"key"' not in shown


def test_a_list_is_a_bare_array_the_newest_first(api: Api, stranger: Api) -> None:
    first, second = make(api), make(api)
    assert [each["id"] for each in api.get(KEYS).json()][:2] == [second["id"], first["id"]]
    assert first["id"] not in [each["id"] for each in stranger.get(KEYS).json()]


def test_delete_answers_the_key_and_ends_it_at_once(api: Api) -> None:
    body = make(api)
    answer = api.delete(f"{KEYS}/{body['id']}")
    assert (answer.status_code, answer.json()["id"], answer.json()["active"]) == (200, body["id"], False)
    assert answer.json()["revokedAt"] is not None
    assert Api(body["key"]).get("/v1/domains").status_code == 401
    assert said(api.delete(f"{KEYS}/{body['id']}")) == (404, "api_key_not_found")


@pytest.mark.parametrize("id", ["0", "999999999", "bad", "%00", "-1", "9" * 400, "%D9%A3"])
def test_what_is_not_ones_own_is_not_found(api: Api, id: str) -> None:
    assert said(api.get(f"{KEYS}/{id}")) == (404, "api_key_not_found")


def test_another_organizations_key_is_not_found(api: Api, stranger: Api) -> None:
    body = make(stranger)
    assert said(api.get(f"{KEYS}/{body['id']}")) == (404, "api_key_not_found")
    assert said(api.delete(f"{KEYS}/{body['id']}")) == (404, "api_key_not_found")
    assert Api(body["key"]).get(KEYS).status_code == 200


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", value) for value in ("", " ", None, 5, "x" * 101)]
    + [("scopes", value) for value in ([], "Channel.view", [5], ["Nothing.view"])]
    + [("domain", value) for value in ("bad", 5, "https://a.example")]
    + [("expiresAt", value) for value in ("soon", 5, "2020-01-01T00:00:00Z", "2999-01-01T00:00:00", "2999-13-01")],
)
def test_a_bad_field_is_named_with_its_value(api: Api, field: str, value: object) -> None:
    answer = api.post(KEYS, {"name": "Made", field: value})
    assert answer.status_code == 400
    assert (answer.json()["errors"][0]["path"], answer.json()["errors"][0]["value"]) == (field, value)
    assert not ApiKey.objects.filter(name="Made").exists()


def test_scopes_narrow_a_key(api: Api) -> None:
    body = make(api, scopes=["Domain.view"])
    assert body["scopes"] == ["Domain.view"]
    reader = Api(body["key"])
    assert reader.get("/v1/domains").status_code == 200
    assert said(reader.post("/v1/domains", {"name": "shop.example"})) == (403, "forbidden")
    assert said(reader.get(KEYS)) == (403, "forbidden")


def test_a_key_can_be_limited_to_a_domain_in_any_spelling(api: Api) -> None:
    body = make(api, domain="Bücher.example")
    assert body["domain"] == "xn--bcher-kva.example"
    assert said(Api(body["key"]).post("/v1/domains", {"name": "shop.example"})) == (403, "forbidden")


def test_a_key_can_end_by_itself(api: Api) -> None:
    body = make(api, expiresAt="2999-01-31T12:00:00.500Z")
    assert body["expiresAt"] == "2999-01-31T12:00:00.500Z"
    ApiKey.objects.filter(pk=int(body["id"])).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert api.get(f"{KEYS}/{body['id']}").json()["active"] is False
    assert Api(body["key"]).get(KEYS).status_code == 401


MANAGES = ["Organization.manage", "Channel.view"]


def test_a_key_gives_no_permission_that_it_has_not(key_with: Callable[..., Api]) -> None:
    narrow = key_with(scopes=MANAGES)
    assert said(narrow.post(KEYS, {"name": "Made", "scopes": ["Channel.delete"]})) == (403, "forbidden")
    assert make(narrow)["scopes"] == MANAGES


def test_a_key_of_one_domain_makes_keys_of_that_domain(key_with: Callable[..., Api]) -> None:
    limited = key_with(domain_name="acme.example")
    assert said(limited.post(KEYS, {"name": "Made", "domain": "other.example"})) == (403, "forbidden")
    assert make(limited)["domain"] == "acme.example"


def test_a_key_of_one_domain_sees_and_ends_those_of_that_domain_alone(key_with: Callable[..., Api], api: Api) -> None:
    limited = key_with(domain_name="acme.example")
    everywhere = make(api)
    assert {each["domain"] for each in limited.get(KEYS).json()} == {"acme.example"}
    assert said(limited.delete(f"{KEYS}/{everywhere['id']}")) == (404, "api_key_not_found")


def test_a_key_gives_no_longer_life_than_its_own(key_with: Callable[..., Api]) -> None:
    ends = timezone.now().replace(microsecond=0) + timedelta(days=1)
    brief = key_with(expires_at=ends)
    later = (ends + timedelta(days=1)).isoformat()
    assert said(brief.post(KEYS, {"name": "Made", "expiresAt": later})) == (403, "forbidden")
    assert make(brief)["expiresAt"] == ends.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def test_a_viewers_key_manages_no_keys(key_with: Callable[..., Api]) -> None:
    assert said(key_with(role="viewer").get(KEYS)) == (403, "forbidden")
