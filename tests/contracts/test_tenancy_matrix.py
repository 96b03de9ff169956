"""Every route of every contract, found in the URL resolver, x every id that is not the caller's x every scope.

What another organization has, what is gone, and what is of another kind answers byte for byte as what never was, and
nothing changes. A new route is covered as it is; a new kind of thing takes a line in `world.py`.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest
from django.apps import apps
from django.http import HttpResponse

from accounts.models import Organization
from accounts.permissions import ALL_PERMISSIONS
from domains.models import Domain
from tests.contracts.conftest import Api
from tests.contracts.routes import METHODS, ROUTES, Route
from tests.contracts.world import Thing, nobodys, world_of

pytestmark = pytest.mark.django_db

# Bodies and queries that name a thing; a route that does not know the field says so for any id alike.
BODIES: tuple[Callable[[str], dict[str, object]], ...] = (
    lambda id: {},
    lambda id: {"id": id},
    lambda id: {"id": id, "include_dns_validation": True},
    lambda id: {"id": id, "test_type": "TEST_EMAIL_TYPE_BOUNCE"},
    lambda id: {"id": id, "record_name": "www.acme.example", "record_type": "TXT"},
    lambda id: {"accountId": id},
    lambda id: {"connectedChannelId": id},
    lambda id: {"email": id if "@" in id else f"new@{id}"},
    lambda id: {
        "channel": "email",
        "entity_name": "Acme",
        "name": "Orders",
        "setup_id": id,
        "sender_email_address": "orders@acme.example",
        "email_type": "transactional",
    },
)
MALFORMED = ("%", " ", "..%2f..", "\x00", "' OR 1=1 --", "dom_", "é" * 30, "9" * 400, "-1", "null", "x" * 2000)
QUERIES = ("domain", "inbox", "setup_id", "cursor", "status", "entity_name", "query")
# They differ from answer to answer, whoever asks.
VARYING = {"date", "x-request-id", "x-ratelimit-remaining", "x-ratelimit-reset", "ratelimit", "content-length"}
FIRST_WRONG = re.compile(r"found `.` at \d+")
# Counters and times that a request moves whatever it asks for.
ACCESS = {("accounts", "apikey", "last_used_at")}


WITH_PARAMETERS = [route for route in ROUTES if route.parameters]
# Making a key names nothing, and each answer holds a secret of its own.
NAMING_NOTHING = {"v1/api_keys"}
WITHOUT_IDS = [
    route for route in ROUTES if set(route.parameters) <= {"workspace_id"} and route.template not in NAMING_NOTHING
]


@dataclass(frozen=True)
class Stage:
    """acme asks; `own` is what it has, `others` what it must not learn of."""

    own: list[Thing]
    others: list[Thing]

    def own_id(self, parameter: str) -> str:
        kind = parameter.removesuffix("_id")
        for thing in self.own:
            if thing.kind == kind:
                return thing.ids[0]
        raise AssertionError(f"<{parameter}>: add this kind of thing to tests/contracts/world.py")

    def strangers_to(self, parameter: str) -> list[str]:
        """Every id that `parameter` must not accept from acme."""
        own_of_other_kinds = [thing for thing in self.own if thing.kind != parameter.removesuffix("_id")]
        return [id for thing in [*self.others, *own_of_other_kinds] for id in thing.ids]


@pytest.fixture
def stage(acme: Organization, globex: Organization, make_domain: Callable[..., Domain]) -> Stage:
    foreign = world_of(globex, "globex.example", make_domain)
    gone = world_of(acme, "gone.example", make_domain, is_gone=True)
    own = world_of(acme, "acme.example", make_domain)
    for organization, things in ((globex, foreign), (acme, own)):
        things.append(Thing("workspace", (str(organization.workspace_id), organization.public_id)))
    return Stage(own=own, others=[*foreign, *gone])


def essence(answer: HttpResponse, id: str) -> tuple[int, dict[str, str], str]:
    """The answer without what varies and without the id, which some contracts repeat."""
    headers = {name.lower(): value for name, value in answer.items() if name.lower() not in VARYING}
    text = b"".join(answer.streaming_content).decode() if answer.streaming else answer.content.decode()
    for spelling in {id, quote(id, safe="@"), quote(id, safe="")}:
        text = text.replace(spelling, "ID")
    # What is no UUID is said to be none by its first wrong character, which every spelling has of its own.
    return answer.status_code, headers, FIRST_WRONG.sub("found", text)


def snapshot() -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the product, but for what any request moves."""
    tables = {}
    for model in apps.get_models():
        label = model._meta.app_label, model._meta.model_name
        columns = [field.attname for field in model._meta.concrete_fields if (*label, field.attname) not in ACCESS]
        if label[0] not in ("sessions", "contenttypes", "auth", "admin"):
            tables[".".join(map(str, label))] = list(model._base_manager.order_by("pk").values_list(*columns))
    return tables


