"""The pages of mail: the list, one message, and its bytes."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Organization, User
from dashboard.message_parts import safe_filename
from inbound.models import DeletedMessage, InboundMessage
from tests.dashboard.rows import make_domain, make_inbox, make_message

pytestmark = pytest.mark.django_db


@pytest.fixture
def signed_in(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


def list_of(client: Client, **filters: str) -> str:
    return client.get(reverse("dashboard:messages"), filters).content.decode()


def test_an_empty_list_says_where_to_send(signed_in: Client, acme: Organization) -> None:
    make_domain(acme, status="active")
    assert "No mail yet" in list_of(signed_in)


def test_the_newest_message_comes_first(signed_in: Client, acme: Organization) -> None:
    domain = make_domain(acme, status="active")
    for number in range(3):
        make_message(domain, number)
    page = list_of(signed_in)
    assert page.index("Subject 0") < page.index("Subject 1") < page.index("Subject 2")


def test_paging_goes_on_where_the_page_ended(signed_in: Client, acme: Organization) -> None:
    domain = make_domain(acme, status="active")
    messages = [make_message(domain, number) for number in range(51)]
    assert f"before={messages[49].public_id}" in list_of(signed_in)
    older = list_of(signed_in, before=messages[49].public_id)
    assert "Subject 50" in older
    assert "Subject 49" not in older


def test_the_list_takes_as_many_queries_for_fifty_messages_as_for_one(
    signed_in: Client, acme: Organization, django_assert_max_num_queries: object
) -> None:
    domain = make_domain(acme, status="active")
    for number in range(50):
        make_message(domain, number)
    with django_assert_max_num_queries(10):  # type: ignore[operator]
        list_of(signed_in)


def test_the_list_filters_by_domain_inbox_and_words(signed_in: Client, acme: Organization) -> None:
    one, two = make_domain(acme, "one.example", status="active"), make_domain(acme, "two.example", status="active")
    inbox = make_inbox(one)
    make_message(one, 1, inbox=inbox, subject="Blue mug")
    make_message(two, 2, subject="Red mug")
    for filters in ({"domain": one.public_id}, {"inbox": inbox.public_id}, {"q": "blue"}):
        page = list_of(signed_in, **filters)
        assert "Blue mug" in page
        assert "Red mug" not in page


@pytest.mark.parametrize(
    "filters",
    [{"domain": "dom_x"}, {"inbox": "\x00"}, {"q": "\x00"}, {"q": "x" * 10_000}, {"q": '"%_\\'}, {"before": "nothing"}],
)
def test_filters_of_nonsense_are_harmless(signed_in: Client, acme: Organization, filters: dict[str, str]) -> None:
    make_message(make_domain(acme, status="active"))
    assert signed_in.get(reverse("dashboard:messages"), filters).status_code == 200


def test_held_and_anothers_mail_is_not_listed(signed_in: Client, acme: Organization, globex: Organization) -> None:
    make_message(make_domain(acme, status="active"), 1, subject="Held back", disposition="held")
    make_message(make_domain(globex, "globex.example", status="active"), 2, subject="Not yours")
    page = list_of(signed_in)
    assert "Held back" not in page
    assert "Not yours" not in page


def test_a_search_pages_on_within_what_it_finds(signed_in: Client, acme: Organization) -> None:
    domain = make_domain(acme, status="active")
    for number in range(102):
        make_message(domain, number, text="parcel" if number % 2 else "invoice")
    last = InboundMessage.objects.get(subject="Subject 99")
    assert f"?before={last.public_id}&amp;q=parcel" in list_of(signed_in, q="parcel")
    older = list_of(signed_in, q="parcel", before=last.public_id)
    assert "Subject 101" in older
    assert "Subject 100" not in older


def test_new_mail_is_announced_with_its_number(signed_in: Client, acme: Organization) -> None:
    domain = make_domain(acme, status="active")
    seen = make_message(domain, 5)
    url = reverse("dashboard:new_messages")
    assert signed_in.get(url, {"newest": seen.public_id}).status_code == 204
    make_message(domain, 2)
    make_message(domain, 1)
    assert "2 new messages" in signed_in.get(url, {"newest": seen.public_id}).content.decode()


def test_html_is_shown_in_a_sandboxed_frame_without_scripts(signed_in: Client, acme: Organization) -> None:
    message = make_message(make_domain(acme, status="active"), html="<p>Hello</p>")
    page = signed_in.get(reverse("dashboard:message", args=[message.public_id])).content.decode()
    sandbox = page.partition('sandbox="')[2].partition('"')[0]
    assert "allow-scripts" not in sandbox
    assert "allow-same-origin" not in sandbox
    assert "<p>Hello</p>" not in page


def test_the_frames_own_policy_loads_nothing(signed_in: Client, acme: Organization) -> None:
    message = make_message(make_domain(acme, status="active"), html="<p>Hello</p><script>alert(1)</script>")
    answer = signed_in.get(reverse("dashboard:message_frame", args=[message.public_id]))
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "img-src data:;" in policy
    assert "sandbox allow-popups" in policy
    assert "<script" not in answer.content.decode()
    assert "Hello" in answer.content.decode()


def test_images_are_shown_only_when_asked_for(signed_in: Client, acme: Organization) -> None:
    message = make_message(make_domain(acme, status="active"), html="<img src='https://tracker.example/x.gif'>")
    url = reverse("dashboard:message_frame", args=[message.public_id])
    assert ' src="' not in signed_in.get(url).content.decode()
    shown = signed_in.get(url, {"images": "1"})
    assert ' src="https://tracker.example/x.gif"' in shown.content.decode()
    assert "img-src https: http: data:;" in shown["Content-Security-Policy"]


@pytest.mark.parametrize("view", ["text", "headers", "html", "nonsense"])
def test_a_hostile_message_is_shown_as_text(signed_in: Client, acme: Organization, view: str) -> None:
    nasty = "<script>alert(1)</script>"
    headers = [{"name": nasty, "value": nasty}]
    message = make_message(
        make_domain(acme, status="active"),
        subject=nasty,
        from_name=nasty,
        from_email=nasty,
        text=nasty,
        headers=headers,
    )
    page = signed_in.get(reverse("dashboard:message", args=[message.public_id]), {"view": view}).content.decode()
    assert nasty not in page
    assert "&lt;script&gt;" in page


def test_a_deleted_message_is_gone_and_stays_so(signed_in: Client, acme: Organization) -> None:
    message = make_message(make_domain(acme, status="active"))
    signed_in.post(reverse("dashboard:delete_message", args=[message.public_id]))
    assert signed_in.get(reverse("dashboard:message", args=[message.public_id])).status_code == 404
    assert DeletedMessage.objects.filter(ses_message_id=message.ses_message_id).exists()


@pytest.mark.parametrize(
    ("claimed", "label"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\x\\report.pdf", "report.pdf"),
        ("exe.\u202egpj", "exe.gpj"),
        ("a\x00b\r\nc.txt", "abc.txt"),
        ("", "attachment"),
        ("...", "attachment"),
        ("x" * 4000 + ".pdf", "x" * 130 + ".pdf"),
    ],
)
def test_a_senders_file_name_is_only_a_label(claimed: str, label: str) -> None:
    assert safe_filename(claimed) == label
