"""Thirty days of a domain in use, and all that can happen to its DNS: exactly what is told, and no word more."""

from __future__ import annotations

import pytest

from accounts.models import Organization, User
from channels.removal import remove_domain
from domains import drift, schedule, tombstones
from domains.verification import check_domain
from tests.domains.drifting import GOOGLE, World
from tests.sandbox_process import SandboxProcess

DAY = 24
# The hours of the first day at which the looks changed their mind: two misses in a row are never three.
FLAPPING = [
    (hour, "domain.health_changed", health)
    for began in (1, 4, 7, 10, 13, 16, 19, 22)
    for hour, health in ((began, "suspect"), (began + 2 if began < 22 else 26, "healthy"))
]
TOLD = [
    # The SPF record: missed, lost six hours later, back.
    (146, "domain.health_changed", "suspect"),
    (152, "domain.degraded", "spf_lost"),
    (182, "domain.recovered", "healthy"),
    # The MX record.
    (230, "domain.health_changed", "suspect"),
    (236, "domain.degraded", "mx_lost"),
    (254, "domain.recovered", "healthy"),
    # SPF, acknowledged before it counted, and DMARC, muted: in the history alone.
    (300, "domain.health_changed", "suspect"),
    (300, "domain.drift_acknowledged", "TXT hello.example"),
    (300, "domain.drift_muted", "TXT _dmarc.hello.example"),
    (327, "domain.health_changed", "degraded"),
    (351, "domain.health_changed", "healthy"),
    # The identity: SES's warning at the first look, its end six hours after SES has said so.
    (399, "domain.degraded", "identity_warning"),
    (405, "domain.degraded", "dkim_lost"),
    (462, "domain.failed", "identity_lost"),
    (528, "domain.restarted", "pending"),
    (528, "domain.verified", "active"),
    (528, "domain.health_changed", "healthy"),
    # Removed, and its MX stays.
    (600, "domain.removed", ""),
    (624, "domain.mx_remains", "its MX still points to inbound-smtp.us-east-1.amazonaws.com"),
]
NOTICES = [
    (152, "hello.example: the SPF record is gone or wrong"),
    (182, "hello.example: right again"),
    (236, "hello.example: mail does not come here any more"),
    (254, "hello.example: right again"),
    (399, "hello.example: Amazon SES no longer finds its records"),
    (405, "hello.example: a DKIM record is gone or wrong"),
    (462, "hello.example: Amazon SES no longer holds it as verified"),
    (624, "hello.example: its mail is still sent here"),
]
OUTBOX = [
    ("domain.degraded", "suspect", "spf_lost"),
    ("domain.recovered", "degraded", None),
    ("domain.degraded", "suspect", "mx_lost"),
    ("domain.recovered", "broken", None),
    ("domain.degraded", "healthy", "identity_warning"),
    ("domain.degraded", "degraded", "dkim_lost"),
    ("domain.failed", "active", "identity_lost"),
    ("domain.verified", "pending", None),
    ("domain.removed", "active", None),
]


@pytest.fixture
def world(installation: SandboxProcess, acme: Organization, owner: User, monkeypatch: pytest.MonkeyPatch) -> World:
    # Without the jitter the looks come at known hours: daily, and every three hours after a miss.
    monkeypatch.setattr(schedule, "JITTER", 0)
    monkeypatch.setattr(tombstones, "JITTER", 0)
    world = World(installation, acme)
    world.activate()
    return world


@pytest.mark.django_db
def test_thirty_days(world: World) -> None:
    # Day 1: the MX comes and goes for 24 hours, and somebody clicks every hour.
    for hour in range(DAY):
        world.publish(*(("inbound",) if hour % 3 else ()))
        world.live(hour + 0.5)
        world.click()
    world.publish()
    # Days 2 to 4: the name servers answer SERVFAIL.
    world.live(2 * DAY - 1)
    world.publish(behaviour="servfail")
    world.live(5 * DAY - 1)
    world.publish()
    # Day 6: the SPF record goes, and is back a day later.
    world.live(6 * DAY)
    world.publish("spf")
    world.live(7 * DAY + 12)
    world.publish()
    # Day 9: the mail moves to Google for a day.
    world.live(9 * DAY)
    world.publish("inbound", beside=[GOOGLE])
    world.live(10 * DAY + 12)
    world.publish()
    # Day 12: the SPF and DMARC records go together; the owner knows of the one before it counts, and mutes the other.
    world.live(12 * DAY)
    world.publish("spf", "dmarc")
    world.look(12 * DAY + 12)
    drift.acknowledge(drift=world.drift("spf"), actor="owner", now=world.now)
    drift.mute(drift=world.drift("dmarc"), actor="owner", now=world.now)
    world.live(14 * DAY)
    world.publish()
    # Day 16: ownership and DKIM are taken out; SES warns, and gives up after 72 hours.
    world.live(16 * DAY)
    world.publish("ownership", "dkim")
    world.live(21 * DAY)
    assert world.domain.status == "failed"
    # Day 22: the records are back and the owner starts again.
    world.publish()
    world.at(22 * DAY)
    with world.clock():
        check_domain(domain=world.domain, actor="owner", now=world.now, may_restart=True)
    world.live(25 * DAY)
    assert (world.domain.status, world.domain.health) == ("active", "healthy")
    # Day 25: the domain is removed, its MX stays.
    with world.clock():
        remove_domain(domain=world.domain, actor="owner", now=world.now)
    world.live(30 * DAY)

    assert world.history() == [*FLAPPING, *TOLD]
    assert world.notices() == NOTICES
    assert world.outbox() == OUTBOX
    assert world.mails() == [f"Acme: {subject}" for _, subject in NOTICES]
