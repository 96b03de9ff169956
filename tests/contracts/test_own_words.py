"""Whatever goes wrong on whichever route, the answer is the contract's own: JSON, never a page or a redirect."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import Organization
from api.contracts import CONTRACTS
from api.envelopes import Contract
from tests.contracts.conftest import Api
from tests.contracts.routes import METHODS, ROUTES, Route

pytestmark = pytest.mark.django_db

CODES_OF_THE_SERVICE = {
    "invalid_argument",
    "failed_precondition",
    "unauthenticated",
    "permission_denied",
    "not_found",
    "already_exists",
    "resource_exhausted",
    "internal",
    "unavailable",
    "deadline_exceeded",
    "unimplemented",
}


def is_nest(body: Any, status: int) -> bool:
    return (
        body["statusCode"] == status
        and isinstance(body["message"], str)
        and set(body)
        <= {
            "statusCode",
            "message",
            "error",
            "details",
        }
    )


def is_home(body: Any, status: int) -> bool:
    error = body["error"]
    return set(body) == {"error"} and error["code"].isupper() and set(error) <= {"code", "message", "details"}


def is_fastapi(body: Any, status: int) -> bool:
    if status == 422:
        return all({"loc", "msg", "type"} <= set(each) for each in body["detail"])
    return isinstance(body["detail"], str)


def is_by_name(body: Any, status: int) -> bool:
    return body["error"] == body["message"] and body["code"].islower() and isinstance(body["details"], dict)


def is_connect(body: Any, status: int) -> bool:
    return set(body) == {"code", "message"} and body["code"] in CODES_OF_THE_SERVICE


SHAPES: dict[str, Callable[[Any, int], bool]] = {
    "custom_email": is_nest,
    "email_domains": is_home,
    "ses_setups": is_fastapi,
    "domains_by_name": is_by_name,
    "domains_service": is_connect,
}


def assert_own(answer: Any, contract: str, *statuses: int) -> None:
    assert answer.status_code in statuses, answer.content
    assert answer["Content-Type"] == "application/json"
    assert answer["X-Request-Id"]
    assert answer["Cache-Control"] == "no-store"
    assert SHAPES[contract](answer.json(), answer.status_code), answer.content


@pytest.fixture
def path_of(acme: Organization) -> Callable[[Route], str]:
    """The route with ids that look right and are nobody's, in acme's workspace."""

    def fill(route: Route) -> str:
        values = {name: f"{name[:3]}_AAAAAAAAAAAAAAAAAAAAA" for name in route.parameters} | {
            "workspace_id": str(acme.workspace_id),
            "channel_id": "999999",
        }
        for name in ("setup_id", "use_case_id"):
            values[name] = "00000000-0000-4000-8000-000000000000"
        return route.path(**{name: values[name] for name in route.parameters})

    return fill


each_route = pytest.mark.parametrize("route", ROUTES, ids=str)
each_contract = pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.name)


@each_route
def test_without_a_key(route: Route, path_of: Callable[[Route], str]) -> None:
    for method in METHODS:
        answer = Client().generic(method, path_of(route), b"{", content_type="application/json")
        assert_own(answer, route.contract, 401, 404)


@each_route
def test_with_any_method(route: Route, path_of: Callable[[Route], str], api: Api) -> None:
    for method in ("PUT", "TRACE", "PROPFIND"):
        assert_own(api.send(method, path_of(route), {}), route.contract, 404, 405)


@each_route
@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"a=b", "application/x-www-form-urlencoded", 415),
        (b'{"x": "' + b"y" * 1024 * 1024 + b'"}', "application/json", 413),
    ],
    ids=["malformed", "array", "form", "large"],
)
def test_with_a_bad_body(
    route: Route, body: bytes, content_type: str, status: int, path_of: Callable[[Route], str], api: Api
) -> None:
    for method in ("POST", "PATCH"):
        answer = api.send(method, path_of(route), body, content_type=content_type)
        # Where the path names nothing, or the method is none, that is said first.
        assert_own(answer, route.contract, status, 404, 405, *([422] if route.contract == "ses_setups" else []))


@each_route
def test_beyond_the_rate(route: Route, path_of: Callable[[Route], str], api: Api, settings: Any) -> None:
    settings.API_RATE_LIMIT = "1/h"
    for method in METHODS:
        api.send(method, path_of(route))
        answer = api.send(method, path_of(route), {})
        assert_own(answer, route.contract, 429, 404)
        if answer.status_code == 429:
            assert int(answer["Retry-After"]) >= 1
            assert answer["X-RateLimit-Remaining"] == "0"


@each_route
def test_when_the_code_is_wrong(
    route: Route, path_of: Callable[[Route], str], api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(self: object, **path: str) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("api.base.ContractView.read_path", explode)
    monkeypatch.setattr("api.base.ContractView.initial", lambda *args, **rest: 1 / 0)
    for method in METHODS:
        assert_own(api.send(method, path_of(route), {}), route.contract, 500)


@each_contract
@pytest.mark.parametrize("tail", ["", "/", "/nothing", "/nothing/at/all", "/..%2f", "/%00", "//"])
@pytest.mark.parametrize("has_key", [True, False])
def test_at_an_unknown_path(contract: Contract, tail: str, has_key: bool, acme_key: str) -> None:
    word = {"custom_email": "/channels/x", "email_domains": "/api/email/x", "domains_by_name": "/v1/x"}.get(
        contract.name, "/domains/X"
    )
    if contract.name == "ses_setups":
        word = "/v1/00000000-0000-4000-8000-000000000000/x"
    for method in METHODS:
        answer = Api(acme_key if has_key else None).send(method, word + tail, {})
        assert_own(answer, contract.name, 404, *([405] if contract.name == "domains_service" else []))


@each_route
def test_a_trailing_slash_is_another_path_and_never_a_redirect(
    route: Route, path_of: Callable[[Route], str], api: Api
) -> None:
    for method in METHODS:
        answer = api.send(method, path_of(route) + "/", {})
        assert 400 <= answer.status_code < 500
        assert answer["Content-Type"] == "application/json"


@each_route
def test_the_callers_request_id_comes_back(route: Route, path_of: Callable[[Route], str], api: Api) -> None:
    api.headers["X-Request-Id"] = "caller-7"
    for method in METHODS:
        assert api.send(method, path_of(route), {})["X-Request-Id"] == "caller-7"
