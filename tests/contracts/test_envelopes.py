"""What every contract owes its callers whatever goes wrong: its own envelope, never a page, never a 500."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable

import pytest
from django.db import OperationalError
from django.test import Client

from accounts.errors import UpstreamLimitReached, UpstreamRefusal, UpstreamTimedOut
from accounts.models import ApiKey, Organization
from domains.models import Domain
from tests.contracts.conftest import NOW, Api

pytestmark = pytest.mark.django_db

SETUP = "/channels/email/custom/setup-receiving"
DOMAINS = "/api/email/domains"

UNAUTHORIZED = {
    SETUP: {"statusCode": 401, "message": "Unauthorized"},
    "/api/v1" + SETUP: {"statusCode": 401, "message": "Unauthorized"},
    DOMAINS: {"error": {"code": "UNAUTHORIZED", "message": "A valid API key is required"}},
    "/api/email/inboxes": {"error": {"code": "UNAUTHORIZED", "message": "A valid API key is required"}},
}


@pytest.mark.parametrize("path", UNAUTHORIZED)
@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer ", "Bearer x y", "Basic abc", "Bearer " + "0" * 96, "Bearer " + "ü" * 96, "0" * 96],
)
def test_without_a_good_key_it_is_401_in_the_contracts_words(path: str, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = Client().post(path, b"{", content_type="application/json", headers=headers)
    assert (answer.status_code, answer.json()) == (401, UNAUTHORIZED[path])
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_a_key_is_taken_from_the_header_alone(acme_key: str) -> None:
    answer = Client().get(f"{DOMAINS}?access_token={acme_key}&api_key={acme_key}")
    assert answer.status_code == 401
    answer = Client().post(DOMAINS, {"access_token": acme_key}, content_type="application/json")
    assert answer.status_code == 401


def test_the_word_bearer_is_case_insensitive(acme_key: str) -> None:
    assert Client().get(DOMAINS, headers={"Authorization": f"bearer {acme_key}"}).status_code == 200


@pytest.mark.parametrize("field", ["revoked_at", "expires_at"])
def test_a_key_that_has_ended_is_no_key(acme_key: str, field: str) -> None:
    ApiKey.objects.filter(prefix=acme_key[:8]).update(**{field: "2020-01-01T00:00:00Z"})
    assert Api(acme_key).get(DOMAINS).status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "message"),
    [
        ("POST", "/channels", "Cannot POST /channels"),
        ("GET", "/channels/email/nothing", "Cannot GET /channels/email/nothing"),
        ("GET", "/channels/email/nothing?key=secret", "Cannot GET /channels/email/nothing"),
        ("POST", SETUP + "/", f"Cannot POST {SETUP}/"),
        ("GET", SETUP, f"Cannot GET {SETUP}"),
        ("DELETE", "/api/v1" + SETUP, f"Cannot DELETE /api/v1{SETUP}"),
        ("PURGE", SETUP, f"Cannot PURGE {SETUP}"),
        ("GET", "/channels/%00%0A%22", "Cannot GET /channels/%00%0A%22"),
    ],
)
@pytest.mark.parametrize("has_key", [True, False])
def test_custom_email_knows_no_405(method: str, path: str, message: str, has_key: bool, acme_key: str) -> None:
    answer = Api(acme_key if has_key else None).send(method, path)
    assert answer.status_code == 404
    assert answer.json() == {"statusCode": 404, "message": message, "error": "Not Found"}


@pytest.mark.parametrize("path", ["/api/email", "/api/email/", DOMAINS + "/", "/api/email/x/y/z", DOMAINS + "/a%2Fb"])
def test_email_domains_answers_unknown_paths_in_its_envelope(api: Api, path: str) -> None:
    answer = api.post(path, {})
    assert answer.status_code == 404
    assert answer.json() == {"error": {"code": "NOT_FOUND", "message": "There is nothing at this address"}}


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", DOMAINS, {"GET", "POST", "HEAD", "OPTIONS"}),
        ("POST", DOMAINS + "/dom_x", {"GET", "PATCH", "DELETE", "HEAD", "OPTIONS"}),
        ("GET", DOMAINS + "/dom_x/verify", {"POST", "OPTIONS"}),
        ("TRACE", DOMAINS, {"GET", "POST", "HEAD", "OPTIONS"}),
    ],
)
def test_email_domains_answers_405_with_what_is_allowed(api: Api, method: str, path: str, allow: set[str]) -> None:
    answer = api.send(method, path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "METHOD_NOT_ALLOWED")
    assert set(answer["Allow"].split(", ")) == allow


@pytest.mark.parametrize("path", ["/nowhere", "/api/v1/nothing", "/v1x", "/domainsx"])
def test_outside_of_all_contracts_it_is_a_plain_404(path: str) -> None:
    answer = Client().post(path, b"{}", content_type="application/json")
    assert (answer.status_code, answer.json()) == (404, {"error": "Not found"})


def test_options_says_what_is_allowed_and_needs_no_key() -> None:
    answer = Client().options(DOMAINS)
    assert (answer.status_code, answer.content) == (204, b"")
    assert "POST" in answer["Allow"]


def test_head_is_get_without_its_body(api: Api) -> None:
    answer = api.send("HEAD", DOMAINS)
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize("path", [DOMAINS, DOMAINS + "/dom_x", "/api/email/nothing", SETUP])
def test_no_answer_may_be_kept(api: Api, path: str) -> None:
    assert api.get(path)["Cache-Control"] == "no-store"


TRAPS = {
    "cut off": b'{"domain": "exa',
    "array": b"[]",
    "null": b"null",
    "string": b'"x"',
    "number": b"1",
    "NaN": b'{"domain": NaN}',
    "Infinity": b'{"x": -Infinity}',
    "duplicate name": b'{"domain": "a.example", "domain": "b.example"}',
    "lone surrogate": b'{"domain": "\\ud800.example"}',
    "not UTF-8": b'{"domain": "\xff"}',
    "UTF-16": '{"domain": "a.example"}'.encode("utf-16"),
    "deep arrays": b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep objects": b'{"x":' * 50_000 + b"1" + b"}" * 50_000,
    "deep with escapes": b'{"x": "\\u0041", "y": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "huge integer": b'{"x": ' + b"9" * 100_000 + b"}",
    "trailing comma": b'{"domain": "a.example",}',
    "control character": b'{"domain": "a\x00.example"}',
    "two documents": b"{}{}",
}


@pytest.mark.parametrize("trap", TRAPS)
def test_a_trap_in_json_is_a_clean_400(api: Api, trap: str) -> None:
    answer = api.post(SETUP, TRAPS[trap])
    assert answer.status_code == 400
    assert answer.json() == {"statusCode": 400, "message": "Invalid JSON body", "error": "Bad Request"}
    answer = api.post(DOMAINS, TRAPS[trap])
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize(
    "value", ["a\x00b.example", "\x00", "9" * 5000, 10**400, 1.5, True, None, {}, [], ["a.example"]]
)
def test_a_strange_domain_is_the_contracts_own_error(api: Api, value: object) -> None:
    assert api.post(SETUP, {"domain": value}).json()["message"] == "Invalid domain format"
    assert api.post(DOMAINS, {"domain": value}).json()["error"]["code"] == "DOMAIN_INVALID"


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data"])
def test_a_body_that_is_not_json_and_does_not_say_so_is_415(api: Api, content_type: str) -> None:
    answer = api.post(DOMAINS, b"domain=a.example", content_type=content_type)
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert answer.json()["error"]["message"] == "The body must be application/json"
    answer = api.post(SETUP, b"domain=a.example", content_type=content_type)
    assert (answer.status_code, answer.json()["statusCode"]) == (415, 415)


def test_json_under_a_wrong_content_type_is_read_all_the_same(api: Api) -> None:
    answer = api.post(SETUP, b'{"domain": 5}', content_type="application/x-www-form-urlencoded")
    assert answer.json()["message"] == "Invalid domain format"


def test_a_body_over_a_megabyte_is_413(api: Api) -> None:
    body = json.dumps({"domain": "a.example", "x": "y" * 1024 * 1024}).encode()
    assert api.post(DOMAINS, body).json()["error"]["code"] == "PAYLOAD_TOO_LARGE"
    answer = api.post(SETUP, body)
    assert answer.json() == {"statusCode": 413, "message": "request entity too large", "error": "Payload Too Large"}
    assert answer.status_code == 413


def test_beyond_the_rate_it_is_429_in_the_contracts_words(api: Api, settings: object) -> None:
    settings.API_RATE_LIMIT = "2/h"
    first = api.get(DOMAINS)
    assert (first["X-RateLimit-Limit"], first["X-RateLimit-Remaining"]) == ("2", "1")
    assert first["RateLimit"].startswith('"key";r=1;t=')
    api.get(DOMAINS)
    refused = api.get(DOMAINS)
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "RATE_LIMITED")
    assert 1 <= int(refused["Retry-After"]) <= 3600
    refused = api.post(SETUP, {})
    assert refused.json() == {"statusCode": 429, "message": "Rate limit exceeded", "error": "Too Many Requests"}


def test_another_key_has_a_rate_of_its_own(api: Api, stranger: Api, settings: object) -> None:
    settings.API_RATE_LIMIT = "1/h"
    api.get(DOMAINS)
    assert stranger.get(DOMAINS).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", SETUP, {"domain": "new.example"}),
        ("POST", DOMAINS, {"domain": "new.example"}),
        ("DELETE", DOMAINS + "/dom_x", None),
        ("POST", "/api/email/inboxes", {"email": "a@new.example"}),
        ("DELETE", "/api/email/inboxes/inb_x", None),
        ("DELETE", "/api/email/messages/msg_x", None),
        ("POST", "/channels/email/disconnect/custom", {"accountId": 1}),
    ],
)
def test_a_key_that_lacks_the_permission_gets_403(
    key_with: Callable[..., Api], method: str, path: str, body: object
) -> None:
    answer = key_with(role="viewer").send(method, path, body)
    assert answer.status_code == 403
    if path.startswith("/channels"):
        assert answer.json() == {"statusCode": 403, "message": "Forbidden resource", "error": "Forbidden"}
    else:
        assert answer.json()["error"]["code"] == "FORBIDDEN"


def test_the_permission_is_asked_before_the_body(key_with: Callable[..., Api]) -> None:
    assert key_with(role="viewer").post(DOMAINS, b"{").status_code == 403


def test_the_path_is_asked_before_the_permission(key_with: Callable[..., Api]) -> None:
    viewer = key_with(role="viewer")
    assert viewer.post("/channels/email/setup-receiving/abc").status_code == 400
    assert viewer.post("/channels/email/setup-receiving/1").status_code == 403


STRANGE_IDS = [
    "dom_AAAAAAAAAAAAAAAAAAAAA",
    "dom_x",
    "1",
    "-1",
    "..",
    "x" * 3000,
    "d%C3%B6m_x",
    "%00",
    "dom_%00AAAAAAAAAAAAAAAAAAAA",
    "%ED%A0%80",
    "%0A",
    "%25",
]


@pytest.mark.parametrize(
    ("method", "template"),
    [
        ("GET", DOMAINS + "/{}"),
        ("PATCH", DOMAINS + "/{}"),
        ("DELETE", DOMAINS + "/{}"),
        ("POST", DOMAINS + "/{}/verify"),
        ("GET", DOMAINS + "/{}/events"),
        ("GET", DOMAINS + "/{}/records"),
        ("GET", "/api/email/inboxes/{}"),
        ("DELETE", "/api/email/inboxes/{}"),
        ("GET", "/api/email/messages/{}"),
        ("DELETE", "/api/email/messages/{}"),
        ("GET", "/api/email/messages/{}/raw"),
        ("GET", "/api/email/messages/{}/attachments/att_x"),
    ],
)
def test_an_id_that_is_not_yours_is_one_and_the_same_404(
    api: Api,
    globex: Organization,
    acme: Organization,
    make_domain: Callable[..., Domain],
    method: str,
    template: str,
) -> None:
    foreign = make_domain(globex, "globex.example").public_id
    deleted = make_domain(acme, "gone.example", removed_at=NOW).public_id
    answers = {api.send(method, template.format(each), {}) for each in [*STRANGE_IDS, foreign, deleted]}
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert Domain.objects.get(public_id=foreign).removed_at is None


@pytest.mark.parametrize(
    "template", ["/channels/email/custom/{}/verify-receiving", "/channels/email/setup-receiving/{}"]
)
@pytest.mark.parametrize("channel_id", ["0", "1", "-1", "999999999", "9223372036854775808", "9" * 300])
def test_an_unknown_channel_is_one_and_the_same_404(api: Api, template: str, channel_id: str) -> None:
    answer = api.post(template.format(channel_id), {})
    assert answer.json() == {"statusCode": 404, "message": "Channel not found", "error": "Not Found"}
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "channel_id", ["abc", "1.0", "1e3", "0x1", "%201", "٣", "%00", "1" * 400, "dom_x", "--1", "+1"]
)
def test_a_channel_id_that_is_no_number_is_400(api: Api, channel_id: str) -> None:
    answer = api.post(f"/channels/email/custom/{channel_id}/verify-receiving", {})
    assert answer.status_code == 400
    assert answer.json() == {
        "statusCode": 400,
        "message": "Validation failed (numeric string is expected)",
        "error": "Bad Request",
    }


@pytest.mark.parametrize(
    ("path", "target", "expected"),
    [
        (SETUP, "api.custom_email.connect_channel", {"statusCode": 500, "message": "Internal server error"}),
        (
            DOMAINS,
            "api.email_domains.register_domain",
            {"error": {"code": "INTERNAL_ERROR", "message": "Internal server error"}},
        ),
    ],
)
def test_what_nobody_foresaw_is_the_contracts_500_and_logged(
    api: Api,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    path: str,
    target: str,
    expected: object,
) -> None:
    def explode(**_: object) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(target, explode)
    with caplog.at_level(logging.ERROR):
        answer = api.post(path, {"domain": "new.example"})
    assert (answer.status_code, answer.json()) == (500, expected)
    assert any(record.exc_info and record.exc_info[0] is ZeroDivisionError for record in caplog.records)


def test_an_error_outside_of_views_gets_the_paths_envelope(api: Api) -> None:
    answer = api.client.get(DOMAINS, headers={"Host": "evil.example"})
    assert answer.status_code == 400
    assert "<html" not in answer.content.decode().lower()


def test_a_database_that_is_away_is_said_to_be_passing(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(**_: object) -> None:
        raise OperationalError("could not connect")

    monkeypatch.setattr("api.email_domains.register_domain", explode)
    monkeypatch.setattr("api.custom_email.connect_channel", explode)
    answer = api.post(DOMAINS, {"domain": "new.example"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "UNAVAILABLE")
    assert answer["Retry-After"] == "5"
    assert api.post(SETUP, {"domain": "new.example"}).json() == {"statusCode": 500, "message": "Internal server error"}


@pytest.mark.parametrize(
    ("refusal", "status", "code"),
    [
        (UpstreamLimitReached(), 503, "PROVIDER_LIMIT"),
        (UpstreamTimedOut(), 504, "PROVIDER_TIMEOUT"),
        (UpstreamRefusal(), 502, "PROVIDER_ERROR"),
    ],
)
def test_what_the_provider_can_not_do_is_told_apart(
    api: Api, monkeypatch: pytest.MonkeyPatch, refusal: UpstreamRefusal, status: int, code: str
) -> None:
    def refuse(**_: object) -> None:
        raise refusal

    monkeypatch.setattr("api.email_domains.register_domain", refuse)
    monkeypatch.setattr("api.custom_email.connect_channel", refuse)
    answer = api.post(DOMAINS, {"domain": "new.example"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    expected = {"statusCode": 500, "message": "Internal server error"}
    if code == "PROVIDER_LIMIT":
        expected = {"statusCode": 500, "message": "SES domain limit reached", "error": "Internal Server Error"}
    assert api.post(SETUP, {"domain": "new.example"}).json() == expected
