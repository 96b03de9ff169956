"""The seeds of `make run`: made once, kept, and the keys always valid."""

from __future__ import annotations

import pytest
from django.contrib.auth import authenticate
from django.utils import timezone

from accounts.api_keys import find_api_key, revoke_api_key
from accounts.models import ApiKey, Organization, User
from config.seed import seed
from config.walkthrough import Seeds

pytestmark = pytest.mark.django_db


def sown(keys: dict[str, str] | None = None) -> Seeds:
    return seed(
        admin_password="for-the-admin", customer_password="for-the-customer", keys=keys or {}, now=timezone.now()
    )


def keys_of(seeds: Seeds) -> dict[str, str]:
    return {organization["name"]: organization["api_key"] for organization in seeds.organizations}


def test_there_are_two_organizations_with_a_valid_key_each() -> None:
    for organization in sown().organizations:
        api_key = find_api_key(secret=organization["api_key"], now=timezone.now())
        assert api_key is not None
        assert api_key.organization.name == organization["name"]
        assert str(api_key.organization.workspace_id) == organization["workspace_id"]


def test_both_logins_work_and_only_one_is_staff() -> None:
    seeds = sown()
    admin = authenticate(username=seeds.admin.email, password=seeds.admin.password)
    customer = authenticate(username=seeds.customer.email, password=seeds.customer.password)
    assert isinstance(admin, User)
    assert isinstance(customer, User)
    assert (admin.is_staff, customer.is_staff) == (True, False)


def test_a_second_start_keeps_all_of_it() -> None:
    first = sown()
    assert sown(keys_of(first)) == first
    assert (Organization.objects.count(), ApiKey.objects.count()) == (2, 2)


def test_a_revoked_key_is_issued_anew() -> None:
    first = sown()
    revoke_api_key(api_key=ApiKey.objects.get(organization__name="Acme"), now=timezone.now(), actor="tests")
    second = sown(keys_of(first))
    assert keys_of(second)["Acme"] != keys_of(first)["Acme"]
    assert keys_of(second)["Globex"] == keys_of(first)["Globex"]


def test_a_password_that_the_customer_changed_stays() -> None:
    customer = User.objects.get(email=sown().customer.email)
    customer.set_password("my own choice")
    customer.save()
    sown()
    customer.refresh_from_db()
    assert customer.check_password("my own choice")
