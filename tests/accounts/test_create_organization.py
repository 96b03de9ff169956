"""`manage.py create_organization` founds an organization that can be used at once."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.api_keys import find_api_key
from accounts.models import Membership, Organization, User
from accounts.permissions import Role

pytestmark = pytest.mark.django_db


def create(name: str, owner: str) -> dict[str, str]:
    output = StringIO()
    call_command("create_organization", name, owner=owner, stdout=output, stderr=StringIO())
    printed: dict[str, str] = json.loads(output.getvalue())
    return printed


def test_it_prints_the_ids_and_a_key_that_works() -> None:
    printed = create("Acme", "owner@acme.example")
    organization = Organization.objects.get(public_id=printed["organization_id"])
    api_key = find_api_key(secret=printed["api_key"], now=timezone.now())
    assert list(printed) == ["organization_id", "workspace_id", "api_key"]
    assert str(organization.workspace_id) == printed["workspace_id"]
    assert api_key is not None
    assert api_key.organization == organization


def test_a_new_owner_is_made_without_a_password() -> None:
    create("Acme", "Owner@Acme.example")
    owner = User.objects.get(email="owner@acme.example")
    assert not owner.has_usable_password()
    assert Membership.objects.get(user=owner).role == Role.OWNER


def test_an_owner_who_is_there_keeps_the_password_and_owns_both() -> None:
    User.objects.create_user("owner@acme.example", "correct horse battery")
    create("Acme", "owner@acme.example")
    create("Acme North", "owner@acme.example")
    owner = User.objects.get(email="owner@acme.example")
    assert owner.check_password("correct horse battery")
    assert owner.memberships.count() == 2


def test_a_name_that_another_one_has_is_told() -> None:
    first = create("Acme", "owner@acme.example")
    told = StringIO()
    call_command("create_organization", "acme", owner="owner@acme.example", stdout=StringIO(), stderr=told)
    assert first["organization_id"] in told.getvalue()
    assert Organization.objects.count() == 2
    told = StringIO()
    call_command("create_organization", "Globex", owner="owner@acme.example", stdout=StringIO(), stderr=told)
    assert told.getvalue() == ""


@pytest.mark.parametrize(("name", "owner"), [("", "a@b.example"), ("x" * 201, "a@b.example"), ("Acme", "nobody")])
def test_what_is_refused_leaves_nothing(name: str, owner: str) -> None:
    with pytest.raises(CommandError):
        create(name, owner)
    assert not Organization.objects.exists()
    assert not User.objects.exists()
