"""Change what an owner has chosen for a domain: receiving, sending, SPF and DMARC."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from accounts.doorbell import ring
from domains import receipt_rules
from domains.choices import Choices
from domains.dns.dmarc import change_dmarc
from domains.history import record_event
from domains.models import Domain
from domains.provisioning import plan_again
from domains.records import SpfMode
from domains.registration import DomainNotFound
from domains.verification import apply_rules_inline


def change_options(
    *,
    domain: Domain,
    actor: str,
    now: datetime,
    is_receiving: bool | None = None,
    is_sending: bool | None = None,
    is_dmarc_wanted: bool | None = None,
    dmarc_policy: str | None = None,
    dmarc_report_address: str | None = None,
    spf_mode: SpfMode | None = None,
    spf_value: str | None = None,
) -> Domain:
    """Change what is given and leave what is None; the records follow, and the receipt rule of a proved name.

    DNS itself is not touched. Raises InvalidSpfValue, DomainNotFound if it is gone.
    """
    with transaction.atomic():
        # Policy and report address share a value, mode and SPF value a rule: changes come one after the other.
        row = Domain.objects.live().select_for_update(of=("self",)).filter(pk=domain.pk).first()
        if row is None:
            raise DomainNotFound
        before = _columns(row)
        row.is_receiving = row.is_receiving if is_receiving is None else is_receiving
        row.is_sending = row.is_sending if is_sending is None else is_sending
        row.is_dmarc_wanted = row.is_dmarc_wanted if is_dmarc_wanted is None else is_dmarc_wanted
        row.spf_mode = row.spf_mode if spf_mode is None else spf_mode.value
        row.spf_value = row.spf_value if spf_value is None else spf_value
        if dmarc_policy or dmarc_report_address:
            row.dmarc_value = change_dmarc(row.dmarc_value, policy=dmarc_policy, report_address=dmarc_report_address)
        Choices(spf_mode=SpfMode(row.spf_mode), spf_value=row.spf_value).check()
        after = _columns(row)
        changed = {name: value for name, value in after.items() if value != before[name]}
        if changed:
            _store(row, changed, before=before, actor=actor, now=now)
    if "is_receiving" in changed and row.is_proved:
        apply_rules_inline(region=row.region)
    domain.refresh_from_db()
    return domain


def _columns(row: Domain) -> dict[str, bool | str]:
    return {
        "is_receiving": row.is_receiving,
        "is_sending": row.is_sending,
        "is_dmarc_wanted": row.is_dmarc_wanted,
        "dmarc_value": row.dmarc_value,
        "spf_mode": row.spf_mode,
        "spf_value": row.spf_value,
    }


def _store(
    row: Domain, changed: dict[str, bool | str], *, before: dict[str, bool | str], actor: str, now: datetime
) -> None:
    # A domain that no longer waits for its MX is active at the next look, so that comes soon.
    Domain.objects.filter(pk=row.pk).update(**changed, next_check_at=now, checks_in_a_row=0, updated_at=now)
    plan_again(domain=row, now=now)
    if "is_receiving" in changed and row.is_proved:
        receipt_rules.wish_rules(region=row.region, now=now)
        ring("domains.tasks.reconcile_due")
    record_event(
        row,
        "domain.options_changed",
        now=now,
        actor=actor,
        evidence={"before": {name: before[name] for name in changed}, "after": changed},
    )
