"""The worker's side of the doorbell outlives its broker."""

from __future__ import annotations

from typing import Any

from celery.signals import worker_init
from kombu.transport.redis import Channel

import config.celery  # noqa: F401  (connects to the signal)


def test_what_was_taken_over_a_connection_that_is_gone_is_let_go() -> None:
    worker_init.send(sender=None)
    for connection in (None, _Disconnected()):
        channel: Any = Channel.__new__(Channel)
        channel.connection = connection
        channel.basic_ack("a-delivery")
    assert not Channel.do_restore, "nor is it put back, which takes the same connection"


class _Disconnected:
    client = None
