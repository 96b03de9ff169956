"""Threads know the ids that their mails have or refer to; recipients know their domain."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import django.db.models.deletion
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from domains.names import normalise_name
from inbound.message_ids import reference_name

BATCH = 2000
MOST_REFERENCES = 50


def name_threads(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """What mails are called counts before what they refer to: where threads are apart today, they stay apart."""
    for is_own in (True, False):
        rows = []
        for row in _named(apps, is_own=is_own):
            rows.append(row)
            if len(rows) == BATCH:
                apps.get_model("inbound", "ThreadReference").objects.bulk_create(rows, ignore_conflicts=True)
                rows = []
        apps.get_model("inbound", "ThreadReference").objects.bulk_create(rows, ignore_conflicts=True)


def _named(apps: StateApps, *, is_own: bool) -> Iterator[models.Model]:
    messages = apps.get_model("inbound", "InboundMessage").objects.filter(thread__isnull=False)
    fields = ("message_id_header",) if is_own else ("in_reply_to", "references")
    found = messages.order_by("pk").values_list("organization_id", "thread_id", *fields)
    for organization_id, thread_id, *ids in found.iterator(chunk_size=BATCH):
        flat = ids if is_own else [ids[0], *reversed(ids[1])][:MOST_REFERENCES]
        for name in dict.fromkeys(map(reference_name, flat)):
            if name:
                yield apps.get_model("inbound", "ThreadReference")(
                    organization_id=organization_id, thread_id=thread_id, name=name
                )


def name_domains(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """A recipient's domain is that of its message where the name is the same, else the organization's newest of it."""
    recipients = apps.get_model("inbound", "Recipient").objects
    domains = apps.get_model("domains", "Domain").objects.order_by("pk").values_list("pk", "organization_id", "name")
    names = {pk: name for pk, _, name in domains}
    newest = {(organization_id, name): pk for pk, organization_id, name in domains}
    wanted = ("pk", "address", "message__organization_id", "message__domain_id")
    last = 0
    while batch := list(recipients.filter(pk__gt=last).order_by("pk").values_list(*wanted)[:BATCH]):
        by_domain: dict[int | None, list[int]] = defaultdict(list)
        for pk, address, organization_id, first_domain in batch:
            name = normalise_name(address.rpartition("@")[2])
            own = first_domain if names.get(first_domain) == name else newest.get((organization_id, name))
            by_domain[own].append(pk)
        for domain, pks in by_domain.items():
            if domain is not None:
                recipients.filter(pk__in=pks).update(domain_id=domain)
        last = batch[-1][0]


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_notice_leased_until"),
        ("domains", "0005_drift_and_challenges"),
        ("inbound", "0006_retention_bounds"),
    ]

    operations = [
        migrations.CreateModel(
            name="ThreadReference",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "name",
                    models.CharField(help_text="As `message_ids.reference_name` writes it.", max_length=998),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.organization"
                    ),
                ),
                (
                    "thread",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="references", to="inbound.thread"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("organization", "name"), name="thread_reference_once")]
            },
        ),
        migrations.RemoveIndex(model_name="inboundmessage", name="message_by_message_id"),
        migrations.AddField(
            model_name="inboundmessage",
            name="is_text_from_html",
            field=models.BooleanField(
                db_default=False, default=False, help_text="There is no text part: the text is the HTML's."
            ),
        ),
        migrations.AddField(
            model_name="recipient",
            name="domain",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="domains.domain"
            ),
        ),
        migrations.AddField(
            model_name="thread",
            name="merged_into",
            field=models.ForeignKey(
                blank=True,
                help_text="Where its messages went, when both turned out to be one conversation: its id leads there.",
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="merged",
                to="inbound.thread",
            ),
        ),
        migrations.RunPython(name_threads, migrations.RunPython.noop),
        migrations.RunPython(name_domains, migrations.RunPython.noop),
    ]
