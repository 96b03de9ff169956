"""Signing in: by e-mail address, the same answer for every failure, and a limit on guessing."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from accounts.models import User

pytestmark = pytest.mark.django_db
LOGIN = "/accounts/login/"
PASSWORD = "correct horse battery"


def sign_in(client: Client, email: str, password: str, **more: str) -> str:
    answer = client.post(LOGIN, {"login": email, "password": password, **more})
    if answer.status_code == 302:
        return answer["Location"]
    shown = re.search(r'role="alert">.*?<p>(.*?)</p>', answer.content.decode(), re.DOTALL)
    assert shown is not None
    return shown.group(1)


def test_an_email_address_and_a_password_lead_to_the_pages(client: Client, owner: User) -> None:
    assert sign_in(client, "Owner@Acme.Example", PASSWORD) == "/app/"


def test_a_stranger_and_a_wrong_password_get_the_same_answer(client: Client, owner: User) -> None:
    assert sign_in(client, owner.email, "wrong") == sign_in(client, "nobody@acme.example", "wrong")


def test_next_leads_nowhere_but_here(client: Client, owner: User) -> None:
    assert sign_in(client, owner.email, PASSWORD, next="https://evil.example/") == "/app/"


def test_next_leads_back_to_the_page_that_was_wanted(client: Client, owner: User) -> None:
    assert sign_in(client, owner.email, PASSWORD, next="/app/messages") == "/app/messages"


def test_guessing_is_limited_even_if_the_last_guess_is_right(client: Client, owner: User) -> None:
    for _ in range(5):
        sign_in(client, owner.email, "wrong")
    assert "Too many failed login attempts" in sign_in(client, owner.email, PASSWORD)


def test_the_session_gets_a_new_key_at_sign_in(client: Client, owner: User) -> None:
    client.session.save()
    before = client.session.session_key
    sign_in(client, owner.email, PASSWORD)
    assert client.session.session_key != before


def test_nobody_signs_up_by_themselves(client: Client) -> None:
    typed = {"email": "new@elsewhere.example", "password1": PASSWORD, "password2": PASSWORD}
    client.post("/accounts/signup/", typed)
    assert not User.objects.exists()
    assert "by invitation" in client.get("/accounts/signup/").content.decode()


def test_signing_out_takes_more_than_a_link(client: Client, owner: User) -> None:
    client.force_login(owner)
    client.get("/accounts/logout/")
    assert client.get("/app/domains").status_code == 200
    client.post("/accounts/logout/")
    assert client.get("/app/domains").status_code == 302


@pytest.mark.parametrize(
    "page", ["login/", "password/reset/", "password/change/", "2fa/", "email/", "logout/", "signup/"]
)
def test_every_account_page_has_one_heading(client: Client, owner: User, page: str) -> None:
    client.force_login(owner)
    answer = client.get(f"/accounts/{page}", follow=True)
    assert answer.status_code == 200
    assert answer.content.decode().count("<h1") == 1
