"""The background work of the core: each task finds its work in the database and may run twice at once."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from domains import challenge_looks, mail_from, polling, reconciler, tombstones


@shared_task
def check_due_domains(**kwargs: object) -> None:
    polling.check_due(now=timezone.now())


@shared_task
def reconcile_due(**kwargs: object) -> None:
    reconciler.reconcile(now=timezone.now())


@shared_task
def sweep_aws(**kwargs: object) -> None:
    reconciler.sweep(now=timezone.now())
    mail_from.converge_mail_from(now=timezone.now())


@shared_task
def look_at_due_challenges(**kwargs: object) -> None:
    challenge_looks.look_at_due_challenges(now=timezone.now())


@shared_task
def look_at_tombstones(**kwargs: object) -> None:
    tombstones.look_at_due(now=timezone.now())
