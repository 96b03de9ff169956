"""A client of `domains_service` for the tests: each answer of 200 is read strictly."""

from __future__ import annotations

from typing import Any

from tests.contracts import strict_protobuf
from tests.contracts.conftest import Api

NAME = "acme.example"


class Service:
    """Called with a method and its fields; `refused` is the status and code of a refusal."""

    def __init__(self, api: Api) -> None:
        self.api = api

    def raw(self, method: str, body: object = None) -> Any:
        return self.api.post(f"/domains/{method}", body)

    def __call__(self, method: str, **fields: Any) -> Any:
        answer = self.raw(method, fields)
        assert answer.status_code == 200, answer.content
        strict_protobuf.read(method, answer.json())
        return answer.json()

    def refused(self, method: str, **fields: Any) -> tuple[int, str]:
        answer = self.raw(method, fields)
        assert set(answer.json()) == {"code", "message"}
        return answer.status_code, answer.json()["code"]

    def message(self, method: str, **fields: Any) -> str:
        return str(self.raw(method, fields).json()["message"])

    def add(self, name: str = NAME, **fields: Any) -> dict[str, Any]:
        domain: dict[str, Any] = self("AddDomain", domain=name, **fields)["domain"]
        return domain
