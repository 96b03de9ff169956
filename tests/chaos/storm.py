"""The storm: mail by the thousand while everything that can die dies, and then the count.

`make storm` (STORM_ARGS="--mails 2000 --seed 7"). It starts a PostgreSQL, a Redis, the sandbox and the product, all of
its own, on free ports, and leaves nothing but its folder when it fails.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from tests.chaos.delivering import Delivering
from tests.chaos.product import COMMANDS, SWEEP_AFTER_SECONDS, Product
from tests.chaos.receiver import Receiver
from tests.chaos.stores import NoStores, PrivatePostgres, PrivateRedis, free_port
from tests.chaos.traffic import FORGED, Mail, mails
from tests.sandbox_process import SandboxProcess

STORED = """
    SELECT organization.name, message.subject, message.public_id
    FROM inbound_inboundmessage message LEFT JOIN accounts_organization organization
        ON organization.id = message.organization_id
"""
FOREIGN = """
    SELECT count(*) FROM inbound_recipient recipient
    JOIN inbound_inboundmessage message ON message.id = recipient.message_id
    JOIN accounts_organization organization ON organization.id = message.organization_id
    WHERE recipient.address NOT LIKE '%@' || organization.name
"""
OF_FORGED = "SELECT count(*) FROM inbound_snsnotification WHERE message LIKE %s OR sns_message_id LIKE %s"
OPEN = "SELECT count(*) FROM webhooks_webhookdelivery WHERE status NOT IN ('succeeded')"


@dataclass
class Count:
    """What came of a storm; `is_right` when every mail is there once and every event came under one id."""

    expected: int
    stored: int = 0
    forged: int = 0
    lost: int = 0
    doubled: int = 0
    leaked: int = 0
    events: int = 0
    events_lost: int = 0
    events_under_two_ids: int = 0
    refused: list[str] = field(default_factory=list)

    @property
    def is_right(self) -> bool:
        wrong = (self.forged, self.lost, self.doubled, self.leaked, self.events_lost, self.events_under_two_ids)
        return self.stored == self.expected and not any(wrong) and not self.refused

    def __str__(self) -> str:
        return (
            f"stored {self.stored} / expected {self.expected} / forged {self.forged} / lost {self.lost} / "
            f"doubled {self.doubled}; of another organization {self.leaked}; events {self.events}, "
            f"lost {self.events_lost}, under two ids {self.events_under_two_ids}; "
            f"genuine refused {len(self.refused)}"
        )


class Weather:
    """Kills, freezes, empties, restarts and lets S3 and SQS fail at random until it is called off."""

    def __init__(
        self,
        product: Product,
        postgres: PrivatePostgres,
        redis: PrivateRedis,
        sandbox: SandboxProcess,
        *,
        rng: random.Random,
        pause: float,
    ) -> None:
        self._product, self._postgres, self._redis, self._sandbox = product, postgres, redis, sandbox
        self._rng = rng
        self._pause = pause
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._blow)
        self.deeds: Counter[str] = Counter()
        self.error: Exception | None = None

    def __enter__(self) -> Weather:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()
        if self.error is not None:
            raise self.error

    def _blow(self) -> None:
        deeds = {
            self._kill: 55,
            self._spoil_aws: 17,
            self._freeze: 10,
            self._redis.flush: 8,
            self._take_redis_away: 5,
            self._postgres.restart: 5,
        }
        try:
            while not self._is_over.wait(self._rng.uniform(0.5, 1.5) * self._pause):
                (deed,) = self._rng.choices(list(deeds), list(deeds.values()))
                deed()
                self.deeds[deed.__name__.strip("_")] += 1
                for name in self._product.start_again_what_ended():
                    self.deeds[f"{name} ended by itself"] += 1
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:
            # Told by the thread that waits for this one.
            self.error = error

    def _spoil_aws(self) -> None:
        """The next few calls of one kind fail, are slow, or lose their answers."""
        calls = ["GetObject", "PutObject", "DeleteObject", "ListObjectsV2", "ReceiveMessage", "DeleteMessage"]
        fault = {
            "operation": self._rng.choice(calls),
            "kind": self._rng.choice(["error", "delay", "lose_answer", "cut"]),
            "status": 503,
            "seconds": self._rng.uniform(0.2, 2.0),
            "times": self._rng.randint(1, 12),
        }
        self._sandbox.control("POST", "/_sandbox/faults", fault)

    def _take_redis_away(self) -> None:
        self._redis.stop()
        self._is_over.wait(self._rng.uniform(1, 6))
        self._redis.start()

    def _freeze(self) -> None:
        name = self._rng.choice(list(COMMANDS))
        self._product.freeze(name, self._rng.uniform(1, 8))
        self.deeds[f"{name} frozen"] += 1

    def _kill(self) -> None:
        worked = [each for each in COMMANDS if self._product.has_worked(each)]
        if not worked:
            return
        name = self._rng.choice(worked)
        self._product.kill(name)
        self.deeds[f"{name} killed"] += 1
        self._product.start(name)


def storm(
    *, count: int, organizations: int, seed: int, pause: float, quiet_seconds: float, say: Callable[[str], None]
) -> Count:
    """`pause`: mean seconds from blow to blow. Raises NoStores where no PostgreSQL or Redis can be started."""
    folder = Path(tempfile.mkdtemp(prefix="postern-storm-"))
    folder.chmod(0o755)
    rng = random.Random(seed)
    with ExitStack() as afterwards:
        postgres = PrivatePostgres(folder)
        afterwards.callback(postgres.stop)
        redis = PrivateRedis(folder)
        afterwards.callback(redis.stop)
        sandbox = SandboxProcess(
            aws_port=free_port(), dns_port=free_port(), smtp_port=free_port(), folder=folder / "sandbox"
        )
        sandbox.start()
        afterwards.callback(sandbox.stop)
        receiver = Receiver(seed)
        afterwards.callback(receiver.stop)
        port = free_port()
        product = Product(
            folder,
            database_url=postgres.url,
            redis_url=redis.url,
            aws_url=sandbox.aws_url,
            dns=f"{sandbox.dns[0]}:{sandbox.dns[1]}",
            port=port,
        )
        afterwards.callback(product.stop)
        product.run("manage.py", "migrate", "--verbosity", "0")
        product.run("manage.py", "setup_aws")
        made = product.run("-m", "tests.chaos.world", sandbox.aws_url, receiver.url, str(organizations))
        domains: list[str] = json.loads(made.strip().splitlines()[-1])
        for name in COMMANDS:
            product.start(name)
        product.wait_until_ready()
        traffic = list(mails(count, domains, rng, prefix=f"s{seed}-"))
        say(f"{count} mails to {len(domains)} organizations, seed {seed}; everything is in {folder}")
        delivering = Delivering(
            port=port, s3=sandbox.client("s3"), sqs=sandbox.client("sqs"), signer=product.signer, seed=seed
        )
        started = time.monotonic()
        with Weather(product, postgres, redis, sandbox, rng=random.Random(seed + 1), pause=pause) as weather:
            delivering.play(traffic, forged_share=0.05)
        sandbox.control("DELETE", "/_sandbox/faults")
        say(f"{delivering.deliveries} deliveries in {time.monotonic() - started:.0f} s; {dict(weather.deeds)}")
        say(f"the door said {dict(delivering.answers)} to the genuine, {dict(delivering.to_forged)} to the forged")
        quiet = time.monotonic()
        found = _wait_for_quiet(product, postgres, receiver, traffic, quiet_seconds)
        found.refused = delivering.never_taken + [answer for answer in delivering.answers if answer.startswith("4")]
        say(f"quiet after {time.monotonic() - quiet:.0f} s")
    if found.is_right:
        shutil.rmtree(folder, ignore_errors=True)
    return found


def _wait_for_quiet(
    product: Product, postgres: PrivatePostgres, receiver: Receiver, traffic: list[Mail], seconds: float
) -> Count:
    """The count once it is right, or what it is when the time is over; the sweeper is sent round meanwhile."""
    deadline = time.monotonic() + seconds
    swept = 0.0
    while True:
        if time.monotonic() - swept > SWEEP_AFTER_SECONDS / 2:
            product.run("-m", "celery", "-A", "config", "call", "inbound.tasks.sweep_mail")
            swept = time.monotonic()
        product.start_again_what_ended()
        found = _count(postgres, receiver, traffic)
        if found.is_right or time.monotonic() > deadline:
            return found
        time.sleep(2)


def _count(postgres: PrivatePostgres, receiver: Receiver, traffic: list[Mail]) -> Count:
    expected = {(domain, mail.subject) for mail in traffic for domain in mail.domains}
    with psycopg.connect(postgres.url) as connection:
        rows = connection.execute(STORED).fetchall()
        foreign = connection.execute(FOREIGN).fetchone()
        forged = connection.execute(OF_FORGED, [f"%{FORGED}-%", f"{FORGED}-%"]).fetchone()
    ids = receiver.ids()
    times = Counter((str(name), str(subject)) for name, subject, _ in rows)
    messages = {str(public_id) for _, _, public_id in rows}
    return Count(
        expected=len(expected),
        stored=len(rows),
        forged=int(forged[0] if forged else 0) + sum(FORGED in subject for _, subject in times),
        lost=len(expected - set(times)),
        doubled=sum(number - 1 for number in times.values()),
        leaked=int(foreign[0] if foreign else 0) + len(set(times) - expected),
        events=receiver.taken,
        events_lost=len(messages - set(ids)),
        events_under_two_ids=sum(len(each) > 1 for each in ids.values()),
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="make storm")
    parser.add_argument("--mails", type=int, default=18500, help="with duplicates and forgeries over 20,000 deliveries")
    parser.add_argument("--organizations", type=int, default=20)
    parser.add_argument("--seed", type=int, default=20261121)
    parser.add_argument("--pause", type=float, default=4.0, help="seconds from blow to blow, in the mean")
    parser.add_argument("--quiet-seconds", type=float, default=900, help="how long to wait for the last mail")
    given = parser.parse_args()
    try:
        found = _storm(given)
    except NoStores as lack:
        print(f"THE STORM IS LEFT OUT: {lack}.")
        return 0
    print(found)
    return 0 if found.is_right else 1


def _storm(given: argparse.Namespace) -> Count:
    return storm(
        count=given.mails,
        organizations=given.organizations,
        seed=given.seed,
        pause=given.pause,
        quiet_seconds=given.quiet_seconds,
        say=lambda words: print(words, flush=True),
    )


if __name__ == "__main__":
    sys.exit(main())
