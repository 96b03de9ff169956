"""Every route of every contract, as the contracts themselves list them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from django.urls import URLPattern

from api.contracts import CONTRACTS

PARAMETER = re.compile(r"<(?:[a-z_]+:)?(?P<name>[a-z_]+)>")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Route:
    contract: str
    template: str

    def __str__(self) -> str:
        return f"{self.contract} {self.template}"

    @property
    def parameters(self) -> list[str]:
        return [found["name"] for found in PARAMETER.finditer(self.template)]

    def path(self, **values: str) -> str:
        return "/" + PARAMETER.sub(lambda found: quote(values[found["name"]], safe="@"), self.template)


def routes() -> Iterator[Route]:
    for contract in CONTRACTS:
        mount = next(iter(contract.mounts))
        for pattern in contract.urlpatterns:
            assert isinstance(pattern, URLPattern)
            yield Route(contract.name, f"{mount}/{pattern.pattern}" if mount else str(pattern.pattern))


ROUTES = sorted(routes(), key=lambda route: (route.contract, route.template))
