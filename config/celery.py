"""The Celery application: a doorbell and a clock; the queue of record is the database."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.signals import import_modules, worker_init

import config.safefs  # noqa: F401  (registers the `safefs` transport)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("postern")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@import_modules.connect(sender=app)
def refuse_wrong_settings(**kwargs: object) -> None:
    """Worker and beat run no system checks of their own; this is called once Django is set up, before they start."""
    import django

    django.setup()
    from domains.checks import refuse_to_start_on_errors

    refuse_to_start_on_errors()


@worker_init.connect
def let_unanswered_rings_go(**kwargs: object) -> None:
    """A worker whose Redis goes away would end: it would put back and acknowledge over a connection that is gone.

    Nothing is lost with the rings: who rings has written the work into the database, where it is found without one.
    """
    from kombu.transport.redis import Channel

    acknowledge = Channel.basic_ack

    def acknowledge_if_connected(channel: Any, delivery_tag: str, multiple: bool = False) -> None:
        if channel.connection is not None and channel.connection.client is not None:
            acknowledge(channel, delivery_tag, multiple=multiple)

    Channel.do_restore = False
    Channel.basic_ack = acknowledge_if_connected  # type: ignore[method-assign, assignment]
