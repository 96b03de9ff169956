"""gunicorn, a Celery worker and two beats, by settings from the environment, on a plain moto server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.journeys.production import PROCESSES, in_production
from tests.sandbox_process import SandboxProcess


@pytest.mark.django_db(transaction=True)
def test_a_domain_is_verified_and_its_mail_arrives_on_a_foreign_emulator(
    tmp_path: Path, sandbox: SandboxProcess
) -> None:
    with in_production(tmp_path, sandbox.dns) as production:
        assert "rule set" in production.manage("setup_aws")
        founded = json.loads(production.manage("create_organization", "Acme", "--owner", "you@example.com"))
        key = founded["api_key"]
        for name, command in PROCESSES.items():
            production.start(name, *command)
        production.wait_until(lambda: production.ask("GET", "/healthz"), "the web process answers")

        made = production.ask("POST", "/api/email/domains", key, {"domain": "hello.example"})
        set_up = production.ask("POST", "/channels/email/custom/setup-receiving", key, {"domain": "other.example"})
        assert set_up["status"] == "pending_verification"
        sandbox.control("POST", "/_sandbox/publish", made)
        assert production.ask("POST", f"/api/email/domains/{made['id']}/verify", key)["status"] == "active"

        assert production.announce("sales@hello.example", "An order") == "ok"
        found = production.wait_until(
            lambda: production.ask("GET", "/api/email/messages", key)["messages"], "the mail is there"
        )
        assert [message["subject"] for message in found] == ["An order"]

        assert production.stop() == dict.fromkeys(PROCESSES, 0)
        assert "Traceback" not in production.log()
