"""Two organizations that receive mail."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.utils import timezone

from accounts.models import Organization
from domains.registration import register_domain
from domains.verification import check_domain
from tests.sandbox_process import SandboxProcess


@pytest.fixture
def hosts(
    installation: SandboxProcess, acme: Organization, globex: Organization, publish: Callable[..., None]
) -> SandboxProcess:
    """hello.example is acme's, other.example is globex's, both receive; every call of theirs is forgotten."""
    for organization, name in ((acme, "hello.example"), (globex, "other.example")):
        domain = register_domain(organization=organization, name=name, actor="test", now=timezone.now())
        publish(domain)
        assert check_domain(domain=domain, actor="test", now=timezone.now()).status == "active"
    installation.control("DELETE", "/_sandbox/calls")
    return installation
