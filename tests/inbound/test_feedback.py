"""What became of sent mail: noted, counted and told once, whatever order and however often SES tells it."""

from __future__ import annotations

import itertools
import json
import threading
import time
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from accounts.models import Organization
from accounts.timestamps import seconds
from aws.pacing import person
from channels.addresses import Mailbox
from domains.installation import set_up_region
from domains.models import Domain, Installation, Tenure
from domains.registration import register_domain
from domains.verification import check_domain
from inbound import door
from inbound.ingestion import ingest_due
from inbound.models import SendingFeedback, SentMessage, SnsNotification
from inbound.sending import TrialMail, send_test_mail
from tests.dashboard.rows import make_domain
from tests.sandbox_process import SandboxProcess
from webhooks.models import WebhookDelivery, WebhookEndpoint

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = timedelta(hours=1)
YOU = "you@elsewhere.example"
SES_ID = "0100018f-a-b-c-000000"
WORDS: dict[str, dict[str, Any]] = {
    "delivery": {"recipients": [YOU], "smtpResponse": "250 ok"},
    "bounce": {
        "bounceType": "Permanent",
        "bounceSubType": "General",
        "bouncedRecipients": [{"emailAddress": YOU, "diagnosticCode": "smtp; 550 5.1.1 nobody\there"}],
    },
    "soft": {"bounceType": "Transient", "bounceSubType": "General", "bouncedRecipients": [{"emailAddress": YOU}]},
    "complaint": {"complainedRecipients": [{"emailAddress": YOU}], "complaintFeedbackType": "abuse"},
    "reject": {"reason": "Bad content"},
    "deliveryDelay": {"delayType": "MailboxFull", "delayedRecipients": [{"emailAddress": YOU}]},
}
KINDS = {"soft": "bounce"}


@pytest.fixture
def domain(acme: Organization) -> Domain:
    return hold(acme, "acme.example")


@pytest.fixture
def message(domain: Domain) -> SentMessage:
    return make_sent(domain)


@pytest.fixture
def endpoint(acme: Organization) -> WebhookEndpoint:
    events = ["message.delivered", "message.bounced", "message.complained"]
    return WebhookEndpoint.objects.create(organization=acme, url="https://hooks.example/", events=events)


def hold(organization: Organization, name: str, *, since: timedelta = 2 * HOUR) -> Domain:
    domain = make_domain(organization, name, status="active")
    Tenure.objects.create(name=name, organization=organization, domain=domain, from_at=timezone.now() - since)
    return domain


def make_sent(domain: Domain, **fields: Any) -> SentMessage:
    values = {"ses_message_id": SES_ID, "status": "sent", "sent_at": timezone.now()} | fields
    return SentMessage.objects.create(
        organization=domain.organization, domain=domain, from_address=f"test@{domain.name}", to_address=YOU, **values
    )


def announce(
    word: str,
    *,
    source: str = "test@acme.example",
    named: str = "eventType",
    tag: str = "",
    at: datetime | None = None,
    ses_message_id: str = SES_ID,
    **changes: Any,
) -> SnsNotification:
    """A notification as SNS brings it, waiting for the worker."""
    kind = KINDS.get(word, word)
    sent_at = seconds(at or timezone.now())
    mail: dict[str, Any] = {"timestamp": sent_at, "source": source, "messageId": ses_message_id, "destination": [YOU]}
    if tag:
        mail["tags"] = {"postern-message": [tag]}
    facts = {"timestamp": sent_at} | WORDS[word] | changes
    return SnsNotification.objects.create(
        sns_message_id=str(uuid.uuid4()),
        topic_arn="arn",
        message=json.dumps({named: kind[0].upper() + kind[1:], "mail": mail, kind: facts}),
        sent_at=timezone.now(),
    )


def work() -> None:
    ingest_due(now=timezone.now())


def state_of(message: SentMessage) -> tuple[str, str]:
    message.refresh_from_db()
    return message.status, message.error


