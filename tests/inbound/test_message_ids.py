"""Which words of Message-ID, In-Reply-To and References are message ids, in the forms that are found in real mail."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from django.utils import timezone

from accounts.models import Organization
from domains.models import Domain
from domains.registration import register_domain
from domains.verification import check_domain
from inbound.message_ids import find_ids, reference_name
from inbound.mime_headers import message_id
from inbound.models import InboundMessage

DATE = "Mon, 01 Jan 2001 12:00:00"
FORMS = {
    # What RFC 5322 has, and what is near enough.
    "<a@x.example>": ["<a@x.example>"],
    "<a@x.example> <b@x.example>": ["<a@x.example>", "<b@x.example>"],
    "<a@x.example>, <b@x.example>;<c@x.example>": ["<a@x.example>", "<b@x.example>", "<c@x.example>"],
    "<[x@microsoft.com]>": ["<[x@microsoft.com]>"],
    "<abc>": ["<abc>"],
    '"<a@x.example>"': ["<a@x.example>"],
    "<a(1)@x.example>": ["<a(1)@x.example>"],
    "<a@x.example> (added by postmaster@x.example)": ["<a@x.example>"],
    "Message-ID: <a@x.example>": ["<a@x.example>"],
    "<a@x.example> junk": ["<a@x.example>"],
    # Without brackets, or with one of them.
    "abc@host": ["abc@host"],
    "abc@host (a comment)": ["abc@host"],
    "<abc@host": ["<abc@host"],
    "abc@host>": ["abc@host>"],
    "a@host b@host": ["a@host", "b@host"],
    # elm, mutt and rmail: the id, and whose mail it was.
    f'<a@x.example> from "Bob" at "{DATE}"': ["<a@x.example>"],
    f"<a@x.example>; from bob@example.com on {DATE} +0100": ["<a@x.example>"],
    "<a@x.example>; from Bob <bob@example.com> on Mon, Jan 01": ["<a@x.example>"],
    f"<a@x.example> (message from Bob Smith on {DATE})": ["<a@x.example>"],
    f"<a@x.example> (message from Bob <bob@example.com> on {DATE})": ["<a@x.example>"],
    # MH, exmh, VM and Gnus: whose mail it was and of when, and perhaps its id.
    f'Your message of "{DATE} EST." <a@x.example>': ["<a@x.example>"],
    f'Your message of "{DATE} +0100." <a@x.example>': ["<a@x.example>"],
    f"(Your message of {DATE} GMT.) <a@x.example>": ["<a@x.example>"],
    f"Your message of {DATE} +0100 (CET) <a@x.example>": ["<a@x.example>"],
    'Your message of "Mon Jan  1 12:00:00 2001" <a@x.example>': ["<a@x.example>"],
    "Ihre Nachricht vom 1.1.2001 12:00 <a@x.example>": ["<a@x.example>"],
    "Your message of <20010101@x>": ["<20010101@x>"],
    "In reply to your message <a@x.example>": ["<a@x.example>"],
    f'Message from Bob <bob@example.com> of "{DATE} EST." <a@x.example>': ["<a@x.example>"],
    f'Message from bob@example.com of "{DATE} EST." <a@x.example>': ["<a@x.example>"],
    f'Bob Smith\'s message of "{DATE} GMT" <a@x.example>': ["<a@x.example>"],
    f"Bob Smith <bob@example.com>'s message of {DATE} GMT <a@x.example>": ["<a@x.example>"],
    f"On {DATE}, Bob <bob@example.com> wrote": [],
    f"Your message of {DATE} EST": [],
    "Message from Bob <bob@example.com> of Monday": [],
    f"Message from Bob <bob@example.com> of {DATE}": [],
    "Message from <bob@example.com> of Monday": [],
    "<bob@example.com> of Monday": [],
    f"Message of {DATE} from Bob <bob@example.com>": [],
    f"bob@example.com's message of {DATE}": [],
    'Bob Smith <bob@example.com> "Re: Hello" (Jan 1, 12:00)': [],
    '"Smith, Bob" <bob@example.com>': [],
    "Bob 7 <bob@example.com>": [],
    # Nothing.
    "": [],
    "<>": [],
    "<@>": ["<@>"],
    "@": [],
    "a@": [],
    "@host": [],
    "none": [],
    "Your": [],
    "RE: Your mail": [],
    "(none)": [],
}


@pytest.mark.parametrize("text", FORMS)
def test_ids_are_told_from_phrases_and_mailboxes(text: str) -> None:
    assert find_ids(text) == FORMS[text]
    assert message_id(text) == (FORMS[text] or [""])[0]


@pytest.mark.parametrize(
    "part", ["<", ">", "(", ")", "<(", "@", "<a", "<a@x> ", "1 ", "1,", " ", "a@b ", "'s ", "a@<", "(<a@x>) "]
)
def test_a_header_of_any_length_takes_no_time(part: str) -> None:
    begun = time.process_time()
    find_ids(part * (200_000 // len(part)) + "x")
    find_ids("1 " + part * (200_000 // len(part)) + "<a@x> x")
    assert time.process_time() - begun < 2


@pytest.mark.parametrize("stored", ["Your", "none", "no brackets"])
def test_a_word_that_was_stored_as_an_id_names_nothing(stored: str) -> None:
    assert reference_name(stored) == ""


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "junk"),
    [
        ("In-Reply-To", "Your message of Mon, 1 Jan 2001 12:00:00 +0000"),
        ("In-Reply-To", "none"),
        ("In-Reply-To", "Message from Bob <bob@example.com> of Monday"),
        ("References", "Message from Bob <bob@example.com> of Monday"),
        ("message_id", "none"),
    ],
)
def test_strangers_whose_mails_bear_the_same_phrase_are_not_in_one_thread(
    acme: Organization,
    publish: Callable[[Domain], None],
    send_mail: Callable[..., None],
    take_in_mail: Callable[[], int],
    field: str,
    junk: str,
) -> None:
    register_domain(organization=acme, name="shop.example", actor="test", now=timezone.now())
    publish(Domain.objects.get())
    assert check_domain(domain=Domain.objects.get(), actor="test", now=timezone.now()).status == "active"
    for number in range(2):
        ids = {"message_id": f"<{number}@e.example>", field: junk}
        send_mail("help@shop.example", subject=str(number), **ids)
    take_in_mail()
    assert InboundMessage.objects.values("thread").distinct().count() == 2
