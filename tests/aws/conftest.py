"""What the tests of the AWS gateway stand on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from aws.clients import forget_clients
from tests.aws.scripted_endpoint import ScriptedEndpoint


@pytest.fixture
def scripted(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedEndpoint]:
    """AWS is an endpoint that answers as the test says; calls are not paced."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    endpoint = ScriptedEndpoint()
    settings.AWS_ENDPOINT_URL = endpoint.url
    settings.SES_CALLS_PER_SECOND = 1e6
    settings.INSTALLATION_ID = "postern"
    forget_clients()
    yield endpoint
    forget_clients()
    endpoint.close()


@pytest.fixture
def scripted_receiver() -> Iterator[ScriptedEndpoint]:
    """A customer's or our own HTTP endpoint that SNS may call; AWS stays what it is."""
    endpoint = ScriptedEndpoint()
    yield endpoint
    endpoint.close()
