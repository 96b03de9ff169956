"""Liveness and readiness: is the process up, and can it reach its database with all migrations applied."""

from __future__ import annotations

from django.conf import settings
from django.db import Error as DatabaseFailure
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse


def healthz(request: HttpRequest) -> JsonResponse:
    """200 as soon as this process answers; asks nobody."""
    return JsonResponse({"status": "ok"})


def health(request: HttpRequest) -> JsonResponse:
    """The same in the words of the contract whose clients ask for it here."""
    return JsonResponse({"healthy": True, "environment": settings.ENVIRONMENT})


def readyz(request: HttpRequest) -> JsonResponse:
    """200 when the database answers and no migration is missing, else 503 with the reason."""
    try:
        executor = MigrationExecutor(connection)
        missing = [str(migration) for migration, _ in executor.migration_plan(executor.loader.graph.leaf_nodes())]
    except DatabaseFailure:
        return JsonResponse({"status": "unavailable", "reason": "database"}, status=503)
    if missing:
        return JsonResponse({"status": "unavailable", "reason": "migrations", "missing": len(missing)}, status=503)
    return JsonResponse({"status": "ok"})
