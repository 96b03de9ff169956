"""From announcement to message: each mail once an organization, whatever dies or comes twice meanwhile."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from django.conf import LazySettings
from django.utils import timezone

from accounts.models import Organization
from channels.inboxes import create_inbox
from channels.removal import remove_domain
from domains.changes import resume_domain, suspend_domain
from domains.models import Domain
from domains.registration import register_domain
from domains.verification import check_domain
from inbound import ingestion, keeping, queues, tasks
from inbound.ingestion import MAX_TRIES, ingest_due
from inbound.leasing import LEASE, take_due
from inbound.models import DeletedMessage, InboundMessage, MailPolicy, SnsNotification
from inbound.parked import run_again
from inbound.reading import delete_message, open_raw, visible_messages
from tests.sandbox_process import SandboxProcess

BUCKET = "postern-tests"
RAW = "From: Sam <sam@elsewhere.example>\r\nTo: {to}\r\nSubject: Hello\r\n\r\nHello there.\r\n"

Activate = Callable[..., Domain]
Deliver = Callable[..., str]


@pytest.fixture
def activate(installation: SandboxProcess, publish: Callable[..., None], db: None) -> Activate:
    def make(organization: Organization, name: str) -> Domain:
        domain = register_domain(organization=organization, name=name, actor="test", now=timezone.now())
        publish(domain)
        domain = check_domain(domain=domain, actor="test", now=timezone.now())
        assert domain.status == "active"
        return domain

    return make


@pytest.fixture
def deliver(installation: SandboxProcess) -> Deliver:
    """A mail arrives at SES, is stored and announced, and its announcements reach the database; its SES message id."""

    def send(*to: str, raw: str = RAW, **options: Any) -> str:
        given = {"from": "sam@elsewhere.example", "to": to, "raw": raw.replace("{to}", to[0])} | options
        (ses_message_id,) = installation.control("POST", "/_sandbox/mail", given)["ses_message_ids"]
        queues.drain(now=timezone.now())
        return str(ses_message_id)

    return send


def work(*, after: timedelta = timedelta(0)) -> int:
    return ingest_due(now=timezone.now() + after)


def announce_again(**changes: Any) -> SnsNotification:
    """The last announcement once more under another SNS id, its receipt changed as told."""
    last = SnsNotification.objects.latest("pk")
    event = json.loads(last.message)
    event["receipt"] |= changes
    return SnsNotification.objects.create(
        sns_message_id=str(uuid.uuid4()), topic_arn=last.topic_arn, message=json.dumps(event), sent_at=timezone.now()
    )


def states() -> list[str]:
    return list(SnsNotification.objects.order_by("pk").values_list("state", flat=True))


def keys(sandbox: SandboxProcess, prefix: str) -> list[str]:
    """Without the one object that SES itself puts when a rule is made."""
    listed = sandbox.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=prefix)
    return [each["Key"] for each in listed.get("Contents", ()) if "SETUP_NOTIFICATION" not in each["Key"]]


def raw_of(message: InboundMessage) -> str:
    return b"".join(open_raw(message=message).chunks).decode()


class Killed(BaseException):
    """The process is gone: nothing after this line runs, and nobody catches it."""


def test_a_mail_announced_three_times_is_one_message(
    installation: SandboxProcess, acme: Organization, activate: Activate, deliver: Deliver
) -> None:
    activate(acme, "hello.example")
    deliver("sales@hello.example", duplicate=2)
    work()
    message = InboundMessage.objects.get()
    assert [each.address for each in message.recipients.all()] == ["sales@hello.example"]
    assert states() == ["done"] * 3
    assert keys(installation, "incoming/") == []
    assert Domain.objects.get().received_count == 1


def test_an_announcement_ahead_of_its_object_waits_for_it(
    installation: SandboxProcess, acme: Organization, activate: Activate, deliver: Deliver
) -> None:
    activate(acme, "hello.example")
    deliver("sales@hello.example")
    s3 = installation.client("s3")
    (key,) = keys(installation, "incoming/")
    body = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    s3.delete_object(Bucket=BUCKET, Key=key)

    assert work() == 1
    waiting = SnsNotification.objects.get()
    assert (waiting.state, waiting.attempts, waiting.leased_until) == ("waiting", 1, None)
    assert "there is no object" in waiting.last_error
    assert not InboundMessage.objects.exists()

    s3.put_object(Bucket=BUCKET, Key=key, Body=body)
    work(after=timedelta(minutes=1))
    assert InboundMessage.objects.get().subject == "Hello"
    assert states() == ["done"]


def test_a_worker_that_died_with_the_lease_loses_nothing(
    acme: Organization, activate: Activate, deliver: Deliver
) -> None:
    activate(acme, "hello.example")
    deliver("sales@hello.example")
    assert len(take_due(now=timezone.now())) == 1
    assert take_due(now=timezone.now()) == []
    assert work(after=LEASE - timedelta(seconds=10)) == 0
    assert work(after=LEASE + timedelta(seconds=1)) == 1
    assert InboundMessage.objects.count() == 1


@pytest.mark.parametrize(
    ("module", "step"),
    [(ingestion, "parse_in_child"), (keeping, "_message"), (keeping, "write_recipients"), (ingestion, "_clear_away")],
)
def test_a_worker_killed_at_any_step_leaves_one_message_an_organization(
    acme: Organization,
    globex: Organization,
    activate: Activate,
    deliver: Deliver,
    monkeypatch: pytest.MonkeyPatch,
    module: Any,
    step: str,
) -> None:
    activate(acme, "hello.example")
    activate(globex, "other.example")
    deliver("sales@hello.example", "info@other.example")
    calls = 0

    def die(*args: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        # In the middle: after the first organization's rows, where a step runs for each.
        if calls == 2 or module is ingestion:
            raise Killed
        return undisturbed(*args, **options)

    undisturbed = getattr(module, step)
    with monkeypatch.context() as dying:
        dying.setattr(module, step, die)
        with pytest.raises(Killed):
            work()
    work(after=LEASE + timedelta(seconds=1))
    found = InboundMessage.objects.values_list("organization__name", "recipients__address")
    assert sorted(found) == [("Acme", "sales@hello.example"), ("Globex", "info@other.example")]
    assert states() == ["done"]


def test_two_organizations_in_one_mail_are_two_messages_that_know_nothing_of_each_other(
    installation: SandboxProcess, acme: Organization, globex: Organization, activate: Activate, deliver: Deliver
) -> None:
    activate(acme, "hello.example")
    activate(globex, "other.example")
    deliver("sales@hello.example", "hidden@other.example")
    s3 = installation.client("s3")
    (key,) = keys(installation, "incoming/")
    head, _, rest = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().partition(b";")
    s3.put_object(Bucket=BUCKET, Key=key, Body=head + b"\r\n for hidden@other.example;" + rest)
    work()

    ours, theirs = (InboundMessage.objects.get(organization=each) for each in (acme, globex))
    assert [each.address for each in ours.recipients.all()] == ["sales@hello.example"]
    assert [each.address for each in theirs.recipients.all()] == ["hidden@other.example"]
    assert "hidden@" not in raw_of(ours)
    assert " for hidden@other.example;" in raw_of(theirs)
    assert "hidden@" not in json.dumps(ours.headers)
    assert (ours.size, ours.sha256) == (len(raw_of(ours)), sha256(raw_of(ours).encode()).hexdigest())
    assert raw_of(ours).endswith(RAW.replace("{to}", "sales@hello.example"))
    assert ours.key != theirs.key


def test_names_in_two_rules_are_two_announcements_and_both_get_the_mail(
    installation: SandboxProcess,
    acme: Organization,
    globex: Organization,
    activate: Activate,
    deliver: Deliver,
    settings: LazySettings,
) -> None:
    settings.RECEIPT_RULE_RECIPIENTS = 1
    activate(acme, "hello.example")
    activate(globex, "other.example")
    deliver("sales@hello.example", "info@other.example")
    assert SnsNotification.objects.count() == 2
    work()
    assert InboundMessage.objects.get(organization=globex).text.strip() == "Hello there."
    assert "sales@" not in raw_of(InboundMessage.objects.get(organization=globex)).partition("From:")[0]
    assert states() == ["done", "done"]


def test_a_later_announcement_adds_its_recipients(acme: Organization, activate: Activate, deliver: Deliver) -> None:
    domain = activate(acme, "hello.example")
    inbox = create_inbox(organization=acme, domain=domain, local_part="info", actor="test", now=timezone.now())
    deliver("sales@hello.example")
    work()
    announce_again(recipients=["info@hello.example"])
    work()
    message = InboundMessage.objects.get()
    assert {each.address for each in message.recipients.all()} == {"sales@hello.example", "info@hello.example"}
    assert message.inbox == inbox


def test_mail_of_a_suspended_domain_is_held_and_let_go_on_resume(
    acme: Organization, activate: Activate, deliver: Deliver
) -> None:
    domain = activate(acme, "hello.example")
    suspend_domain(domain=domain, actor="test", now=timezone.now())
    deliver("sales@hello.example")
    tasks.ingest_due()
    assert InboundMessage.objects.get().disposition == "held"
    assert not visible_messages(organization=acme).exists()
    domain.refresh_from_db()
    resume_domain(domain=domain, actor="test", now=timezone.now())
    tasks.release_held()
    assert visible_messages(organization=acme).count() == 1


def test_a_suspended_domain_holds_no_mail_of_its_neighbour(
    acme: Organization, activate: Activate, deliver: Deliver
) -> None:
    domain = activate(acme, "hello.example")
    activate(acme, "other.example")
    suspend_domain(domain=domain, actor="test", now=timezone.now())
    deliver("sales@hello.example", "sales@other.example")
    work()
    assert visible_messages(organization=acme).get().recipients.count() == 2


def test_mail_of_a_name_that_nobody_holds_is_for_staff_alone(
    acme: Organization, activate: Activate, deliver: Deliver
) -> None:
    domain = activate(acme, "hello.example")
    # The rule in SES still has the name: the reconciler has not come by yet.
    remove_domain(domain=domain, actor="test", now=timezone.now())
    deliver("sales@hello.example")
    work()
    message = InboundMessage.objects.get()
    assert (message.organization, message.disposition) == (None, "unroutable")
    assert message.key.startswith("mail/unroutable/")
    assert not visible_messages(organization=acme).exists()


def test_an_unknown_recipient_is_kept_unless_the_organization_does_not_want_it(
    acme: Organization, activate: Activate, deliver: Deliver
) -> None:
    activate(acme, "hello.example")
    deliver("nobody@hello.example")
    work()
    assert visible_messages(organization=acme).get().inbox is None
    MailPolicy.objects.create(organization=acme, keeps_unknown_recipients=False)
    deliver("nobody@hello.example")
    work()
    assert visible_messages(organization=acme).count() == 1


@pytest.mark.parametrize(
    "pointer",
    [{"bucketName": "foreign"}, {"objectKey": "mail/other/raw"}, {"objectKey": "incoming/../mail/other/raw"}],
)
def test_a_pointer_to_where_our_mail_does_not_lie_is_parked_unread(
    installation: SandboxProcess, acme: Organization, activate: Activate, deliver: Deliver, pointer: dict[str, str]
) -> None:
    activate(acme, "hello.example")
    deliver("sales@hello.example")
    action = json.loads(SnsNotification.objects.get().message)["receipt"]["action"] | {"objectKeyPrefix": ""}
    SnsNotification.objects.filter(pk=announce_again(action=action | pointer).pk - 1).delete()
    installation.control("DELETE", "/_sandbox/calls")
    work()
    assert states() == ["parked"]
    assert not InboundMessage.objects.exists()
    assert installation.control("GET", "/_sandbox/calls")["calls"] == []


def test_a_parked_notification_stops_no_other_and_may_be_run_again(
    acme: Organization, activate: Activate, deliver: Deliver
) -> None:
    activate(acme, "hello.example")
    deliver("sales@hello.example")
    bad = announce_again(recipients="nonsense")
    SnsNotification.objects.filter(pk=bad.pk).update(next_attempt_at=timezone.now() - timedelta(days=1))
    work()
    assert states() == ["done", "parked"]
    bad.refresh_from_db()
    assert bad.last_error
    assert run_again(notification=bad, actor="staff", now=timezone.now())
    assert states() == ["done", "waiting"]


@pytest.mark.parametrize("purge", [False, True])
def test_a_deleted_message_stays_deleted_when_it_is_announced_again(
    installation: SandboxProcess, acme: Organization, activate: Activate, deliver: Deliver, purge: bool
) -> None:
    activate(acme, "hello.example")
    deliver("sales@hello.example")
    work()
    delete_message(message=InboundMessage.objects.get(), actor="test", now=timezone.now(), purge=purge)
    announce_again()
    announce_again(recipients=["info@hello.example"])
    work()
    assert not visible_messages(organization=acme).exists()
    assert DeletedMessage.objects.count() == 1
    assert states() == ["done"] * 3
    assert bool(keys(installation, f"mail/{acme.public_id}/")) is not purge


@pytest.mark.parametrize("operation", ["GetObject", "PutObject"])
def test_s3_being_down_puts_the_mail_off(
    installation: SandboxProcess, acme: Organization, activate: Activate, deliver: Deliver, operation: str
) -> None:
    activate(acme, "hello.example")
    deliver("sales@hello.example")
    broken = {"operation": operation, "kind": "error", "code": "InternalError", "status": 500, "times": 3}
    installation.control("POST", "/_sandbox/faults", broken)
    work()
    assert states() == ["waiting"]
    assert not InboundMessage.objects.exists()
    installation.control("DELETE", "/_sandbox/faults")
    work(after=timedelta(minutes=1))
    assert InboundMessage.objects.count() == 1


def test_what_fails_for_a_reason_of_ours_is_parked_after_its_tries(
    acme: Organization, activate: Activate, deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    activate(acme, "hello.example")
    deliver("sales@hello.example")

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a fault of ours")

    monkeypatch.setattr(ingestion, "route", broken)
    for tried in range(MAX_TRIES):
        assert states() == ["waiting"], tried
        work(after=timedelta(days=tried))
    assert states() == ["parked"]
    assert "a fault of ours" in SnsNotification.objects.get().last_error


def test_the_queue_is_empty_once_its_messages_are_kept(
    installation: SandboxProcess, acme: Organization, activate: Activate, deliver: Deliver
) -> None:
    activate(acme, "hello.example")
    deliver("sales@hello.example")
    assert queues.drain(now=timezone.now()) == 0
