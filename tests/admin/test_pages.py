"""Every table of ours has a staff page that opens, is searched, and lets nobody edit what verbs own."""

from __future__ import annotations

import re

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from model_bakery import baker

from accounts.models import ApiKey, Membership, Organization, User
from aws.models import CallBudget
from domains.models import AssignedZone, DnsHostCredential, Domain
from inbound.models import InboundMessage, MailPolicy, SnsNotification
from tests.dashboard.rows import make_domain, make_message

pytestmark = pytest.mark.django_db

OURS = [
    model
    for label in ("accounts", "aws", "channels", "domains", "inbound", "webhooks")
    for model in apps.get_app_config(label).get_models()
]
# The few that staff fill in by hand; all others move by verbs alone.
EDITED_BY_STAFF = {User, Organization, Membership, MailPolicy, AssignedZone, DnsHostCredential}


def list_url(model: type[Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def change_url(row: Model) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_every_list_offers_a_search_and_a_filter(model: type[Model]) -> None:
    page = admin.site.get_model_admin(model)
    assert page.search_fields
    assert page.list_filter


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_every_model_is_listed_and_searched(staff: Client, model: type[Model]) -> None:
    assert staff.get(list_url(model)).status_code == 200
    assert staff.get(list_url(model), {"q": "shop.example"}).status_code == 200


@pytest.mark.parametrize(
    "model", [model for model in OURS if model not in EDITED_BY_STAFF], ids=lambda model: model.__name__
)
def test_what_verbs_own_is_neither_changed_nor_deleted_by_hand(staff: Client, model: type[Model]) -> None:
    page = admin.site.get_model_admin(model)
    request = staff.get(list_url(model)).wsgi_request
    assert not page.has_change_permission(request)
    assert not page.has_delete_permission(request)


@pytest.mark.parametrize(
    "model", [model for model in OURS if model is not CallBudget], ids=lambda model: model.__name__
)
def test_a_row_opens(staff: Client, model: type[Model]) -> None:
    fields = {"reason": "", "status": "pending", "proved_at": None} if model is Domain else {}
    row = baker.make(model, **fields)
    assert staff.get(change_url(row)).status_code == 200


def test_the_list_of_domains_takes_as_many_queries_for_ten_as_for_one(
    staff: Client, acme: Organization, django_assert_max_num_queries: object
) -> None:
    for number in range(10):
        make_domain(acme, f"shop{number}.example")
    with django_assert_max_num_queries(15):  # type: ignore[operator]
        staff.get(list_url(Domain))


def test_a_key_is_made_by_the_verb_and_its_secret_shown_once(staff: Client, acme: Organization) -> None:
    answer = staff.post(
        reverse("admin:accounts_apikey_add"),
        {"organization": acme.pk, "name": "billing", "role": "member", "scopes": ["Channel.view"], "domain_name": ""},
        follow=True,
    )
    secret = re.search(r"[0-9a-f]{96}", answer.content.decode())
    assert secret is not None
    api_key = ApiKey.objects.get()
    assert api_key.prefix == secret.group()[:8]
    assert api_key.scopes == ["Channel.view"]
    page = staff.get(change_url(api_key)).content.decode()
    assert secret.group() not in page
    assert api_key.secret_hash not in page


def test_the_text_of_a_mail_is_not_for_staff(staff: Client, acme: Organization) -> None:
    message = make_message(make_domain(acme, status="active"), text="a secret of two", html="<p>a secret of two</p>")
    page = staff.get(change_url(message)).content.decode()
    assert "a secret of two" not in page
    assert InboundMessage.objects.get().subject in page


def test_staff_see_what_else_is_wrong_with_a_record(staff: Client, acme: Organization) -> None:
    domain = make_domain(acme)
    domain.records.filter(purpose="inbound").update(code="target_doubled", other_codes=["priority_in_host"])
    assert "priority_in_host: The priority stands in the host field." in staff.get(change_url(domain)).content.decode()


def test_a_domain_that_is_html_is_shown_as_text(staff: Client, acme: Organization) -> None:
    domain = make_domain(acme, "<img src=x onerror=alert(1)>")
    assert "<img src=x" not in staff.get(list_url(Domain)).content.decode()
    assert "<img src=x" not in staff.get(change_url(domain)).content.decode()


def test_staff_sign_in_where_everybody_does(client: Client, db: None) -> None:
    answer = client.get(reverse("admin:index"), follow=True)
    assert answer.redirect_chain[-1][0].startswith("/accounts/login/?next=")


def test_a_customer_is_not_staff(client: Client, owner: User) -> None:
    client.force_login(owner)
    assert client.get(reverse("admin:index"), follow=True).status_code == 403


def test_a_person_is_added_by_email_address(staff: Client) -> None:
    typed = {"email": "Jana@Acme.Example", "name": "Jana", "usable_password": "true"}
    typed |= {"password1": "correct horse battery", "password2": "correct horse battery"}
    inline = {"memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"}
    staff.post(reverse("admin:accounts_user_add"), typed | inline)
    assert User.objects.get(email="jana@acme.example").check_password("correct horse battery")


def test_who_may_only_look_may_run_no_action(client: Client, acme: Organization) -> None:
    looker = User.objects.create_user("looker@postern.example", "correct horse battery", is_staff=True)
    looker.user_permissions.set(Permission.objects.filter(codename__in=["view_domain", "view_snsnotification"]))
    client.force_login(looker)
    domain = make_domain(acme, status="active")
    client.post(list_url(Domain), {"action": "suspend", "_selected_action": [domain.pk]})
    assert Domain.objects.get().status == "active"
    assert client.get(list_url(SnsNotification)).status_code == 200


@pytest.mark.parametrize(
    "wanted", ["parcels late", "jana@elsewhere", "support@shop.example", "ses-shop.example-1", "Acme"]
)
def test_staff_find_a_message_by_its_words_and_by_its_fields(staff: Client, acme: Organization, wanted: str) -> None:
    make_message(make_domain(acme, status="active"), 1, subject="Found it", text="Parcels come late")
    make_message(make_domain(acme, "other.example"), 2, subject="Not it", text="x", from_email="a@b.test")
    page = staff.get(list_url(InboundMessage), {"q": wanted}).content.decode()
    assert "Found it" in page
    assert ("Not it" in page) == (wanted == "Acme")
