"""Who gets a name's mail today, and what each way to receive it here would do (pure)."""

from __future__ import annotations

from dataclasses import dataclass

from domains.dns.mx_providers import provider_of
from domains.dns.summary import Part


@dataclass(frozen=True)
class Choice:
    title: str
    consequence: str


def mail_today_sentence(today: Part) -> str:
    """One sentence; `today` is the part `mail_today` of a summary, empty where it could not be seen."""
    if not today:
        return "Who gets its mail today could not be seen."
    hosts = _hosts(today)
    if not hosts:
        return "Nobody gets its mail today: it has no MX record that takes mail."
    if today.get("code") == "other":
        return f"Its mail goes to {', '.join(hosts)} today."
    return f"Its mail goes to {today.get('name')} today ({', '.join(hosts)})."


def mail_choices(name: str, today: Part, *, inbound_host: str, priority: int = 10) -> tuple[Choice, ...]:
    """What the owner of the name can do; nothing to choose where the mail comes here already."""
    hosts = _hosts(today)
    ours = f"MX {priority} {inbound_host}"
    others = [host for host in hosts if host != inbound_host]
    if inbound_host in hosts and not others:
        return ()
    if not others:
        return (Choice("Receive here", f"Set {ours} at {name}: mail to any address @{name} then comes here."),)
    known = provider_of(others)
    provider = known.name if known else others[0]
    below = f"mail.{name}"
    return (
        Choice(
            "Take over",
            f"Replace the MX records of {name} by {ours}. From then on all its mail comes here, and the mailboxes at "
            f"{provider} get none.",
        ),
        Choice(
            "Use a subdomain",
            f"Register {below} instead and set {ours} there. Mail to @{name} stays at {provider}; mail to @{below} "
            f"comes here.",
        ),
        Choice(
            "Forward",
            f"Leave the MX records as they are, register {below}, and let {provider} forward the addresses that you "
            f"choose to addresses @{below}. Forwarded mail often fails SPF, since it comes from {provider}.",
        ),
    )


def _hosts(today: Part) -> list[str]:
    hosts = today.get("hosts")
    return [str(host) for host in hosts] if isinstance(hosts, list) else []
