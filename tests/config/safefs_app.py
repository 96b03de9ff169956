"""A Celery application on `safefs` for tests; run as a script it sends: FIRST COUNT."""

from __future__ import annotations

import os
import sys

from celery import Celery

import config.safefs  # noqa: F401  (registers the transport)

FOLDER = os.environ["SAFEFS_FOLDER"]
# Without its Django fix-up: this worker needs no settings and no apps.
app = Celery("safefs_app", broker="safefs://", fixups=[])
app.conf.update(
    broker_transport_options={
        "data_folder_in": FOLDER,
        "data_folder_out": FOLDER,
        "control_folder": FOLDER,
        "polling_interval": 0.02,
    },
    task_ignore_result=True,
    worker_enable_remote_control=False,
    task_acks_late=True,
    worker_prefetch_multiplier=1,
)


@app.task(name="note")
def note(number: int, padding: str) -> None:
    """Append the number to a file of this process: a line of O_APPEND is whole or not there."""
    with open(f"{FOLDER}/done-{os.getpid()}.txt", "a") as file:
        file.write(f"{number}\n")


if __name__ == "__main__":
    first, count = int(sys.argv[1]), int(sys.argv[2])
    for number in range(first, first + count):
        note.delay(number, "x" * 4000)
