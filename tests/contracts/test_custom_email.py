"""Contract `custom_email`: set up, verify, activate, disconnect - bodies as its seed has them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Organization
from channels.inboxes import create_inbox
from channels.models import Channel, EmailAccount
from domains.models import Domain, DomainEvent
from tests.contracts.conftest import NOW, Api

pytestmark = pytest.mark.django_db(transaction=True)

SETUP = "/channels/email/custom/setup-receiving"
BAD_FORMAT = {"statusCode": 400, "message": "Invalid domain format", "error": "Bad Request"}
REGISTERED = {"statusCode": 400, "message": "Domain already registered", "error": "Bad Request"}
NOT_FOUND = {"statusCode": 404, "message": "Channel not found", "error": "Not Found"}


def verify_path(channel_id: int) -> str:
    return f"/channels/email/custom/{channel_id}/verify-receiving"


def activate_path(channel_id: int) -> str:
    return f"/channels/email/setup-receiving/{channel_id}"


@pytest.fixture
def connected(api: Api, installation: object) -> dict[str, object]:
    return api.post(SETUP, {"domain": "Mail.Acme.example."}).json()


@pytest.fixture
def verified(api: Api, connected: dict[str, object], publish: Callable[..., None]) -> dict[str, object]:
    publish(Domain.objects.get(name="mail.acme.example"))
    answer = api.post(verify_path(connected["connectedChannelId"]), {})
    assert answer.status_code == 200, answer.content
    return answer.json()


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize("mount", ["", "/api/v1"])
def test_set_up_answers_201_with_the_seeds_keys_in_order(api: Api, mount: str) -> None:
    answer = api.post(mount + SETUP, {"domain": "acme.example", "channelId": 7})
    body = answer.json()
    assert answer.status_code == 201
    assert list(body) == [
        "success",
        "message",
        "connectedChannelId",
        "domain",
        "status",
        "dnsRecords",
        "instructions",
    ]
    assert (body["success"], body["message"]) == (True, "Custom email setup initiated")
    assert body["connectedChannelId"] == Channel.objects.get().pk
    assert (body["domain"], body["status"]) == ("acme.example", "pending_verification")
    assert body["instructions"] == "Add the DNS records to your domain provider and verify within 72 hours"
    assert body["dnsRecords"]["mx"] == [
        {
            "type": "MX",
            "name": "@",
            "value": "inbound-smtp.us-east-1.amazonaws.com",
            "priority": 10,
            "ttl": 3600,
        }
    ]
    (txt,) = body["dnsRecords"]["txt"]
    assert txt == {"type": "TXT", "name": "_amazonses.acme.example", "value": txt["value"], "ttl": 3600}
    assert list(txt) == ["type", "name", "value", "ttl"]
    assert len(txt["value"]) > 20


def test_the_mx_of_a_subdomain_is_named_by_its_prefix(connected: dict[str, object]) -> None:
    assert connected["domain"] == "mail.acme.example"
    assert connected["dnsRecords"]["mx"][0]["name"] == "mail"
    assert connected["dnsRecords"]["txt"][0]["name"] == "_amazonses.mail.acme.example"


@pytest.mark.parametrize(
    "domain",
    [
        "https://example.com",
        "example.com/path",
        "example.com:25",
        "user@example.com",
        "*.example.com",
        "192.0.2.1",
        "[::1]",
        "2001:db8::1",
        "co.uk",
        "com",
        "localhost",
        "a..example.com",
        ".example.com",
        "-a.example.com",
        "a-.example.com",
        "exa mple.com",
        "a" * 64 + ".example.com",
        ".".join(["a" * 49] * 5) + ".com",
        "xn--.example.com",
        "example.123",
        "",
        " ",
        5,
        None,
        ["example.com"],
        {"name": "example.com"},
        True,
    ],
)
def test_a_bad_domain_is_an_invalid_format(api: Api, domain: object) -> None:
    answer = api.post(SETUP, {"domain": domain})
    assert (answer.status_code, answer.json()) == (400, BAD_FORMAT)


def test_a_missing_domain_or_body_is_an_invalid_format(api: Api) -> None:
    assert api.post(SETUP, {}).json() == BAD_FORMAT
    assert api.post(SETUP).json() == BAD_FORMAT


@pytest.mark.usefixtures("sandbox")
def test_an_international_name_is_held_as_a_labels(api: Api) -> None:
    assert api.post(SETUP, {"domain": "Bücher.example"}).json()["domain"] == "xn--bcher-kva.example"


def test_set_up_again_keeps_the_channel_and_starts_the_72_hours_anew(api: Api, connected: dict[str, object]) -> None:
    long_ago = timezone.now() - timedelta(hours=71)
    Domain.objects.update(claim_started_at=long_ago)
    again = api.post(SETUP, {"domain": "mail.acme.example"})
    assert (again.status_code, again.json()["connectedChannelId"]) == (201, connected["connectedChannelId"])
    assert again.json()["status"] == "pending_verification"
    assert Domain.objects.get().claim_started_at > long_ago


def test_set_up_of_a_failed_domain_is_pending_again(api: Api, connected: dict[str, object]) -> None:
    Domain.objects.update(status="failed", reason="expired")
    again = api.post(SETUP, {"domain": "mail.acme.example"})
    assert (again.status_code, again.json()["status"]) == (201, "pending_verification")


def test_restarts_are_numbered_by_the_day(api: Api, connected: dict[str, object], settings: object) -> None:
    settings.MAX_RESTARTS_PER_DAY = 1
    api.post(SETUP, {"domain": "mail.acme.example"})
    refused = api.post(SETUP, {"domain": "mail.acme.example"})
    assert (refused.status_code, refused.json()["error"]) == (429, "Too Many Requests")


def test_a_verified_domain_is_already_registered(api: Api, verified: dict[str, object]) -> None:
    answer = api.post(SETUP, {"domain": "mail.acme.example"})
    assert (answer.status_code, answer.json()) == (400, REGISTERED)


def test_a_name_proved_by_another_is_already_registered(
    api: Api, globex: Organization, make_domain: Callable[..., Domain]
) -> None:
    make_domain(globex, "taken.example", status="active")
    assert api.post(SETUP, {"domain": "taken.example"}).json() == REGISTERED


@pytest.mark.usefixtures("sandbox")
def test_a_name_that_another_only_claims_lists_a_record_more(
    api: Api, globex: Organization, make_domain: Callable[..., Domain], stranger: Api
) -> None:
    stranger.post(SETUP, {"domain": "wanted.example"})
    answer = api.post(SETUP, {"domain": "wanted.example"})
    assert answer.status_code == 201
    names = [record["name"] for record in answer.json()["dnsRecords"]["txt"]]
    assert names == ["_amazonses.wanted.example", "_postern.wanted.example"]


def test_beyond_the_quota_it_is_429(
    api: Api, acme: Organization, make_domain: Callable[..., Domain], settings: object
) -> None:
    settings.MAX_PENDING_DOMAINS = 1
    make_domain(acme, "one.example")
    answer = api.post(SETUP, {"domain": "two.example"})
    assert answer.status_code == 429
    assert answer.json() == {"statusCode": 429, "message": "Domain limit reached", "error": "Too Many Requests"}


def test_verify_before_dns_says_what_is_missing(api: Api, connected: dict[str, object]) -> None:
    answer = api.post(verify_path(connected["connectedChannelId"]))
    assert answer.status_code == 400
    assert answer.json() == {
        "statusCode": 400,
        "message": "DNS records not yet propagated or incorrectly configured",
        "error": "Bad Request",
        "details": {
            "domain": "mail.acme.example",
            "missingRecords": ["MX", "TXT"],
            "suggestion": "Please wait for DNS propagation (24-48 hours) or check your DNS configuration",
        },
    }
    assert Domain.objects.get().status == "pending"


@pytest.mark.parametrize(("published", "missing"), [("ownership", "MX"), ("dkim", "MX"), ("inbound", "TXT")])
def test_verify_lists_only_what_is_still_wrong(
    api: Api, connected: dict[str, object], publish: Callable[..., None], published: str, missing: str
) -> None:
    publish(Domain.objects.get(), published)
    answer = api.post(verify_path(connected["connectedChannelId"]))
    assert (answer.status_code, answer.json()["details"]["missingRecords"]) == (400, [missing])
    assert Domain.objects.get().status == "pending"


def test_verify_of_a_failed_domain_tells_to_set_up_again(api: Api, connected: dict[str, object]) -> None:
    Domain.objects.update(status="failed", reason="expired")
    answer = api.post(verify_path(connected["connectedChannelId"]))
    assert (answer.status_code, Domain.objects.get().status) == (400, "failed")
    assert "setup again" in answer.json()["details"]["suggestion"]
    assert answer.json()["details"]["missingRecords"]


def test_the_verify_that_ends_the_72_hours_tells_to_set_up_again(api: Api, connected: dict[str, object]) -> None:
    Domain.objects.update(claim_started_at=timezone.now() - timedelta(hours=73))
    answer = api.post(verify_path(connected["connectedChannelId"]))
    assert (answer.status_code, Domain.objects.get().status) == (400, "failed")
    assert "setup again" in answer.json()["details"]["suggestion"]


def test_verify_of_a_suspended_domain_tells_to_resume_it(api: Api, verified: dict[str, object]) -> None:
    Domain.objects.update(status="suspended", status_before_suspension="active")
    answer = api.post(verify_path(verified["connectedChannelId"]))
    assert (answer.status_code, answer.json()["details"]["missingRecords"]) == (400, ["TXT"])
    assert "resume it" in answer.json()["details"]["suggestion"]


def test_verify_answers_as_the_seed_has_it(connected: dict[str, object], verified: dict[str, object]) -> None:
    assert list(verified) == [
        "success",
        "message",
        "connectedChannelId",
        "domain",
        "status",
        "emailAccounts",
        "verifiedAt",
    ]
    assert (verified["success"], verified["message"]) == (True, "Custom email receiving activated")
    assert verified["connectedChannelId"] == connected["connectedChannelId"]
    assert (verified["domain"], verified["status"]) == ("mail.acme.example", "verified")
    account = EmailAccount.objects.get()
    assert verified["emailAccounts"] == [
        {"id": account.pk, "email": "support@mail.acme.example", "canReceive": True, "canSend": False}
    ]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", verified["verifiedAt"])


def test_verify_again_is_the_same_answer_and_no_second_account(api: Api, verified: dict[str, object]) -> None:
    again = api.post(verify_path(verified["connectedChannelId"]))
    assert (again.status_code, again.json()) == (200, verified)
    assert EmailAccount.objects.count() == 1


def test_activate_before_verification_is_refused(api: Api, connected: dict[str, object]) -> None:
    answer = api.post(activate_path(connected["connectedChannelId"]), {})
    assert answer.status_code == 400
    assert answer.json() == {"statusCode": 400, "message": "Domain not verified", "error": "Bad Request"}


def test_activate_is_idempotent(api: Api, verified: dict[str, object]) -> None:
    for _ in range(2):
        answer = api.post(activate_path(verified["connectedChannelId"]), {})
        assert answer.status_code == 200
        assert answer.json() == {"message": "Email receiving setup successful", "provider": "custom"}
    assert Channel.objects.get().receiving_active_at is not None


def test_another_organizations_channel_is_not_found(
    api: Api, globex: Organization, make_domain: Callable[..., Domain]
) -> None:
    domain = make_domain(globex, "globex.example", status="active")
    channel = Channel.objects.create(organization=globex, name=domain.name, domain=domain)
    for path in (verify_path(channel.pk), activate_path(channel.pk)):
        answer = api.post(path, {})
        assert (answer.status_code, answer.json()) == (404, NOT_FOUND)


@pytest.fixture
def account(acme: Organization, make_domain: Callable[..., Domain]) -> EmailAccount:
    domain = make_domain(acme, "acme.example", status="active")
    channel = Channel.objects.create(organization=acme, name=domain.name, domain=domain)
    return create_inbox(organization=acme, domain=domain, local_part="support", actor="test", now=NOW, channel=channel)


@pytest.mark.parametrize("as_text", [False, True])
def test_disconnect_takes_the_account_and_at_last_the_channel(api: Api, account: EmailAccount, as_text: bool) -> None:
    answer = api.post("/channels/email/disconnect/custom", {"accountId": str(account.pk) if as_text else account.pk})
    assert answer.status_code == 200
    assert answer.json() == {"success": True, "message": "Custom email account disconnected"}
    assert not EmailAccount.objects.live().exists()
    assert Channel.objects.get().is_connected is False


@pytest.mark.parametrize("account_id", [0, -1, 10**30, 999_999])
def test_disconnect_of_an_unknown_account_is_404(api: Api, account: EmailAccount, account_id: int) -> None:
    answer = api.post("/channels/email/disconnect/custom", {"accountId": account_id})
    assert (answer.status_code, answer.json()["message"]) == (404, "Account not found")


def test_disconnect_of_anothers_account_is_404(stranger: Api, account: EmailAccount) -> None:
    answer = stranger.post("/channels/email/disconnect/custom", {"accountId": account.pk})
    assert answer.json() == {"statusCode": 404, "message": "Account not found", "error": "Not Found"}
    assert EmailAccount.objects.live().exists()


@pytest.mark.parametrize("account_id", [None, "x", 1.5, True, [], {}])
def test_disconnect_wants_a_number(api: Api, account_id: object) -> None:
    answer = api.post("/channels/email/disconnect/custom", {"accountId": account_id})
    assert (answer.status_code, answer.json()["message"]) == (
        400,
        "Validation failed (numeric string is expected)",
    )


def test_a_key_of_one_domain_touches_no_other(
    key_with: Callable[..., Api], account: EmailAccount, make_domain: Callable[..., Domain]
) -> None:
    other = key_with(domain_name="other.example")
    assert other.post(SETUP, {"domain": "third.example"}).status_code == 403
    assert other.post(verify_path(account.channel_id)).json() == NOT_FOUND
    assert other.post("/channels/email/disconnect/custom", {"accountId": account.pk}).status_code == 404
    own = key_with(domain_name="acme.example")
    assert own.post("/channels/email/disconnect/custom", {"accountId": account.pk}).status_code == 200


def test_a_refused_set_up_leaves_nothing_behind(api: Api) -> None:
    api.post(SETUP, {"domain": "https://example.com"})
    assert not Domain.objects.exists()
    assert not DomainEvent.objects.exists()
