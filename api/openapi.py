"""The OpenAPI 3.1 document of a contract, made from its routes, their declarations and its envelope.

A route's good answers stand beside its view (`operations`). What a request can be refused for by HTTP itself, and in
which words, is asked of the contract's envelope here, once for all routes: https://spec.openapis.org/oas/v3.1.1.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, replace
from http import HTTPStatus

from django.http import HttpRequest

from accounts.errors import Refusal
from api.base import ContractView
from api.envelopes import Contract, Kind, Problem
from api.idempotency import HEADER, REPLAYED, KeyInFlight, KeyReused, is_once
from api.json_schema import Components, JsonSchema, Shape, fields_of
from api.operations import Bytes, Operation

VERSION = "1.0.0"
JSON = "application/json"
PARAMETER = re.compile(r"<(?:[a-z_]+:)?(?P<name>[a-z_]+)>")
WITH_BODY = ("POST", "PUT", "PATCH")
ALWAYS = (
    Kind.BAD_REQUEST,
    Kind.UNAUTHORIZED,
    Kind.FORBIDDEN,
    Kind.RATE_LIMITED,
    Kind.SERVER_ERROR,
    Kind.UNAVAILABLE,
)
OF_A_BODY = (Kind.MALFORMED_JSON, Kind.NOT_JSON, Kind.BODY_TOO_LARGE, Kind.INVALID_FIELD)
HEADERS: Mapping[str, tuple[str, JsonSchema]] = {
    "X-Request-Id": ("The request's own id, or one that was made for it.", {"type": "string"}),
    "X-RateLimit-Limit": ("Requests that the key may make in a window.", {"type": "integer"}),
    "X-RateLimit-Remaining": ("What is left of them.", {"type": "integer"}),
    "X-RateLimit-Reset": ("When the next window begins, in seconds of Unix time.", {"type": "integer"}),
    "Retry-After": ("After how many seconds to try again.", {"type": "integer"}),
}
IDEMPOTENCY_KEY: JsonSchema = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "The same key within 24 hours, with the same body, is answered as before and creates nothing more.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$"},
}
OF_ALL = ("X-Request-Id", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")


@dataclass(frozen=True)
class Route:
    """A path of a contract with `{name}` for its parameters, and the view behind it."""

    template: str
    parameters: tuple[str, ...]
    view: type[ContractView]

    def operations(self) -> Iterator[tuple[str, Operation]]:
        """By method, in the order in which the view permits them."""
        for method in self.view.permissions:
            yield method, self.view.operations[method]


def routes_of(contract: Contract) -> Iterator[Route]:
    for pattern in contract.urlpatterns:
        text = str(pattern.pattern)
        names = tuple(found["name"] for found in PARAMETER.finditer(text))
        view: type[ContractView] = getattr(pattern.callback, "view_class")  # noqa: B009 - Django sets it on the function
        yield Route("/" + PARAMETER.sub(r"{\g<name>}", text), names, view)


def document_of(contract: Contract) -> JsonSchema:
    """The whole document; raises NotASchema and KeyError for a declaration that is wrong or missing."""
    return _Writer(contract).document()


class _Writer:
    """One document while it is written: what is said in several places becomes a component."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.components = Components(contract.manual.spell)

    def document(self) -> JsonSchema:
        manual = self.contract.manual
        paths = {
            route.template: {
                method.lower(): self.operation(route, method, operation) for method, operation in route.operations()
            }
            for route in routes_of(self.contract)
        }
        refused = {f"Refused{status}": self._refused(status, bodies) for status, bodies in self._bodies(Kind).items()}
        return {
            "openapi": "3.1.0",
            "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
            "info": {"title": manual.title, "version": VERSION, "description": manual.text},
            "servers": [{"url": f"/{mount}".rstrip("/") or "/"} for mount in self.contract.mounts],
            "security": [{"key": []}],
            "paths": paths,
            "components": {
                "securitySchemes": {
                    "key": {"type": "http", "scheme": "bearer", "description": "An API key of the organization."}
                },
                "headers": {
                    name: {"description": words, "schema": schema} for name, (words, schema) in HEADERS.items()
                },
                "responses": refused,
                "schemas": dict(sorted(self.components.schemas.items())),
            },
        }

    def operation(self, route: Route, method: str, operation: Operation) -> JsonSchema:
        takes_body = method in WITH_BODY and not operation.ignores_body
        written: JsonSchema = {
            "operationId": operation.name,
            "summary": operation.summary,
            "description": f"Takes the permission `{route.view.permissions[method]}`.",
            "tags": [route.view.__module__.rpartition(".")[2]],
            "parameters": [*self._in_path(route), *self._in_query(operation)],
        }
        if takes_body:
            written["requestBody"] = self._request_body(operation)
        if is_once(getattr(route.view, method.lower())):
            written["parameters"].append(IDEMPOTENCY_KEY)
            operation = replace(
                operation,
                refusals=(*operation.refusals, KeyInFlight, KeyReused),
                headers={**operation.headers, REPLAYED: "`true` where this is the answer to an earlier request."},
            )
        kinds = {*ALWAYS}
        kinds |= {*OF_A_BODY} if takes_body else set()
        kinds |= {Kind.UNKNOWN_PATH, Kind.INVALID_FIELD} if route.parameters else set()
        kinds |= {Kind.INVALID_FIELD} if operation.query else set()
        responses = {status: self._granted(shape, operation) for status, shape in operation.answers.items()}
        responses |= self._refusals(kinds, operation)
        return written | {"responses": {str(status): responses[status] for status in sorted(responses)}}

    def _in_path(self, route: Route) -> list[JsonSchema]:
        shapes = self.contract.manual.path
        return [
            {"name": name, "in": "path", "required": True, "schema": self.components.schema_of(shapes[name])}
            for name in route.parameters
        ]

    def _in_query(self, operation: Operation) -> list[JsonSchema]:
        fields = fields_of(operation.query) if operation.query else {}
        return [
            {"name": name, "in": "query", "required": is_required, "schema": self.components.schema_of(shape)}
            for name, (shape, is_required) in fields.items()
        ]

    def _request_body(self, operation: Operation) -> JsonSchema:
        if operation.body is None:
            # Read all the same, and refused when it is no object.
            return {"required": False, "content": {JSON: {"schema": {"type": "object"}}}}
        schema = self.components.schema_of(operation.body, is_open=True)
        return {"required": not operation.is_body_optional, "content": {JSON: {"schema": schema}}}

    def _granted(self, shape: Shape | Bytes | None, operation: Operation) -> JsonSchema:
        headers: JsonSchema = {name: {"$ref": f"#/components/headers/{name}"} for name in OF_ALL}
        for name, words in operation.headers.items():
            headers[name] = {"description": words, "schema": {"type": "string"}}
        written: JsonSchema = {"description": operation.summary, "headers": headers}
        if isinstance(shape, Bytes):
            return written | {"content": {shape.media_type: {"schema": {}}}}
        if shape is None:
            return written
        files: JsonSchema = {file.media_type: {"schema": {}} for file in operation.files}
        return written | {"content": {JSON: {"schema": self.components.schema_of(shape)}, **files}}

    def _refusals(self, kinds: Set[Kind], operation: Operation) -> dict[int, JsonSchema]:
        """By status: where no verb of the route says it too, the component of the whole contract."""
        of_http = self._bodies(sorted(kinds))
        written = {status: {"$ref": f"#/components/responses/Refused{status}"} for status in of_http}
        for status, bodies in self._bodies(operation.refusals).items():
            written[status] = self._refused(status, of_http.get(status, {}) | bodies)
        for status, shape in operation.own_refusals.items():
            written[status] = self._refused(status, of_http.get(status, {}), shape)
        return written

    def _bodies(self, reasons: Iterable[Kind | type[Refusal] | Refusal]) -> dict[int, dict[str, object]]:
        """What the envelope says to each reason, by status and by the name of the reason."""
        envelope, request = self.contract.envelope, HttpRequest()
        request.method, request.path = "POST", "/path"
        said: dict[int, dict[str, object]] = {}
        for reason in reasons:
            if isinstance(reason, Kind):
                name, answer = reason.name.lower(), envelope.problem(Problem(reason), request)
            else:
                refusal = reason if isinstance(reason, Refusal) else reason()
                name, answer = type(refusal).__name__, envelope.refusal(refusal)
            said.setdefault(answer.status, {})[name] = answer.body
        return said

    def _refused(self, status: int, bodies: Mapping[str, object], shape: Shape | None = None) -> JsonSchema:
        envelope = self.contract.envelope
        shape = shape or envelope.error_bodies.get(status, envelope.error_body)
        names = (*OF_ALL, "Retry-After") if status in (429, 503) else OF_ALL
        return {
            "description": HTTPStatus(status).phrase,
            "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in names},
            "content": {
                JSON: {
                    "schema": self.components.schema_of(shape),
                    "examples": {name: {"value": body} for name, body in bodies.items()},
                }
            },
        }
