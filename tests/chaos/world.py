"""Twenty organizations, each with a verified domain and a webhook endpoint, made by the product's own verbs.

Run as a program in the storm's environment: `python -m tests.chaos.world SANDBOX_URL WEBHOOK_URL COUNT` prints the
domains' names as JSON.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.request

import django


def main(sandbox: str, webhook: str, count: int) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    print(json.dumps([_make(f"org{number}.example", sandbox, webhook) for number in range(count)]))
    return 0


def _make(name: str, sandbox: str, webhook: str) -> str:
    from django.utils import timezone

    from accounts.organizations import create_organization
    from domains.facts import current_records
    from domains.models import Domain
    from domains.registration import register_domain
    from domains.states import Status
    from domains.verification import check_domain
    from webhooks.endpoints import create_endpoint

    founded = create_organization(name=name, owner_email=f"owner@{name}", now=timezone.now())
    create_endpoint(
        organization=founded.organization,
        url=webhook,
        actor="storm",
        now=timezone.now(),
        events=["message.received"],
    )
    domain = register_domain(organization=founded.organization, name=name, actor="storm", now=timezone.now())
    records = [
        {"type": record.type, "name": record.name, "value": record.value, "priority": record.priority}
        for record in current_records(Domain.objects.get(pk=domain.pk))
    ]
    for path, body in (("publish", {"records": records}), ("check", {})):
        request = urllib.request.Request(f"{sandbox}/_sandbox/{path}", json.dumps(body).encode(), method="POST")
        urllib.request.urlopen(request, timeout=30).close()
    checked = check_domain(domain=domain, actor="storm", now=timezone.now())
    if checked.status != Status.ACTIVE:
        raise SystemExit(f"{name} is {checked.status}: {checked.reason}")
    return name


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
