"""`manage.py check_domain`: the diagnosis in a terminal, of a claim and of a name that nobody has claimed."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import Organization
from domains.models import Domain
from domains.registration import register_domain
from tests.sandbox_process import SandboxProcess

OURS = {"type": "MX", "value": "inbound-smtp.us-east-1.amazonaws.com", "priority": 10}
SPF = {"type": "TXT", "value": "v=spf1 include:amazonses.com ~all", "priority": None}
DMARC = {"type": "TXT", "value": "v=DMARC1; p=none;", "priority": None}


def run(*arguments: str) -> tuple[int, str]:
    """The exit code and what was printed."""
    out = StringIO()
    try:
        call_command("check_domain", *arguments, stdout=out)
    except SystemExit as end:
        return int(str(end.code)), out.getvalue()
    return 0, out.getvalue()


@pytest.fixture
def serve(sandbox: SandboxProcess) -> Callable[..., None]:
    """Let the sandbox's DNS answer with these records at these names."""

    def put(*records: tuple[str, dict[str, object]]) -> None:
        wanted = [{"name": name, **record} for name, record in records]
        sandbox.control("POST", "/_sandbox/publish", {"records": wanted})

    return put


@pytest.fixture
def domain(installation: SandboxProcess, acme: Organization) -> Domain:
    return register_domain(organization=acme, name="claimed.example", actor="test", now=timezone.now())


Serve = Callable[..., None]


def test_a_name_in_good_order_ends_with_0(serve: Serve) -> None:
    serve(("good.example", OURS), ("good.example", SPF), ("_dmarc.good.example", DMARC))
    code, text = run("good.example", "--as-if")
    assert code == 0
    assert "Its MX, SPF and DMARC are as they should be." in text
    assert "What you can do" not in text


def test_it_says_who_gets_the_mail_today_and_what_each_choice_does(serve: Serve) -> None:
    google = {"type": "MX", "value": "aspmx.l.google.com", "priority": 1}
    serve(("busy.example", google), ("busy.example", SPF))
    code, text = run("busy.example", "--as-if")
    assert code == 1
    assert "Its mail goes to Google Workspace today (aspmx.l.google.com)." in text
    assert "(receiving): mx_other_provider" in text
    for choice in ("Take over", "Use a subdomain", "Forward"):
        assert f"  {choice}: " in text
    assert "Mail to @busy.example stays at Google Workspace; mail to @mail.busy.example comes here." in text


def test_it_proposes_one_spf_record_with_ours_in_it(serve: Serve) -> None:
    serve(("sender.example", {"type": "TXT", "value": "v=spf1 ip4:192.0.2.0/24 -all", "priority": None}))
    _, text = run("sender.example", "--as-if")
    assert "proposed v=spf1 ip4:192.0.2.0/24 include:amazonses.com -all" in text


def test_the_region_decides_which_host_the_mx_must_name(serve: Serve) -> None:
    serve(("far.example", OURS), ("far.example", SPF), ("_dmarc.far.example", DMARC))
    code, text = run("far.example", "--as-if", "--region", "eu-west-1")
    assert code == 1
    assert "(receiving): other_region" in text


def test_it_says_what_else_is_wrong(serve: Serve) -> None:
    google = {"type": "MX", "value": "aspmx.l.google.com", "priority": 1}
    null = {"type": "MX", "value": ".", "priority": 0}
    serve(("many.example", google), ("many.example", null))
    _, text = run("many.example", "--as-if")
    assert "(receiving): null_mx" in text
    assert "also: mx_other_provider: Mail goes to another provider." in text


def test_as_if_asks_no_aws(sandbox: SandboxProcess, serve: Serve) -> None:
    serve(("quiet.example", OURS))
    run("quiet.example", "--as-if")
    calls = sandbox.control("GET", "/_sandbox/calls")["calls"]
    assert not [call for call in calls if "Identity" in call["operation"]]


def test_a_dns_that_does_not_answer_ends_with_3(settings: LazySettings) -> None:
    settings.DNS_RESOLVERS = ["127.0.0.1:9"]
    code, text = run("silent.example", "--as-if")
    assert code == 3
    assert "Who gets its mail today could not be seen." in text


def test_what_dns_says_can_not_steer_the_terminal(serve: Serve) -> None:
    serve(("rude.example", {"type": "TXT", "value": "v=spf1 \x1b[2Jx -all", "priority": None}))
    _, text = run("rude.example", "--as-if")
    assert "v=spf1 ?[2Jx -all" in text
    assert "\x1b" not in text


def test_a_claim_is_looked_at_now(domain: Domain, publish: Callable[..., None]) -> None:
    publish(domain)
    code, text = run("claimed.example")
    assert code == 0
    assert "claimed.example of Acme: active" in text
    domain.refresh_from_db()
    assert domain.checked_at is not None


def test_a_claim_without_its_records_ends_with_1_and_says_what_to_add(domain: Domain) -> None:
    code, text = run("claimed.example")
    assert code == 1
    assert "not_published" in text
    assert "to do: Add a TXT record at _amazonses.claimed.example with the value: " in text


def test_a_look_does_not_start_a_failed_claim_again(domain: Domain) -> None:
    Domain.objects.filter(pk=domain.pk).update(status="failed", reason="expired")
    run("claimed.example")
    domain.refresh_from_db()
    assert domain.status == "failed"


def test_ses_being_away_is_said_and_ends_with_3(
    sandbox: SandboxProcess, domain: Domain, publish: Callable[..., None]
) -> None:
    publish(domain)
    run("claimed.example")
    fault = {"operation": "GetIdentityVerificationAttributes", "kind": "error", "status": 500, "times": 99}
    sandbox.control("POST", "/_sandbox/faults", fault)
    code, text = run("claimed.example")
    assert code == 3
    assert "Amazon SES could not be asked" in text


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("nobody.example",), "is not registered here"),
        (("https://nobody.example", "--as-if"), "only the domain name itself"),
        (("nobody.example", "--as-if", "--region", "moon-1"), "receives no mail in moon-1"),
    ],
)
def test_what_can_not_be_judged_ends_with_2(arguments: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence) as refused:
        run(*arguments)
    assert refused.value.returncode == 2
