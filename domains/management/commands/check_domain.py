"""`manage.py check_domain NAME`: look at a name now and say what is right, what is wrong and what to change."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.errors import UpstreamRefusal
from aws.regions import can_receive
from domains.as_if import report_as_if, report_of
from domains.diagnosis_report import Outcome, Report, outcome_of, report_lines
from domains.facts import current_records, missing_required
from domains.models import Domain
from domains.names import InvalidDomainName
from domains.registration import validated_name
from domains.states import Status
from domains.verification import check_domain

USAGE = 2
EXIT_CODES = """exit codes:
  0  all that is required is right (as-if: MX, SPF and DMARC are)
  1  something has to change
  2  the name is not valid, not registered here, or an option is wrong
  3  DNS or Amazon SES could not be asked, so that it is not known
"""


class Command(BaseCommand):
    help = "Look at a domain now and print its diagnosis; with --as-if also for a name that is not registered."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.epilog = EXIT_CODES
        parser.add_argument("name", help="The domain, such as mail.example.com.")
        parser.add_argument("--as-if", action="store_true", help="Judge its DNS as if it were registered; asks no AWS.")
        parser.add_argument("--region", help="Its SES region; with --as-if, else only claims in it are looked at.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            name = validated_name(options["name"]).ascii
        except InvalidDomainName as refusal:
            raise CommandError(refusal.message, returncode=USAGE) from refusal
        region = options["region"]
        if region and not can_receive(region):
            raise CommandError(f"Amazon SES receives no mail in {region}.", returncode=USAGE)
        if options["as_if"]:
            report = report_as_if(name=name, region=region or settings.SES_REGIONS[0])
            self._print(report)
            self._end(outcome_of(report.records))
            return
        claims = Domain.objects.live().filter(name=name).select_related("organization").order_by("pk")
        if region:
            claims = claims.filter(region=region)
        if not claims:
            sentence = f"{name} is not registered here. Add --as-if to judge its DNS all the same."
            raise CommandError(sentence, returncode=USAGE)
        outcomes = {self._check(domain) for domain in claims}
        self._end(Outcome.TO_DO if Outcome.TO_DO in outcomes else max(outcomes))

    def _check(self, domain: Domain) -> Outcome:
        remarks: list[str] = []
        try:
            domain = check_domain(domain=domain, actor="manage.py", now=timezone.now())
        except UpstreamRefusal as refusal:
            domain.refresh_from_db()
            remarks.append(f"Amazon SES could not be asked, its words are old: {refusal.message}")
        report = report_of(domain, remarks=remarks)
        self._print(report)
        if domain.status == Status.ACTIVE and not missing_required(domain, current_records(domain)):
            return Outcome.NOT_KNOWN if remarks else Outcome.RIGHT
        outcome = outcome_of([record for record in report.records if record.is_required])
        is_unseen = outcome is Outcome.NOT_KNOWN or (outcome is Outcome.RIGHT and bool(remarks))
        return Outcome.NOT_KNOWN if is_unseen else Outcome.TO_DO

    def _print(self, report: Report) -> None:
        for line in report_lines(report):
            self.stdout.write(line)
        self.stdout.write("")

    def _end(self, outcome: Outcome) -> None:
        if outcome is not Outcome.RIGHT:
            sys.exit(outcome)