def counts(domain: Domain) -> tuple[int, int, int, int]:
    domain.refresh_from_db()
    return domain.sent_count, domain.delivered_count, domain.bounced_count, domain.complained_count


def told() -> list[str]:
    return sorted(WebhookDelivery.objects.values_list("type", flat=True))


def reason() -> str:
    """Why the one notification was ignored."""
    notification = SnsNotification.objects.get()
    assert notification.state == "ignored"
    return notification.last_error


# --- from the sending to its fate, over the real protocols -------------------------------------------------


@pytest.fixture
def verified(installation: SandboxProcess, acme: Organization, publish: Callable[..., None]) -> Domain:
    domain = register_domain(organization=acme, name="acme.example", actor="test", now=timezone.now())
    publish(domain)
    return check_domain(domain=domain, actor="test", now=timezone.now())


def send(domain: Domain, kind: TrialMail, recipient: Mailbox | None = None) -> SentMessage:
    wanted: dict[str, Any] = {"sender": None, "recipient": recipient, "kind": kind, "message_class": "bulk"}
    now = timezone.now()
    return send_test_mail(organization=domain.organization, domain=domain, actor="test", now=now, **wanted).message


@pytest.mark.parametrize(
    ("kind", "status", "counted", "events"),
    [
        (TrialMail.NORMAL, "delivered", (1, 1, 0, 0), ["message.delivered"]),
        (TrialMail.BOUNCE, "bounced", (1, 0, 1, 0), ["message.bounced"]),
        (TrialMail.COMPLAINT, "complained", (1, 1, 0, 1), ["message.complained", "message.delivered"]),
        (TrialMail.OUT_OF_OFFICE, "delivered", (1, 1, 1, 0), ["message.bounced", "message.delivered"]),
    ],
)
def test_the_fate_of_a_test_mail_comes_back_through_the_queue(
    verified: Domain,
    endpoint: WebhookEndpoint,
    take_in_mail: Callable[[], int],
    kind: TrialMail,
    status: str,
    counted: tuple[int, ...],
    events: list[str],
) -> None:
    sent = send(verified, kind, Mailbox("success", "simulator.amazonses.com"))
    take_in_mail()
    assert state_of(sent)[0] == status
    assert (counts(verified), told()) == (counted, events)
    assert set(SnsNotification.objects.values_list("state", flat=True)) == {"done"}


def test_a_bounce_comes_back_through_the_sns_door_alone(
    sandbox: SandboxProcess,
    acme: Organization,
    publish: Callable[..., None],
    live_server: LiveServer,
    settings: LazySettings,
) -> None:
    settings.PUBLIC_URL = live_server.url
    set_up_region(region="us-east-1", caller=person(30), now=timezone.now())
    door.topics.forget()
    _until(lambda: Installation.objects.filter(confirmed_at__isnull=False).exists())
    domain = register_domain(organization=acme, name="acme.example", actor="test", now=timezone.now())
    publish(domain)
    sent = send(check_domain(domain=domain, actor="test", now=timezone.now()), TrialMail.BOUNCE)
    _until(lambda: SnsNotification.objects.exists())
    work()
    assert state_of(sent) == ("bounced", "smtp; 550 5.1.1 user unknown")
    assert sent.fate_at is not None
    assert SnsNotification.objects.get().source == "sns"
    feedback = SendingFeedback.objects.get()
    assert (feedback.recipient, feedback.is_permanent) == ("bounce@simulator.amazonses.com", True)


def _until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


# --- once, and in any order -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "order", list(itertools.permutations(["delivery", "bounce", "soft", "complaint"])), ids="-".join
)
def test_the_order_of_the_words_does_not_matter(message: SentMessage, domain: Domain, order: tuple[str, ...]) -> None:
    for word in (*order, *order):
        announce(word)
        work()
    assert state_of(message) == ("complained", "abuse")
    assert counts(domain) == (0, 1, 1, 1)
    assert SendingFeedback.objects.get(kind="bounce").is_permanent


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("soft",), "bounced"),
        (("soft", "delivery"), "delivered"),
        (("delivery", "soft"), "delivered"),
        (("delivery", "bounce"), "bounced"),
        (("bounce", "delivery"), "bounced"),
        (("bounce", "soft"), "bounced"),
        (("reject",), "refused"),
    ],
)
def test_the_weightiest_word_is_the_mails_fate(message: SentMessage, words: tuple[str, ...], status: str) -> None:
    for word in words:
        announce(word)
        work()
    assert state_of(message)[0] == status


