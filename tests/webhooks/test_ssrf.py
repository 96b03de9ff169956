"""No connection is made to a forbidden address, whatever a customer types and whatever a resolver says."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.webhooks.conftest import Receiver
from tests.webhooks.forbidden_urls import NOT_PUBLIC, UNREADABLE
from webhooks.delivery import Call, attempt
from webhooks.targets import Network

PUBLIC, OTHER_PUBLIC = "93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"


class Tripwire:
    """Every address that this process connects to while it is armed, by Python's own audit events."""

    armed: list[str] | None = None


def _hear(event: str, args: tuple[Any, ...]) -> None:
    if event == "socket.connect" and Tripwire.armed is not None and isinstance(args[1], tuple):
        Tripwire.armed.append(str(args[1][0]))


sys.addaudithook(_hear)


@pytest.fixture
def connected() -> Iterator[list[str]]:
    Tripwire.armed = []
    yield Tripwire.armed
    Tripwire.armed = None


@pytest.fixture
def resolve_to(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Script the resolver: the answers of one look-up after the other, the last one for ever; what was asked."""
    real = socket.getaddrinfo

    def script(*answers: list[str]) -> list[str]:
        asked: list[str] = []

        def getaddrinfo(host: str, port: Any, *args: Any, **named: Any) -> list[Any]:
            if host[0].isdigit() or ":" in host:
                return real(host, port, *args, **named)
            asked.append(host)
            found = answers[min(len(asked), len(answers)) - 1]
            if not found:
                raise socket.gaierror(socket.EAI_NONAME, "no such name")
            return [row for address in found for row in real(address, port, type=socket.SOCK_STREAM)]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        return asked

    return script


@pytest.mark.parametrize("url", [*UNREADABLE, *NOT_PUBLIC])
def test_a_forbidden_url_is_never_connected_to(url: str, receiver: Receiver, connected: list[str]) -> None:
    port = receiver.url.split(":")[2].split("/")[0]
    answer = attempt(Call(url.replace("{port}", port), "{}", {}), seconds=3)
    assert answer.status_code is None
    assert answer.error.startswith("url ")
    assert (connected, receiver.came) == ([], [])


@pytest.mark.parametrize(
    "found",
    [
        ["127.0.0.1"],
        ["169.254.169.254"],
        ["10.1.2.3"],
        ["::1"],
        ["fd00:ec2::254"],
        ["::ffff:127.0.0.1"],
        ["64:ff9b::7f00:1"],
        ["2002:7f00:1::"],
        ["2001:0:7f00:1::"],
        [PUBLIC, "127.0.0.1"],
        [OTHER_PUBLIC, PUBLIC, "::1"],
    ],
)
def test_a_name_with_one_forbidden_address_is_not_connected_to_at_all(
    found: list[str], resolve_to: Callable[..., list[str]], connected: list[str]
) -> None:
    resolve_to(found)
    answer = attempt(Call("https://hooks.example.com/", "{}", {}), seconds=3)
    assert answer.error == "url must lead to an address of the public internet"
    assert connected == []


def test_a_resolver_that_changes_its_mind_is_asked_once_and_the_checked_address_is_called(
    resolve_to: Callable[..., list[str]], connected: list[str]
) -> None:
    asked = resolve_to([PUBLIC], ["127.0.0.1"])
    attempt(Call("https://rebinding.example.com/", "{}", {}), seconds=0.5)
    assert asked == ["rebinding.example.com"]
    assert set(connected) == {PUBLIC}


def test_the_next_attempt_checks_anew(resolve_to: Callable[..., list[str]], connected: list[str]) -> None:
    resolve_to([PUBLIC], ["127.0.0.1"])
    attempt(Call("https://rebinding.example.com/", "{}", {}), seconds=0.5)
    second = attempt(Call("https://rebinding.example.com/", "{}", {}), seconds=0.5)
    assert second.error == "url must lead to an address of the public internet"
    assert "127.0.0.1" not in connected


def test_a_name_without_an_address_says_so(resolve_to: Callable[..., list[str]], connected: list[str]) -> None:
    resolve_to([])
    answer = attempt(Call("https://nowhere.example.com/", "{}", {}))
    assert (answer.status_code, answer.error, connected) == (None, "the host name was not found", [])


def test_the_metadata_service_behind_a_redirect_is_not_called(
    receiver: Receiver, make_receiver: Callable[[], Receiver], loopback: tuple[Network, ...]
) -> None:
    other = make_receiver()
    receiver.answer(302, headers={"Location": other.url})
    answer = attempt(Call(receiver.url, "{}", {}, loopback))
    assert (answer.status_code, answer.error) == (302, "answered 302: redirects are not followed")
    assert other.came == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may make a network namespace")
def test_in_a_namespace_where_forbidden_addresses_answer_none_of_them_is_called() -> None:
    # Loopback first: the HTTP client finds out whether there is IPv6 when it is imported.
    inside = 'ip link set lo up && exec "$0" -m tests.webhooks.namespace_canary'
    command = ["unshare", "--net", "sh", "-c", inside, sys.executable]
    allowed = subprocess.run(["unshare", "--net", "true"], check=False, capture_output=True)
    if allowed.returncode:
        pytest.skip("this machine allows no network namespace")
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    told = json.loads(done.stdout)
    assert len(told["answers"]) >= 150
    # The two are connections that were allowed.
    assert told["heard"] == ["::ffff:169.254.169.254:80", "fd00:ec2::254:4100"]