def assert_alike(
    api: Api, method: str, path: Callable[[str], str], body: Callable[[str], dict[str, object]], id: str
) -> None:
    unused = nobodys(id)
    theirs = essence(api.send(method, path(id), body(id)), id)
    nothing = essence(api.send(method, path(unused), body(unused)), unused)
    assert theirs == nothing, f"{method} {path(id)} {body(id)} tells this id from one that nothing has"
    assert theirs[0] < 500, f"{method} {path(id)} failed: {theirs}"


def paths_by(route: Route, stage: Stage) -> Iterator[tuple[str, Callable[[str], str]]]:
    """For each parameter in turn the path by its id, the others being acme's own."""
    for parameter in route.parameters:
        rest = {name: stage.own_id(name) for name in route.parameters if name != parameter}
        yield parameter, lambda id, parameter=parameter, rest=rest: route.path(**rest, **{parameter: id})


@pytest.mark.parametrize("route", WITH_PARAMETERS, ids=str)
def test_what_is_not_yours_answers_as_what_never_was(route: Route, stage: Stage, api: Api) -> None:
    before = snapshot()
    for parameter, path in paths_by(route, stage):
        for id, method in itertools.product(stage.strangers_to(parameter), METHODS):
            assert_alike(api, method, path, lambda _: {}, id)
    assert snapshot() == before


@pytest.mark.parametrize("route", WITHOUT_IDS, ids=str)
def test_an_id_in_a_body_or_a_query_tells_nothing(route: Route, stage: Stage, api: Api) -> None:
    before = snapshot()
    path = route.path(**{name: stage.own_id(name) for name in route.parameters})
    for id in [id for thing in stage.others for id in thing.ids]:
        for method, body in itertools.product(("POST", "PATCH", "PUT"), BODIES):
            assert_alike(api, method, lambda _: path, body, id)
        for name in QUERIES:
            assert_alike(api, "GET", lambda id, name=name: f"{path}?{name}={quote(id)}", lambda _: {}, id)
    assert snapshot() == before


@pytest.mark.parametrize("route", WITH_PARAMETERS, ids=str)
def test_no_scope_tells_more(route: Route, stage: Stage, key_with: Callable[..., Api]) -> None:
    keys = [key_with(scopes=[scope]) for scope in sorted(ALL_PERMISSIONS)]
    keys += [key_with(role="viewer"), key_with(domain_name="acme.example")]
    before = snapshot()
    for parameter, path in paths_by(route, stage):
        kind = parameter.removesuffix("_id")
        ids = [id for thing in stage.others if thing.kind == kind for id in thing.ids]
        for api, id, method in itertools.product(keys, ids, METHODS):
            assert_alike(api, method, path, lambda _: {}, id)
    assert snapshot() == before


@pytest.mark.parametrize("route", WITH_PARAMETERS, ids=str)
def test_a_malformed_id_is_refused_and_changes_nothing(route: Route, stage: Stage, api: Api) -> None:
    before = snapshot()
    for _, path in paths_by(route, stage):
        for id, method in itertools.product(MALFORMED, METHODS):
            answer = api.send(method, path(id), {})
            assert 400 <= answer.status_code < 500, f"{method} {path(id)}: {answer.status_code}"
            assert answer["Content-Type"].startswith("application/json")
    assert snapshot() == before
