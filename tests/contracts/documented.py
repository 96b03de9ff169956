"""Holds every answer of a contract against the contract's own OpenAPI document."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from django.conf import settings
from django.test import Client
from jsonschema import Draft202012Validator

from api.contracts import CONTRACTS, contract_of
from api.openapi import document_of
from api.schemas.domains_service import spelled

PARAMETER = re.compile(r"\\\{[a-z_]+\\\}")
JSON = "application/json"
CAPITAL = re.compile("[A-Z]")
# Said by the contract that takes either spelling of a field.
SNAKE_OR_CAMEL = "`snake_case` or `lowerCamelCase`"


@dataclass(frozen=True)
class Document:
    """One contract's document, and the paths that it is about as expressions."""

    json: dict[str, Any]
    paths: list[tuple[re.Pattern[str], str]] = field(default_factory=list)

    def template_of(self, path: str) -> str | None:
        return next((template for pattern, template in self.paths if pattern.fullmatch(path)), None)

    def validator(self, schema: dict[str, Any]) -> Draft202012Validator:
        return Draft202012Validator({**schema, "components": self.json["components"]})

    def response(self, said: dict[str, Any]) -> dict[str, Any]:
        """The response itself where only its name stands."""
        name = said.get("$ref", "").rpartition("/")[2]
        return self.json["components"]["responses"][name] if name else said


def documents() -> dict[str, Document]:
    # What a setting changes in a document.
    return _documents(settings.C4_JSON_CASE)


@cache
def _documents(case: str) -> dict[str, Document]:
    made = {}
    for contract in CONTRACTS:
        document = Document(document_of(contract))
        for server in document.json["servers"]:
            for template in document.json["paths"]:
                expression = PARAMETER.sub("[^/]+", re.escape(server["url"].rstrip("/") + template))
                document.paths.append((re.compile(expression), template))
        made[contract.name] = document
    return made


def hold_against_document(method: str, path: str, body: bytes, response: Any) -> None:
    """Fail where the answer is not as the document says: an unknown status, or a field too many, too few or mistyped.

    A request that the contract took has to be one that the document offers.
    """
    found = [(document, document.template_of(path)) for document in documents().values()]
    document, template = next((pair for pair in found if pair[1]), (None, None))
    if document is None:
        contract = contract_of(path)
        document = documents().get(contract.name) if contract else None
    if document is None or method == "OPTIONS":
        return
    operation = document.json["paths"][template].get(method.lower().replace("head", "get")) if template else None
    name = f"{method} {template or path} {response.status_code}"
    if operation is None:
        # What the document does not offer is refused, in the words that it has for all routes.
        said = document.json["components"]["responses"].get(f"Refused{response.status_code}")
    else:
        said = operation["responses"].get(str(response.status_code))
    assert said is not None, f"{name}: the document knows no such status; {_text(response)}"
    _assert_content(name, document, document.response(said), response, has_body=method != "HEAD")
    if operation is not None and response.status_code < 300:
        _assert_offered(name, document, operation, body)


def _assert_content(name: str, document: Document, said: dict[str, Any], response: Any, *, has_body: bool) -> None:
    assert response["X-Request-Id"], name
    content = said.get("content")
    if content is None:
        assert not response.content, f"{name}: the document knows no content; {_text(response)}"
    elif JSON not in content or response["Content-Type"] in content.keys() - {JSON}:
        assert "*/*" in content or response["Content-Type"] in content, f"{name}: {response['Content-Type']}"
    elif has_body:
        assert response["Content-Type"] == JSON, name
        errors = [
            f"{error.json_path}: {error.message[:300]}"
            for error in document.validator(content[JSON]["schema"]).iter_errors(json.loads(response.content))
        ]
        assert not errors, f"{name}: not as the document says: {errors}"


def _assert_offered(name: str, document: Document, operation: dict[str, Any], body: bytes) -> None:
    offered = operation.get("requestBody")
    if offered is None or not (body or offered["required"]):
        return
    given = json.loads(body or b"{}")
    if SNAKE_OR_CAMEL in document.json["info"]["description"]:
        given = {_respelled(key): value for key, value in given.items()}
    errors = [
        f"{error.json_path}: {error.message[:300]}"
        for error in document.validator(offered["content"][JSON]["schema"]).iter_errors(given)
    ]
    assert not errors, f"{name}: the contract took what the document does not offer: {errors}"


def _respelled(key: str) -> str:
    snake = CAPITAL.sub(lambda found: f"_{found[0].lower()}", key)
    return spelled(snake)


def _text(response: Any) -> str:
    return "a stream" if response.streaming else str(response.content[:300])


class DocumentedClient(Client):
    """Django's test client; each answer is held against the document of the contract that gave it."""

    def generic(self, method: str, path: str, data: Any = "", *args: Any, **rest: Any) -> Any:
        response = super().generic(method, path, data, *args, **rest)
        body = data.encode() if isinstance(data, str) else bytes(data)
        hold_against_document(method, path.partition("?")[0], body, response)
        return response
