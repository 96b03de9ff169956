"""Who gets to a page: members see it, the signed-out are sent to sign in, others find nothing."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Membership, Organization, User
from accounts.permissions import Role
from tests.dashboard.rows import make_attachment, make_domain, make_inbox, make_message

pytestmark = pytest.mark.django_db

PAGES = ["dashboard:domains", "dashboard:add_domain", "dashboard:messages", "dashboard:keys"]
OBJECT_PAGES = ["domain", "domain_live", "domain_row", "message", "message_frame", "message_raw", "attachment"]
OBJECT_POSTS = [
    "check_domain",
    "suspend_domain",
    "resume_domain",
    "remove_domain",
    "create_inbox",
    "delete_inbox",
    "delete_message",
]


@pytest.fixture
def urls(acme: Organization) -> dict[str, str]:
    """The address of every page and action that is about one of acme's things."""
    domain = make_domain(acme, status="active")
    inbox, message = make_inbox(domain), make_message(domain, html="<p>Hello</p>")
    attachment = make_attachment(message)
    of_domain = ["domain", "domain_live", "domain_row", "check_domain", "suspend_domain", "resume_domain"]
    addresses = {
        name: reverse(f"dashboard:{name}", args=[domain.public_id])
        for name in [*of_domain, "remove_domain", "create_inbox"]
    }
    for name in ["message", "message_frame", "message_raw", "delete_message"]:
        addresses[name] = reverse(f"dashboard:{name}", args=[message.public_id])
    addresses["delete_inbox"] = reverse("dashboard:delete_inbox", args=[inbox.public_id])
    addresses["attachment"] = reverse("dashboard:attachment", args=[message.public_id, attachment.public_id])
    return addresses


@pytest.mark.parametrize("page", PAGES)
def test_a_member_sees_every_page(client: Client, member: User, page: str) -> None:
    client.force_login(member)
    assert client.get(reverse(page)).status_code == 200


@pytest.mark.parametrize("page", ["domain", "domain_live", "domain_row", "message", "message_frame"])
def test_a_viewer_sees_what_is_of_the_organization(
    client: Client, viewer: User, urls: dict[str, str], page: str
) -> None:
    client.force_login(viewer)
    assert client.get(urls[page]).status_code in (200, 204)


@pytest.mark.parametrize("page", PAGES)
def test_the_signed_out_are_sent_to_sign_in_and_back(client: Client, page: str) -> None:
    answer = client.get(reverse(page))
    assert answer.status_code == 302
    assert answer["Location"] == f"/accounts/login/?next={reverse(page)}"


@pytest.mark.parametrize("page", OBJECT_PAGES)
def test_an_outsider_finds_nothing(client: Client, outsider: User, urls: dict[str, str], page: str) -> None:
    client.force_login(outsider)
    assert client.get(urls[page]).status_code == (204 if page in ("domain_live", "domain_row") else 404)


@pytest.mark.parametrize("action", OBJECT_POSTS)
def test_an_outsider_can_do_nothing(client: Client, outsider: User, urls: dict[str, str], action: str) -> None:
    client.force_login(outsider)
    assert client.post(urls[action], {"typed_name": "shop.example"}).status_code == 404


def test_anothers_domain_answers_byte_for_byte_as_one_that_never_was(
    client: Client, outsider: User, urls: dict[str, str]
) -> None:
    client.force_login(outsider)
    never_was = client.get(reverse("dashboard:domain", args=["dom_aaaaaaaaaaaaaaaaaaaaa"]))
    assert client.get(urls["domain"]).content == never_was.content


@pytest.mark.parametrize("action", OBJECT_POSTS)
def test_a_viewer_may_not_write(client: Client, viewer: User, urls: dict[str, str], action: str) -> None:
    client.force_login(viewer)
    answer = client.post(urls[action])
    assert answer.status_code == 403
    assert "Viewer" in answer.content.decode()


def test_a_viewer_may_not_add_a_domain(client: Client, viewer: User) -> None:
    client.force_login(viewer)
    assert client.post(reverse("dashboard:add_domain"), {"name": "shop.example"}).status_code == 403


@pytest.mark.parametrize("action", OBJECT_POSTS)
def test_actions_are_not_run_by_following_a_link(
    client: Client, owner: User, urls: dict[str, str], action: str
) -> None:
    client.force_login(owner)
    assert client.get(urls[action]).status_code == 405


def test_actions_need_the_csrf_token(owner: User, urls: dict[str, str]) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(owner)
    assert strict.post(urls["suspend_domain"]).status_code == 403


def test_a_signed_out_fragment_sends_the_whole_page_to_sign_in(client: Client, urls: dict[str, str]) -> None:
    answer = client.get(urls["domain_live"], headers={"HX-Request": "true"})
    assert answer["HX-Redirect"] == "/accounts/login/"


def test_who_is_in_no_organization_is_told_so(client: Client, db: None) -> None:
    client.force_login(User.objects.create_user("alone@nowhere.example", "correct horse battery"))
    answer = client.get(reverse("dashboard:domains"))
    assert answer.status_code == 403
    assert "no organization" in answer.content.decode()


def test_switching_shows_the_other_organization(client: Client, member: User, globex: Organization) -> None:
    Membership.objects.create(user=member, organization=globex, role=Role.MEMBER)
    make_domain(globex, "globex.example")
    client.force_login(member)
    assert "globex.example" not in client.get(reverse("dashboard:domains")).content.decode()
    client.post(reverse("dashboard:switch"), {"organization": globex.public_id})
    assert "globex.example" in client.get(reverse("dashboard:domains")).content.decode()


def test_nobody_switches_to_an_organization_that_is_not_theirs(
    client: Client, member: User, globex: Organization
) -> None:
    client.force_login(member)
    assert client.post(reverse("dashboard:switch"), {"organization": globex.public_id}).status_code == 404


def test_losing_the_membership_ends_the_switch(client: Client, member: User, globex: Organization) -> None:
    joined = Membership.objects.create(user=member, organization=globex, role=Role.OWNER)
    client.force_login(member)
    client.post(reverse("dashboard:switch"), {"organization": globex.public_id})
    joined.delete()
    make_domain(globex, "globex.example")
    assert "globex.example" not in client.get(reverse("dashboard:domains")).content.decode()


def test_pages_are_kept_in_no_cache(client: Client, member: User) -> None:
    client.force_login(member)
    assert "no-store" in client.get(reverse("dashboard:domains"))["Cache-Control"]


def test_pages_allow_scripts_and_styles_from_here_alone(client: Client, member: User) -> None:
    client.force_login(member)
    answer = client.get(reverse("dashboard:domains"))
    policy = answer["Content-Security-Policy"].split("; ")
    assert "script-src 'self'" in policy
    assert "style-src 'self'" in policy
    assert "<style" not in answer.content.decode()
    assert " style=" not in answer.content.decode()
