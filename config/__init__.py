"""The composition root: settings, URLs, Celery; it names everyone and nobody imports it."""

from __future__ import annotations

from config.celery import app as celery_app

__all__ = ["celery_app"]
