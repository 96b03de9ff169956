"""The AWS gateway as a Django app: its one model is the pacer's budget."""

from __future__ import annotations

from django.apps import AppConfig


class AwsConfig(AppConfig):
    name = "aws"
    verbose_name = "AWS"
    default_auto_field = "django.db.models.BigAutoField"
