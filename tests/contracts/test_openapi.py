"""Each contract's OpenAPI document: valid, whole, true to the code, and to be read by people too."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import pytest
from django.http import JsonResponse
from django.test import Client
from django.urls import reverse
from openapi_spec_validator import OpenAPIV31SpecValidator

from accounts.models import Organization, User
from api.contracts import CONTRACTS
from api.envelopes import Contract
from api.json_schema import Components, Facets, NotASchema
from api.openapi import document_of, routes_of
from api.templatetags.reference import marked
from domains.models import Domain
from tests.contracts.conftest import Api
from tests.contracts.documented import documents, hold_against_document
from tests.contracts.routes import ROUTES
from tests.fuzz.__main__ import EXAMPLES, LANES

each_contract = pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.name)


def walk(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for each in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from walk(each)


@each_contract
def test_the_document_is_valid_openapi(contract: Contract) -> None:
    errors = OpenAPIV31SpecValidator(document_of(contract)).iter_errors()
    assert [f"{error.json_path}: {error.message}" for error in errors] == []


@each_contract
def test_every_method_of_every_route_is_declared(contract: Contract) -> None:
    for route in routes_of(contract):
        assert set(route.view.operations) == set(route.view.permissions), route
        offered = {method for method in route.view().allowed_methods if method not in ("OPTIONS", "HEAD")}
        assert set(route.view.permissions) == offered, route


@each_contract
def test_the_document_has_every_route(contract: Contract) -> None:
    expected = sum(route.contract == contract.name for route in ROUTES)
    assert len(document_of(contract)["paths"]) == expected > 0


def test_every_contract_is_fuzzed() -> None:
    names = {contract.name for contract in CONTRACTS}
    assert set(EXAMPLES) == {name for lane in LANES for name in lane} == names


@each_contract
def test_operations_have_names_of_their_own(contract: Contract) -> None:
    paths = document_of(contract)["paths"].values()
    names = [operation["operationId"] for path in paths for operation in path.values()]
    assert len(names) == len(set(names))


@each_contract
def test_what_is_answered_holds_no_field_that_is_not_named(contract: Contract) -> None:
    document = document_of(contract)
    for path in document["paths"].values():
        for operation in path.values():
            for response in operation["responses"].values():
                for node in walk(response.get("content", {})):
                    shape = document["components"]["schemas"].get(node.get("$ref", "").rpartition("/")[2])
                    assert shape is None or shape["additionalProperties"] is False, node


@each_contract
def test_a_refusal_s_example_is_as_its_schema_says(contract: Contract) -> None:
    document = documents()[contract.name]
    contents = [node for node in walk(document.json) if {"schema", "examples"} <= node.keys()]
    assert contents
    for content in contents:
        for name, example in content["examples"].items():
            errors = list(document.validator(content["schema"]).iter_errors(example["value"]))
            assert errors == [], (name, example)


@each_contract
def test_the_document_is_served_as_it_is_made(contract: Contract, client: Client) -> None:
    answer = client.get(f"/api/schema/{contract.name}.json")
    assert answer["Content-Type"] == "application/json"
    assert answer.json() == json.loads(json.dumps(document_of(contract)))


@each_contract
def test_the_page_shows_every_operation_and_loads_only_our_own_files(contract: Contract, client: Client) -> None:
    answer = client.get(f"/api/schema/{contract.name}")
    text = answer.content.decode()
    for path in document_of(contract)["paths"].values():
        assert all(f'id="{operation["operationId"]}"' in text for operation in path.values())
    assert "style=" not in text
    assert "<style" not in text
    assert 'src="http' not in text
    assert "script-src 'self'" in answer["Content-Security-Policy"]


def test_backticks_are_code_and_markup_is_text() -> None:
    assert marked("a `Link` of <b>") == "a <code>Link</code> of &lt;b&gt;"


@pytest.mark.django_db
def test_who_is_signed_in_sees_the_pages_too(client: Client, owner: User) -> None:
    client.force_login(owner)
    assert {client.get(path).status_code for path in (reverse("api_schema"), "/api/schema/")} == {200}
    assert client.get("/api/schema/email_domains").status_code == 200


@pytest.mark.parametrize("path", ["/api/schema/nothing.json", "/api/schema/nothing", "/api/schemas"])
def test_a_contract_that_is_none_has_no_document(path: str, client: Client) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.json()) == (404, {"error": "Not found"})


def test_a_document_is_only_read(client: Client) -> None:
    assert client.post("/api/schema/email_domains.json").status_code == 405


# --- the yardstick itself: what is not as documented fails ---------------------------------------

DOMAINS = "/api/email/domains"
GOOD = {"domains": [], "total": 0, "limit": 20, "offset": 0}


def answered(body: object, status: int = 200) -> JsonResponse:
    response = JsonResponse(body, safe=False, status=status)
    response["X-Request-Id"] = "test"
    return response


def test_an_answer_as_documented_passes() -> None:
    hold_against_document("GET", DOMAINS, b"", answered(GOOD))


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (GOOD | {"more": 1}, 200),
        ({"domains": [], "limit": 20, "offset": 0}, 200),
        (GOOD | {"total": "0"}, 200),
        (GOOD, 202),
        ({"error": "no envelope"}, 401),
        (GOOD | {"domains": [{"id": "dom_1"}]}, 200),
    ],
    ids=["a field too many", "a field too few", "a mistyped field", "a status", "an envelope", "an inner object"],
)
def test_an_answer_that_is_not_as_documented_fails(body: object, status: int) -> None:
    with pytest.raises(AssertionError, match=r"GET /api/email/domains"):
        hold_against_document("GET", DOMAINS, b"", answered(body, status))


def test_a_request_that_is_not_as_documented_and_was_taken_fails() -> None:
    new = {
        "id": f"dom_{'x' * 21}", "domain": "a.example", "status": "pending", "isDefault": False, "region": "r",
        "dnsRecords": [], "createdAt": "2026-01-31T12:00:00Z", "updatedAt": "2026-01-31T12:00:00Z",
    }  # fmt: skip
    hold_against_document("POST", DOMAINS, b'{"domain": "a.example"}', answered(new, 201))
    with pytest.raises(AssertionError, match="took what the document does not offer"):
        hold_against_document("POST", DOMAINS, b'{"domain": 7}', answered(new, 201))


@pytest.mark.django_db
def test_the_tests_own_caller_holds_answers_against_the_document(
    api: Api, acme: Organization, make_domain: Callable[..., Domain], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_domain(acme, "a.example")
    monkeypatch.setattr("api.email_domains.summary", lambda domain: {"id": domain.public_id})
    with pytest.raises(AssertionError, match="not as the document says"):
        api.get(DOMAINS)


# --- types as schemas -----------------------------------------------------------------------------


class Leaf(TypedDict):
    """A leaf."""

    word: Literal["a", "b"]
    next: NotRequired[Leaf | None]


@pytest.mark.parametrize(
    ("shape", "schema"),
    [
        (str, {"type": "string"}),
        (int | None, {"type": ["integer", "null"]}),
        (int | str, {"anyOf": [{"type": "integer"}, {"type": "string"}]}),
        (Literal["a"] | None, {"anyOf": [{"type": "string", "const": "a"}, {"type": "null"}]}),
        (Literal["a", "b"], {"type": "string", "enum": ["a", "b"]}),
        (list[bool], {"type": "array", "items": {"type": "boolean"}}),
        (dict[str, object], {"type": "object", "additionalProperties": {}}),
        (Annotated[str, Facets(pattern="^a")] | None, {"type": ["string", "null"], "pattern": "^a"}),
        (Annotated[list[int], Facets(minItems=1)], {"type": "array", "items": {"type": "integer"}, "minItems": 1}),
    ],
)
def test_a_type_is_told_as_a_schema(shape: Any, schema: dict[str, Any]) -> None:
    assert Components().schema_of(shape) == schema


def test_an_object_is_told_once_and_may_hold_its_own_kind() -> None:
    components = Components()
    assert components.schema_of(list[Leaf]) == {"type": "array", "items": {"$ref": "#/components/schemas/Leaf"}}
    assert components.schemas["Leaf"] == {
        "type": "object",
        "description": "A leaf.",
        "properties": {
            "word": {"type": "string", "enum": ["a", "b"]},
            "next": {"anyOf": [{"$ref": "#/components/schemas/Leaf"}, {"type": "null"}]},
        },
        "required": ["word"],
        "additionalProperties": False,
    }


def test_two_objects_of_one_name_are_refused() -> None:
    components = Components()
    components.schema_of(Leaf)
    with pytest.raises(NotASchema, match="called Leaf"):
        components.schema_of(TypedDict("Leaf", {"other": int}))


def test_what_json_can_not_hold_is_refused() -> None:
    with pytest.raises(NotASchema):
        Components().schema_of(bytes)
