"""The index of the words of messages, on PostgreSQL only: the search of SQLite looks into each message."""

from __future__ import annotations

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

# What the search of inbound/searching.py asks for must be this expression, or the index is not used; a test sees to it.
# The text is cut: a message may hold more words than PostgreSQL can index (1 MiB of them).
CREATE = r"""
CREATE INDEX CONCURRENTLY message_words ON inbound_inboundmessage USING gin ((
    to_tsvector('simple'::regconfig, regexp_replace(regexp_replace(
        left(from_name, 1000) || ' ' || left(from_email, 1000) || ' ' || left(subject, 1000) || ' ' ||
        left("text", 65536), '[!-/:-@[-`{-~]', ' ', 'g'),
        '([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff])', ' \1 ', 'g'))
    || array_to_tsvector(ARRAY['@' || coalesce(organization_id::text, '0')])
))
"""


def create(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        # One that was being built when the migration was stopped is left behind, not valid: it is built anew.
        drop(apps, schema_editor)
        schema_editor.execute(CREATE, params=None)


def drop(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX CONCURRENTLY IF EXISTS message_words", params=None)


class Migration(migrations.Migration):
    # Mail comes in while the index is built, and an index that is built beside it can not be part of a transaction.
    atomic = False

    dependencies = [("inbound", "0003_feedback_and_trace")]

    operations = [migrations.RunPython(create, drop)]
