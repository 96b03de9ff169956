"""The clock's schedule: a task often enough that nobody has to ring, and cheap when nothing is due."""

from __future__ import annotations

from celery.schedules import crontab


def _every(task: str, seconds: float) -> dict[str, object]:
    """A beat entry whose message dies before the next but one: a stopped worker finds no pile of them."""
    return {"task": task, "schedule": seconds, "options": {"expires": seconds * 2}}


def _hourly(task: str, minute: int) -> dict[str, object]:
    """A beat entry by the wall clock: a beat that starts anew every half hour still comes to it."""
    return {"task": task, "schedule": crontab(minute=str(minute)), "options": {"expires": 7200.0}}


SCHEDULE = {
    "check-due-domains": _every("domains.tasks.check_due_domains", 5.0),
    "reconcile-due": _every("domains.tasks.reconcile_due", 60.0),
    "look-at-tombstones": _every("domains.tasks.look_at_tombstones", 900.0),
    "sweep-aws": _every("domains.tasks.sweep_aws", 900.0),
    "look-at-challenges": _every("domains.tasks.look_at_due_challenges", 30.0),
    "deliver-webhooks": _every("webhooks.tasks.deliver_due", 5.0),
    "tidy-webhooks": _hourly("webhooks.tasks.tidy", 7),
    "mail-notices": _every("accounts.tasks.mail_notices", 60.0),
    "ingest-due": _every("inbound.tasks.ingest_due", 10.0),
    "release-held": _every("inbound.tasks.release_held", 10.0),
    "drain-queues": _every("inbound.tasks.drain_queues", 30.0),
    "sweep-mail": _every("inbound.tasks.sweep_mail", 300.0),
    "expire-mail": _hourly("inbound.tasks.expire_mail", 37),
    "tidy-mail": _hourly("inbound.tasks.tidy", 22),
    "forget-idempotency-keys": _hourly("api.tasks.forget_idempotency_keys", 52),
}
