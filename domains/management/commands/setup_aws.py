"""`manage.py setup_aws`: make or adopt what this installation needs in AWS; may be run again at any time."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from aws.errors import AwsError
from aws.pacing import Caller, person
from domains import receipt_rules
from domains.installation import SetUp, is_lacking, set_up_region

SECONDS_A_REGION = 180.0


class Command(BaseCommand):
    help = "Set up bucket, topic, queue, receipt rule set, subscription and configuration set in every SES region."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--region", action="append", help="Only this region; may be given more than once.")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.INBOUND_BUCKET:
            raise CommandError("Set INBOUND_BUCKET to the S3 bucket that SES shall store mail in.")
        for region in options["region"] or settings.SES_REGIONS:
            if region not in settings.SES_REGIONS:
                raise CommandError(f"{region} is not in SES_REGIONS.")
            self._set_up(region)

    def _set_up(self, region: str) -> None:
        caller = person(SECONDS_A_REGION)
        try:
            done = set_up_region(region=region, caller=caller, now=timezone.now())
            self._write_rules(region, caller, done)
        except (AwsError, receipt_rules.InstallationMissing) as error:
            raise CommandError(f"{region}: {error}") from error
        self.stdout.write(self.style.MIGRATE_HEADING(region))
        for line in done.lines:
            self.stdout.write(f"  {line}")
        for warning in done.warnings:
            self.stdout.write(self.style.WARNING(f"  warning: {warning}"))

    def _write_rules(self, region: str, caller: Caller, done: SetUp) -> None:
        try:
            receipt_rules.apply_wished(region=region, caller=caller)
        except (AwsError, receipt_rules.InstallationMissing) as error:
            # What an emulator lacks is no reason to end here; the wish stays with the reconciler.
            if isinstance(error, AwsError) and not is_lacking(error):
                raise
            done.warnings.append(f"the receipt rules could not be written: {error}")
