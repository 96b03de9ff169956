"""Settings that are missing, unreadable or contradict each other: one line with an id that says what would do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.checks import run_checks
from pytest_django import Settings

from config.environment import Environment
from domains.checks import TAG

ROOT = Path(__file__).resolve().parents[2]


def found(settings: Settings, **values: Any) -> list[str]:
    """The ids of the errors with these settings."""
    for name, value in values.items():
        setattr(settings, name, value)
    return [message.id or "" for message in run_checks(tags=[TAG]) if message.is_serious()]


def warned(settings: Settings, **values: Any) -> list[str]:
    for name, value in values.items():
        setattr(settings, name, value)
    return [message.id or "" for message in run_checks(tags=[TAG])]


@pytest.mark.parametrize(
    ("name", "value", "id"),
    [
        ("SECRET_KEY", "short", "postern.E002"),
        ("PUBLIC_URL", "garbage", "postern.E003"),
        ("PUBLIC_URL", "https://example.com/postern", "postern.E003"),
        ("SES_REGIONS", ("garbage",), "postern.E007"),
        ("SES_REGIONS", (), "postern.E007"),
        ("SES_CALLS_PER_SECOND", 0.0, "postern.E008"),
        ("RECEIPT_RULE_RECIPIENTS", 501, "postern.E009"),
        ("INSTALLATION_ID", "A b", "postern.E010"),
        ("API_RATE_LIMIT", "0/min", "postern.E011"),
        ("DNS_RESOLVERS", ("1.1.1.1:dns",), "postern.E012"),
        ("ALLOWED_HOSTS", ["http://example.com"], "postern.E015"),
        ("INBOUND_BUCKET", "Bad Bucket", "postern.E016"),
        ("INBOUND_PREFIX", "mail/", "postern.E017"),
        ("INBOUND_PREFIX", "/", "postern.E017"),
        ("SNS_TOPIC_NAME", "a name", "postern.E018"),
        ("SNS_ALLOWED_TOPICS", ("mail",), "postern.E019"),
        ("ENCRYPTION_KEYS", ("c2hvcnQ=",), "postern.E020"),
        ("DNS_AUTHORITATIVE_PORT", 0, "postern.E021"),
        ("MAIL_RETENTION_DAYS", 0, "postern.E021"),
        ("TRUSTED_PROXIES", -1, "postern.E021"),
        ("ALLOWED_SPECIAL_TLDS", frozenset({".test"}), "postern.E022"),
        ("DEFAULT_LOCAL_PART", "a b", "postern.E023"),
        ("DEFAULT_FROM_EMAIL", "nobody", "postern.E024"),
        ("ADMIN_PATH", "app/", "postern.E025"),
        ("ADMIN_PATH", "/", "postern.E025"),
        ("CUSTOM_EMAIL_PREFIX", "a b", "postern.E026"),
        ("CUSTOM_EMAIL_PREFIX", "admin/c0", "postern.E026"),
        ("C4_JSON_CASE", "kebab", "postern.E027"),
        ("CELERY_BROKER_URL", "garbage", "postern.E028"),
        ("AWS_ENDPOINT_URL", "garbage", "postern.E029"),
        ("CLOUDFLARE_API_URL", "http://api.cloudflare.com/client/v4", "postern.E030"),
    ],
)
def test_a_setting_that_will_not_do_has_an_error_of_its_own(
    settings: Settings, name: str, value: object, id: str
) -> None:
    settings.SNS_TRUSTED_CERTIFICATES = ""
    assert set(found(settings, **{name: value})) == {id}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALLOWED_HOSTS", ["*"]),
        ("ALLOWED_HOSTS", [".example.com", "localhost", "[::1]"]),
        ("SES_REGIONS", ("us-gov-west-1", "ap-southeast-3")),
        ("DNS_RESOLVERS", ("1.1.1.1", "127.0.0.1:5353", "::1", "[2606:4700::1111]:53")),
        ("INBOUND_BUCKET", ""),
        ("INBOUND_BUCKET", "my.company-mail"),
        ("INBOUND_PREFIX", "postern/incoming/"),
        ("SNS_ALLOWED_TOPICS", ("arn:aws-cn:sns:cn-north-1:123456789012:mail",)),
        ("ENCRYPTION_KEYS", (Fernet.generate_key().decode(),)),
        ("ADMIN_PATH", "staff/only/"),
        ("EMAIL_DOMAINS_PREFIX", "c1/v1"),
        ("DEFAULT_FROM_EMAIL", "Postern <postern@example.com>"),
        ("CELERY_BROKER_URL", "rediss://:secret@redis.example.com:6380/1"),
    ],
)
def test_a_setting_that_will_do_has_none(settings: Settings, name: str, value: object) -> None:
    assert found(settings, **{name: value}) == []


def test_a_secret_that_will_not_do_is_not_shown(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = ("hunter2",)
    assert "hunter2" not in " ".join(message.msg for message in run_checks(tags=[TAG]))


def test_an_emulators_certificates_are_refused_without_the_emulator(settings: Settings, tmp_path: Path) -> None:
    trusted = str(tmp_path / "trusted.json")
    assert found(settings, SNS_TRUSTED_CERTIFICATES=trusted, AWS_ENDPOINT_URL="") == ["postern.E004"]


def test_an_emulators_certificates_are_refused_for_an_emulator_elsewhere(settings: Settings, tmp_path: Path) -> None:
    trusted = str(tmp_path / "trusted.json")
    endpoint = "http://emulator.example.com:4566"
    assert found(settings, SNS_TRUSTED_CERTIFICATES=trusted, AWS_ENDPOINT_URL=endpoint) == ["postern.E005"]


@pytest.mark.parametrize("content", ["[]", "not json", '{"url": 5}'])
def test_a_file_of_certificates_that_is_none_is_refused(settings: Settings, tmp_path: Path, content: str) -> None:
    (tmp_path / "trusted.json").write_text(content)
    assert found(settings, SNS_TRUSTED_CERTIFICATES=str(tmp_path / "trusted.json")) == ["postern.E006"]


def test_a_database_that_nobody_named_is_refused(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", "django.db.backends.dummy")
    assert found(settings) == ["postern.E014"]


def test_postgresql_without_shared_stores_is_warned_of(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", "django.db.backends.postgresql")
    monkeypatch.setitem(settings.CACHES["default"], "BACKEND", "django.core.cache.backends.locmem.LocMemCache")
    assert {"postern.W007", "postern.W008"} <= set(warned(settings, CELERY_BROKER_URL="safefs://"))


@pytest.fixture
def environment() -> Environment:
    return Environment()


@pytest.mark.parametrize(
    ("read", "value"),
    [
        ("int", "x"),
        ("float", "1,5 a second"),
        ("float", "nan"),
        ("bool", "maybe"),
        ("db", "garbage"),
        ("db", "mysql://u:hunter2@h/n"),
        ("db", "postgres://"),
        ("cache_url", "memory"),
        ("email_url", "pigeon://x"),
        ("networks", "10.0.0.1/8"),
        ("address", "http://example.com:99999"),
        ("address", "http://[::1"),
    ],
)
def test_a_value_that_can_not_be_read_ends_the_process_with_one_line(
    read: str, value: str, monkeypatch: pytest.MonkeyPatch, environment: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("THE_SETTING", value)
    with pytest.raises(SystemExit) as ended:
        getattr(environment, read)("THE_SETTING")
    line = capsys.readouterr().err
    assert ended.value.code == 1
    assert line.startswith("postern.E013: THE_SETTING can not be read. It is ")
    assert line.count("\n") == 1
    assert "hunter2" not in line


@pytest.mark.parametrize("given", [None, "", "  "])
def test_an_empty_variable_is_as_good_as_none(
    given: str | None, monkeypatch: pytest.MonkeyPatch, environment: Environment
) -> None:
    if given is not None:
        monkeypatch.setenv("WHOLE", given)
        monkeypatch.setenv("LIST", given)
    assert (environment.int("WHOLE", default=5), environment.list("LIST", default=["a"])) == (5, ["a"])


def test_a_list_may_have_blanks(monkeypatch: pytest.MonkeyPatch, environment: Environment) -> None:
    monkeypatch.setenv("LIST", " a, b ,,")
    assert environment.list("LIST", default=[]) == ["a", "b"]


def test_a_dollar_is_a_dollar(monkeypatch: pytest.MonkeyPatch, environment: Environment) -> None:
    monkeypatch.setenv("TEXT", "$HOME-is-no-variable")
    assert environment.str("TEXT", default="") == "$HOME-is-no-variable"


# What production sets, in the smallest; each case below takes something away or spoils it.
ENOUGH = {
    "READ_DOT_ENV": "0",
    "SECRET_KEY": "k" * 50,
    "PUBLIC_URL": "https://mail.example.com",
    "DATABASE_URL": "postgres://postern@127.0.0.1:1/postern",
    "CACHE_URL": "redis://127.0.0.1:1/0",
    "CELERY_BROKER_URL": "redis://127.0.0.1:1/1",
    "INBOUND_BUCKET": "my-company-mail",
    "EMAIL_URL": "smtp+tls://user:password@smtp.example.com:587",
}
COMMANDS = {
    "web": ("-m", "gunicorn", "config.wsgi", "--bind", "127.0.0.1:0"),
    "worker": ("-m", "celery", "-A", "config", "worker", "--pool", "solo"),
    "beat": ("-m", "celery", "-A", "config", "beat"),
    "create_organization": ("manage.py", "create_organization", "Acme", "--owner", "you@example.com"),
    "check": ("manage.py", "check"),
}


def start(command: tuple[str, ...], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    path = {"PATH": os.environ["PATH"]}
    run = [sys.executable, *command]
    return subprocess.run(run, cwd=ROOT, env=path | environment, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("command", COMMANDS)
def test_no_process_starts_without_a_database(command: str) -> None:
    done = start(COMMANDS[command], ENOUGH | {"DATABASE_URL": ""})
    assert done.returncode == 1
    assert [line for line in done.stderr.splitlines() if "postern.E014" in line]
    assert "Traceback" not in done.stderr


def test_an_unreadable_switch_is_all_that_a_worker_says() -> None:
    done = start(COMMANDS["worker"], ENOUGH | {"DEBUG": "maybe"})
    line = "postern.E013: DEBUG can not be read. It is 1 or 0.\n"
    assert (done.returncode, done.stderr) == (1, line)


def test_production_settings_have_no_error_and_no_surprise() -> None:
    done = start(COMMANDS["check"], ENOUGH | {"ENCRYPTION_KEYS": Fernet.generate_key().decode()})
    assert (done.returncode, done.stdout.strip()) == (0, "System check identified no issues (0 silenced).")