def test_many_workers_at_all_the_words_at_once_count_and_tell_each_once(
    message: SentMessage, domain: Domain, endpoint: WebhookEndpoint
) -> None:
    for word in ("delivery", "bounce", "complaint") * 3:
        announce(word)
        announce(word, named="notificationType")
    _at_once(work, 4)
    ingest_due(now=timezone.now() + HOUR)
    assert set(SnsNotification.objects.values_list("state", flat=True)) == {"done"}
    assert (state_of(message)[0], counts(domain)) == ("complained", (0, 1, 1, 1))
    assert told() == ["message.bounced", "message.complained", "message.delivered"]


def _at_once(verb: Callable[[], None], times: int) -> None:
    gate = threading.Barrier(times)

    def run() -> None:
        try:
            gate.wait(10)
            verb()
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)


def test_each_recipient_is_a_row_a_count_and_an_event(domain: Domain, endpoint: WebhookEndpoint) -> None:
    announce("delivery", recipients=["a@elsewhere.example", "b@elsewhere.example"])
    announce("delivery", recipients=["b@elsewhere.example"])
    work()
    assert (counts(domain), told()) == ((0, 2, 0, 0), ["message.delivered"] * 2)


def test_what_customers_are_told_names_the_mail_the_recipient_and_the_words(
    message: SentMessage, endpoint: WebhookEndpoint
) -> None:
    announce("bounce")
    work()
    (body,) = [json.loads(each) for each in WebhookDelivery.objects.values_list("body", flat=True)]
    assert body["type"] == "message.bounced"
    data = body["data"]
    assert (data["id"], data["sesMessageId"], data["domain"]) == (message.public_id, SES_ID, "acme.example")
    assert (data["from"]["email"], data["recipients"]) == ("test@acme.example", [YOU])
    assert (data["isPermanent"], data["detail"]) == (True, "smtp; 550 5.1.1 nobody here")


def test_a_bounce_that_turns_out_to_be_for_good_is_told_again_and_counted_once(
    message: SentMessage, domain: Domain, endpoint: WebhookEndpoint
) -> None:
    for word in ("soft", "bounce", "soft"):
        announce(word)
        work()
    bodies = [json.loads(each) for each in WebhookDelivery.objects.order_by("pk").values_list("body", flat=True)]
    assert [body["data"]["isPermanent"] for body in bodies] == [False, True]
    assert counts(domain) == (0, 0, 1, 0)


# --- whose mail it was ---------------------------------------------------------------------------------------


def test_feedback_that_overtakes_the_answer_is_not_undone_by_it(
    verified: Domain, monkeypatch: pytest.MonkeyPatch
) -> None:
    def overtaken(sent: SentMessage, *, domain: Domain) -> str:
        announce("bounce", tag=sent.public_id)
        work()
        return SES_ID

    monkeypatch.setattr("inbound.sending._hand_over", overtaken)
    sent = send(verified, TrialMail.BOUNCE)
    assert (state_of(sent)[0], sent.ses_message_id, counts(verified)[0]) == ("bounced", SES_ID, 1)


def test_untagged_feedback_that_overtakes_the_answer_is_found_when_the_answer_comes(
    verified: Domain, monkeypatch: pytest.MonkeyPatch
) -> None:
    def overtaken(sent: SentMessage, *, domain: Domain) -> str:
        announce("bounce", named="notificationType")
        work()
        return SES_ID

    monkeypatch.setattr("inbound.sending._hand_over", overtaken)
    sent = send(verified, TrialMail.BOUNCE)
    assert (state_of(sent)[0], sent.feedback.count()) == ("bounced", 1)


