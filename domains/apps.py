"""The app's name, and its system checks."""

from __future__ import annotations

from django.apps import AppConfig


class DomainsConfig(AppConfig):
    name = "domains"
    verbose_name = "Domains"

    def ready(self) -> None:
        from domains import checks  # noqa: F401  (registers the checks)
