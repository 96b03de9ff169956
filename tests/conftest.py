"""The cast and the stage: acme and globex, and the sandbox in place of AWS, DNS and SMTP."""

from __future__ import annotations

import smtplib
from collections.abc import Callable, Iterator
from email.message import EmailMessage

import pytest
from django.core.cache import cache
from django.utils import timezone

from accounts.api_keys import issue_api_key
from accounts.models import Membership, Organization, User
from accounts.permissions import Role
from aws.pacing import person
from domains.facts import current_records
from domains.installation import set_up_region
from domains.models import Domain
from inbound import door, ingestion, queues
from tests import settings as ports
from tests.sandbox_process import SandboxProcess


@pytest.fixture(scope="session")
def sandbox_process() -> Iterator[SandboxProcess]:
    """One sandbox a pytest process, on the ports that tests/settings.py chose."""
    process = SandboxProcess(
        aws_port=ports.AWS_PORT, dns_port=ports.DNS_PORT, smtp_port=ports.SMTP_PORT, folder=f"{ports.FOLDER}/sandbox"
    )
    process.start()
    yield process
    process.stop()


@pytest.fixture
def sandbox(sandbox_process: SandboxProcess) -> SandboxProcess:
    """The sandbox, empty."""
    sandbox_process.reset()
    return sandbox_process


@pytest.fixture(autouse=True)
def _forget() -> None:
    """Caches that outlive a test would let one test see another's world."""
    cache.clear()
    door.topics.forget()


@pytest.fixture
def acme(db: None) -> Organization:
    return Organization.objects.create(name="Acme")


@pytest.fixture
def globex(db: None) -> Organization:
    """The outsider."""
    return Organization.objects.create(name="Globex")


def _key(organization: Organization) -> str:
    return issue_api_key(organization=organization, name="tests", now=timezone.now()).secret


@pytest.fixture
def acme_key(acme: Organization) -> str:
    return _key(acme)


@pytest.fixture
def globex_key(globex: Organization) -> str:
    return _key(globex)


def _person(email: str, organization: Organization, role: str) -> User:
    user = User.objects.create_user(email, "correct horse battery")
    Membership.objects.create(user=user, organization=organization, role=role)
    return user


@pytest.fixture
def owner(acme: Organization) -> User:
    return _person("owner@acme.example", acme, Role.OWNER)


@pytest.fixture
def member(acme: Organization) -> User:
    return _person("member@acme.example", acme, Role.MEMBER)


@pytest.fixture
def viewer(acme: Organization) -> User:
    return _person("viewer@acme.example", acme, Role.VIEWER)


@pytest.fixture
def outsider(globex: Organization) -> User:
    return _person("outsider@globex.example", globex, Role.OWNER)


@pytest.fixture
def installation(sandbox: SandboxProcess, db: None) -> SandboxProcess:
    """`setup_aws` has been run; mail comes through the queue, since no web server listens."""
    set_up_region(region="us-east-1", caller=person(30), now=timezone.now())
    door.topics.forget()
    return sandbox


@pytest.fixture
def publish(sandbox: SandboxProcess) -> Callable[..., None]:
    """Put a domain's records into the sandbox's DNS, all or those of some purposes, and let SES look at once."""

    def put(domain: Domain, *purposes: str) -> None:
        records = [
            {"type": record.type, "name": record.name, "value": record.value, "priority": record.priority}
            for record in current_records(Domain.objects.get(pk=domain.pk))
            if not purposes or record.purpose in purposes
        ]
        sandbox.control("POST", "/_sandbox/publish", {"records": records})
        sandbox.control("POST", "/_sandbox/check")

    return put


@pytest.fixture
def send_mail(sandbox: SandboxProcess) -> Callable[..., None]:
    """Hand a mail to the sandbox's SMTP server as a stranger's mail server would."""

    def send(*recipients: str, subject: str = "Hello", text: str = "Hello there.", **headers: str) -> None:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = "Sam <sam@elsewhere.example>", recipients[0], subject
        mail["Message-ID"] = headers.pop("message_id", f"<{abs(hash((recipients, subject)))}@elsewhere.example>")
        for name, value in headers.items():
            mail[name.replace("_", "-")] = value
        mail.set_content(text)
        host, port = sandbox.smtp
        with smtplib.SMTP(host, port, timeout=10) as server:
            server.send_message(mail, from_addr="sam@elsewhere.example", to_addrs=list(recipients))

    return send


@pytest.fixture
def take_in_mail(installation: SandboxProcess) -> Callable[[], int]:
    """What the worker does: drain the queue and work off what is due."""

    def work() -> int:
        queues.drain(now=timezone.now())
        return ingestion.ingest_due(now=timezone.now())

    return work