def test_a_mail_whose_answer_was_lost_is_known_to_be_sent_by_its_feedback(domain: Domain) -> None:
    lost = make_sent(domain, ses_message_id="", status="sending", sent_at=None)
    announce("delivery", tag=lost.public_id)
    work()
    assert (state_of(lost)[0], lost.ses_message_id, counts(domain)) == ("delivered", SES_ID, (1, 1, 0, 0))


def test_identity_notifications_find_the_mail_without_a_tag(message: SentMessage) -> None:
    announce("complaint", named="notificationType", source="Test <test@acme.example>")
    work()
    assert state_of(message)[0] == "complained"


def test_mail_that_customers_sent_by_themselves_counts_for_their_domain(domain: Domain) -> None:
    announce("delivery", source="Shop <orders@mail.acme.example>")
    work()
    assert (counts(domain), SendingFeedback.objects.get().sent_message) == ((0, 1, 0, 0), None)


def test_feedback_belongs_to_who_held_the_name_when_the_mail_was_sent(acme: Organization, globex: Organization) -> None:
    now = timezone.now()
    before = hold(acme, "sold.example")
    Tenure.objects.update(to_at=now - HOUR)
    Domain.objects.filter(pk=before.pk).update(removed_at=now - HOUR)
    after = hold(globex, "sold.example", since=HOUR)
    announce("complaint", source="a@sold.example", at=now - 1.5 * HOUR)
    work()
    assert (counts(before)[3], counts(after)[3]) == (1, 0)


def test_a_tag_that_names_anothers_mail_is_ignored_and_says_so(message: SentMessage, globex: Organization) -> None:
    theirs = hold(globex, "globex.example")
    announce("complaint", tag=message.public_id, source="a@globex.example", ses_message_id="another")
    work()
    assert "its tag names" in reason()
    assert (state_of(message)[0], counts(message.domain)[3], counts(theirs)[3]) == ("sent", 0, 0)


def test_a_tag_of_a_mail_that_ses_refused_is_not_believed(domain: Domain) -> None:
    refused = make_sent(domain, ses_message_id="", status="refused", sent_at=None)
    announce("delivery", tag=refused.public_id)
    work()
    assert "its tag names" in reason()


@pytest.mark.parametrize("source", ["a@nobody.example", "", "no address", "a@example"])
def test_feedback_of_a_sender_that_nobody_here_holds_is_ignored_and_says_so(domain: Domain, source: str) -> None:
    announce("bounce", source=source)
    work()
    assert "nobody here held the name of the sender" in reason()
    assert not SendingFeedback.objects.exists()


def test_a_delay_changes_nothing(message: SentMessage) -> None:
    announce("deliveryDelay")
    work()
    assert "MailboxFull" in reason()
    assert state_of(message)[0] == "sent"


def test_a_word_against_an_earlier_complaint_is_no_complaint(message: SentMessage) -> None:
    announce("complaint", complaintFeedbackType="not-spam")
    work()
    assert "not spam" in reason()
    assert state_of(message)[0] == "sent"


def test_a_bounce_that_names_nobody_is_kept_all_the_same(message: SentMessage, domain: Domain) -> None:
    announce("bounce", bounceType="Undetermined", bouncedRecipients=[])
    work()
    assert (state_of(message)[0], counts(domain)[2]) == ("bounced", 1)


def test_a_recipient_of_any_length_and_script_keeps_nobody_elses_fate_away(message: SentMessage) -> None:
    # Each character another one: PostgreSQL can not press it, and an index takes 2,704 bytes.
    long = "".join(chr(0x4E00 + 7 * number) for number in range(900)) + "@elsewhere.example"
    announce("delivery", recipients=[long, YOU])
    work()
    assert set(SendingFeedback.objects.values_list("recipient", flat=True)) == {YOU, long[:332]}
    assert state_of(message)[0] == "delivered"
