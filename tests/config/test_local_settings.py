"""What `make run` refuses, keeps and hands to its children."""

from __future__ import annotations

import socket
import stat
import subprocess
from pathlib import Path

import pytest

from config.environment import Environment
from config.local import locked
from config.local_settings import (
    CanNotStart,
    Ports,
    ensure_secrets,
    environment_file,
    product_environment,
    read_ports,
    refuse_taken_ports,
)


def environment(folder: Path, **inherited: str) -> dict[str, str]:
    return product_environment(
        inherited=inherited, ports=Ports(8000, 4566, 5354, 2525), folder=folder, secret_key="s", encryption_key="e"
    )


def test_the_ports_have_their_usual_numbers() -> None:
    assert read_ports({}) == Ports(web=8000, aws=4566, dns=5354, smtp=2525)


@pytest.mark.parametrize("text", ["http", "0", "65536", "-1", "80 00", "٨٠"])
def test_what_is_no_port_is_refused_by_its_name(text: str) -> None:
    with pytest.raises(CanNotStart, match="SMTP_PORT"):
        read_ports({"SMTP_PORT": text})


def test_one_port_for_two_servers_is_refused() -> None:
    with pytest.raises(CanNotStart, match="AWS_PORT is 8000"):
        read_ports({"AWS_PORT": "8000"})


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_taken_port_is_refused_with_the_way_out(kind: socket.SocketKind) -> None:
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(CanNotStart, match=rf"Port {port} .*make run DNS_PORT={port + 1}"):
            refuse_taken_ports(Ports(web=0, aws=0, dns=port, smtp=0))


def test_a_second_start_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(CanNotStart, match="already runs"), locked(tmp_path):
        pytest.fail("locked twice")


def test_the_folder_is_free_again_afterwards(tmp_path: Path) -> None:
    with locked(tmp_path):
        pass
    with locked(tmp_path):
        pass


def test_secrets_are_made_once_and_for_their_owner_only(tmp_path: Path) -> None:
    secrets = ensure_secrets(tmp_path)
    assert ensure_secrets(tmp_path) == secrets
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600


def test_the_shell_s_aws_account_and_stores_do_not_reach_the_children(tmp_path: Path) -> None:
    given = environment(
        tmp_path,
        AWS_PROFILE="production",
        AWS_SESSION_TOKEN="real",
        AWS_ENDPOINT_URL_S3="https://s3.amazonaws.com",
        DATABASE_URL="postgres://production/",
        CELERY_BROKER_URL="redis://production",
        DJANGO_SETTINGS_MODULE="other.settings",
    )
    assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3", "DJANGO_SETTINGS_MODULE"} & set(given)
    assert given["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4566"
    assert given["DATABASE_URL"].startswith("sqlite:///")
    assert given["CELERY_BROKER_URL"] == "safefs://localhost"


def test_the_product_s_own_mail_goes_into_the_data_folder_and_to_nobody_whom_the_shell_names(tmp_path: Path) -> None:
    folder = tmp_path / "a+b #1 %41"
    given = environment(folder, EMAIL_URL="smtp+tls://user:password@smtp.example.com:587")
    read = Environment()
    read.ENVIRON = given
    found = read.email_url("EMAIL_URL")
    assert found["EMAIL_BACKEND"] == "django.core.mail.backends.filebased.EmailBackend"
    assert found["EMAIL_FILE_PATH"] == str(folder / "outbox")


@pytest.mark.parametrize("url", ["filemail://var/outbox", "filemail://", "filemail:///"])
def test_a_folder_for_mail_that_is_not_absolute_is_refused(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    read = Environment()
    read.ENVIRON = {"EMAIL_URL": url}
    with pytest.raises(SystemExit):
        read.email_url("EMAIL_URL")
    assert "filemail:///a/folder" in capsys.readouterr().err


def test_a_limit_that_the_shell_names_is_kept(tmp_path: Path) -> None:
    assert environment(tmp_path, SES_CALLS_PER_SECOND="1")["SES_CALLS_PER_SECOND"] == "1"


def test_a_shell_reads_back_the_environment_of_the_product_and_nothing_of_the_caller(tmp_path: Path) -> None:
    folder = tmp_path / "a folder"
    given = environment(folder, HOME="/home/me", MAX_DOMAINS="7", API_RATE_LIMIT="it's")
    (tmp_path / "environment").write_text(environment_file(given))
    script = 'set -a; . ./environment; printf \'%s|\' "$POSTERN_VAR" "$MAX_DOMAINS" "$API_RATE_LIMIT" "${HOME-none}"'
    done = subprocess.run(["sh", "-c", script], cwd=tmp_path, env={}, capture_output=True, text=True, check=True)
    assert done.stdout == f"{folder}|7|it's|none|"
