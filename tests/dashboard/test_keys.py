"""API keys: created once, shown once, ended at once."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.api_keys import find_api_key, issue_api_key
from accounts.models import ApiKey, Organization, User
from accounts.permissions import VIEW

pytestmark = pytest.mark.django_db
KEYS = "dashboard:keys"


def test_the_secret_is_shown_once_and_works(client: Client, owner: User) -> None:
    client.force_login(owner)
    answer = client.post(reverse(KEYS), {"name": "billing", "scopes": [VIEW], "days": "30"})
    secret = re.search(r'data-copy="([0-9a-f]{96})"', answer.content.decode())
    assert secret is not None
    found = find_api_key(secret=secret.group(1), now=timezone.now())
    assert found is not None
    assert found.scopes == [VIEW]
    assert secret.group(1) not in client.get(reverse(KEYS)).content.decode()


def test_the_answer_with_the_secret_is_kept_in_no_cache(client: Client, owner: User) -> None:
    client.force_login(owner)
    assert "no-store" in client.post(reverse(KEYS), {"name": "billing"})["Cache-Control"]


def test_a_member_may_see_keys_but_not_make_one(client: Client, member: User) -> None:
    client.force_login(member)
    assert client.post(reverse(KEYS), {"name": "billing"}).status_code == 403
    assert not ApiKey.objects.exists()


def test_a_scope_that_does_not_exist_is_refused(client: Client, owner: User) -> None:
    client.force_login(owner)
    assert client.post(reverse(KEYS), {"name": "billing", "scopes": ["Everything"]}).status_code == 422


def test_a_revoked_key_ends(client: Client, owner: User, acme: Organization) -> None:
    issued = issue_api_key(organization=acme, name="billing", now=timezone.now())
    client.force_login(owner)
    client.post(reverse("dashboard:revoke_key", args=[issued.api_key.pk]))
    assert find_api_key(secret=issued.secret, now=timezone.now()) is None


def test_nobody_revokes_anothers_key(client: Client, outsider: User, acme: Organization) -> None:
    issued = issue_api_key(organization=acme, name="billing", now=timezone.now())
    client.force_login(outsider)
    assert client.post(reverse("dashboard:revoke_key", args=[issued.api_key.pk])).status_code == 404
    assert find_api_key(secret=issued.secret, now=timezone.now()) is not None
