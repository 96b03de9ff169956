"""What `make run` says once it is ready: where to look, how to sign in, and five lines to paste (pure)."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from config.local_settings import LOOPBACK, Ports, outbox


@dataclass(frozen=True)
class Login:
    email: str
    password: str


@dataclass(frozen=True)
class Seeds:
    """What a fresh installation holds: two logins, and the organizations with a key each."""

    admin: Login
    customer: Login
    organizations: Sequence[Mapping[str, str]]  # name, workspace_id, api_key


def sandbox_file(*, ports: Ports, seeds: Seeds) -> dict[str, object]:
    """The content of `var/sandbox.json`, for programs."""
    return {
        "web": ports.web_url,
        "aws": ports.aws_url,
        "dns": f"{LOOPBACK}:{ports.dns}",
        "smtp": f"{LOOPBACK}:{ports.smtp}",
        "admin": {"email": seeds.admin.email, "password": seeds.admin.password},
        "customer": {"email": seeds.customer.email, "password": seeds.customer.password},
        "organizations": [dict(organization) for organization in seeds.organizations],
    }


def read_seeds(file: Mapping[str, object]) -> Seeds:
    """The seeds back from the content of `var/sandbox.json`."""

    def login(value: object) -> Login:
        assert isinstance(value, dict)
        return Login(str(value["email"]), str(value["password"]))

    organizations = file["organizations"]
    assert isinstance(organizations, list)
    return Seeds(login(file["admin"]), login(file["customer"]), organizations)


def lines_to_paste(*, ports: Ports, api_key: str, folder: Path) -> list[str]:
    """Register, publish, verify, send, read; they share a file, so that each may run in a shell of its own.

    The name carries the time, because a name can be registered only once; any other name under `.example` or `.test`
    does as well.
    """
    domains, messages = f"{ports.web_url}/api/email/domains", f"{ports.web_url}/api/email/messages"
    key = f"-H 'Authorization: Bearer {api_key}'"
    json_body = "-H 'Content-Type: application/json'"
    file = shlex.quote(str(folder / "walkthrough.json"))
    read_file = "import json, sys; domain = json.load(open(sys.argv[1]))"
    domain_id = f"""$(python3 -c '{read_file}; print(domain["id"])' {file})"""
    domain_name = f"""$(python3 -c '{read_file}; print(domain["domain"])' {file})"""
    mail = r"From: You <you@elsewhere.example>\r\nTo: support@%s\r\nSubject: Hello\r\n\r\nIt works.\r\n"
    envelope = '--mail-from you@elsewhere.example --mail-rcpt "support@$D"'
    register = f"""curl -sS {domains} {key} {json_body} -d "{{\\"domain\\": \\"$D\\"}}" | tee {file}; echo"""
    publish = f"curl -sS {ports.aws_url}/_sandbox/publish {json_body} -d @{file}; echo"
    verify = f'curl -sS -X POST "{domains}/{domain_id}/verify" {key}'
    send = f"""printf '{mail}' "$D" | curl -sS smtp://{LOOPBACK}:{ports.smtp} {envelope} -T -"""
    read = f'curl -sS "{messages}?domain={domain_name}" {key}'
    # SES looks at DNS on a clock of its own, and mail comes in by SNS and a worker: the first answer may be too early.
    return [
        f"D=acme-$(date +%s).example; {register}",
        publish,
        _repeated(verify, until="verifiedAt"),
        f"D={domain_name}; {send}",
        _repeated(read, until="msg_"),
    ]


def _repeated(command: str, *, until: str) -> str:
    return (
        f'for i in 1 2 3 4 5 6 7 8 9; do A=$({command}); case "$A" in *{until}*) break;; esac; sleep 1; done;'
        """ printf '%s\\n' "$A\""""
    )


def banner(*, ports: Ports, seeds: Seeds, folder: Path) -> str:
    """All of it, for a person at a terminal."""
    first = seeds.organizations[0]
    lines = "\n\n".join(lines_to_paste(ports=ports, api_key=first["api_key"], folder=folder))
    return f"""
Postern is ready.

  Dashboard  {ports.web_url}/app/    {seeds.customer.email}  {seeds.customer.password}
  Admin      {ports.web_url}/admin/  {seeds.admin.email}  {seeds.admin.password}
  API key    {first["api_key"]}  ({first["name"]})
  Sandbox    AWS {ports.aws_url}/_sandbox/  DNS {LOOPBACK}:{ports.dns}  SMTP {LOOPBACK}:{ports.smtp}
  Mail that Postern writes itself (passwords, notices) is not sent but kept in {outbox(folder)}
  For programs: {folder / "sandbox.json"}   Logs: {folder / "log"}   Stop: Ctrl-C

The main job in five lines, to paste into another terminal: register a domain, publish its records in the
sandbox's DNS, verify it, send it a mail, read the mail.

{lines}
"""
