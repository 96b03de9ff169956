"""`python -m config.start_check`: one line for each setting that is missing or contradicts another, and exit 1."""

from __future__ import annotations

import os

import django

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()

    from domains.checks import refuse_to_start_on_errors

    refuse_to_start_on_errors()
