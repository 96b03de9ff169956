"""What the DNS of a name says today: who gets its mail, its SPF and DMARC, and what to make of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.errors import Refusal
from accounts.permissions import CREATE
from dashboard.access import MemberRequest, member_page
from domains.dns.dmarc import parse_dmarc
from domains.dns.spf import MOST_LOOKUPS
from domains.dns.spf_cost import MOST_VOID_LOOKUPS
from domains.dns.summary import Part, part_of
from domains.export_plan import SPF_REFUSALS
from domains.facts import inbound_host_of
from domains.mail_choices import Choice, mail_choices, mail_today_sentence
from domains.mail_from import PROPOSED_LABEL, mail_from_of, use_mail_from
from domains.models import Domain
from domains.registration import access_domain


@dataclass(frozen=True)
class Term:
    """A term of the SPF record, and the look-ups that it and all it leads to take."""

    text: str
    lookups: int


@dataclass(frozen=True)
class Policy:
    """`proposed` is empty where nothing is to be changed, `remark` says why or what to mind."""

    current: str
    proposed: str
    remark: str


@dataclass(frozen=True)
class DnsToday:
    mail: str
    choices: tuple[Choice, ...]
    spf: Policy | None
    spf_lookups: str
    spf_terms: tuple[Term, ...]
    dmarc: Policy | None
    mail_from: str
    mail_from_status: str
    mail_from_offer: str
    is_budget_gone: bool

    @property
    def has_anything(self) -> bool:
        return bool(self.mail or self.spf or self.dmarc)


def dns_today(domain: Domain) -> DnsToday:
    """Made from what the last look left in `dns_summary`; empty before the first."""
    summary: Mapping[str, Part] = domain.dns_summary
    mail, spf, dmarc = (part_of(summary, key) for key in ("mail_today", "spf", "dmarc"))
    is_receiving = domain.is_receiving and bool(mail)
    host = inbound_host_of(domain)
    mail_from = mail_from_of(domain)
    return DnsToday(
        mail=mail_today_sentence(mail) if is_receiving else "",
        choices=mail_choices(domain.name, mail, inbound_host=host) if is_receiving else (),
        spf=_spf(spf),
        spf_lookups=_lookups(spf),
        spf_terms=_terms(spf),
        dmarc=_dmarc(domain, dmarc, mail),
        mail_from=mail_from,
        mail_from_status=domain.mail_from_status,
        mail_from_offer="" if mail_from or not domain.identity_is_ours else f"{PROPOSED_LABEL}.{domain.name}",
        is_budget_gone=spf.get("refusal") == "too_many_lookups",
    )


def what_moving_ends(domain: Domain) -> tuple[Choice, ...]:
    """The choices of whoever sets the MX record, where another gets the name's mail today; else none."""
    mail = part_of(domain.dns_summary, "mail_today")
    if not domain.is_receiving or not mail:
        return ()
    choices = mail_choices(domain.name, mail, inbound_host=inbound_host_of(domain))
    return choices if len(choices) > 1 else ()


def _spf(spf: Part) -> Policy | None:
    if not spf:
        return None
    current, proposed = str(spf.get("current") or ""), str(spf.get("proposed") or "")
    refusal = str(spf.get("refusal") or "")
    if refusal:
        words = SPF_REFUSALS[refusal]
        return Policy(current, "", f"{words[0].upper()}{words[1:]}.")
    if proposed and proposed != current:
        return Policy(current, proposed, _remark_on(current))
    return Policy(current, "", "")


def _remark_on(current: str) -> str:
    if not current:
        return ""
    if "\n" in current:
        return _("None of several SPF records counts: put this one in the place of them all.")
    return _("Amazon SES is added and nothing is taken out: who may send today still may.")


def _lookups(spf: Part) -> str:
    if not spf.get("current") or spf.get("refusal") == "several":
        return ""
    return _("It takes %(lookups)s of %(most)s look-ups, and %(voids)s of %(most_voids)s that find nothing.") % {
        "lookups": spf.get("lookups"),
        "most": MOST_LOOKUPS,
        "voids": spf.get("void_lookups"),
        "most_voids": MOST_VOID_LOOKUPS,
    }


def _terms(spf: Part) -> tuple[Term, ...]:
    """The dearest first."""
    found = spf.get("by_term")
    terms = [Term(str(each["term"]), int(each["lookups"])) for each in found] if isinstance(found, list) else []
    return tuple(sorted(terms, key=lambda term: -term.lookups))


def _dmarc(domain: Domain, dmarc: Part, mail: Part) -> Policy | None:
    if not dmarc:
        return None
    current, proposed = str(dmarc.get("current") or ""), str(dmarc.get("proposed") or "")
    above = dmarc.get("inherited_from")
    if above:
        return Policy(
            current, "", _("It is the policy of %(above)s, which holds for this name as well.") % {"above": above}
        )
    if not proposed or proposed == current:
        return Policy(current, "", "")
    is_strict = parse_dmarc(proposed).policy in ("quarantine", "reject")
    others = _other_senders(domain, mail)
    if is_strict and others:
        words = _(
            "It also holds for the mail that %(others)s sends for this name. Begin with p=none until that passes."
        )
        return Policy(current, proposed, words % {"others": others})
    return Policy(current, proposed, "")


def _other_senders(domain: Domain, mail: Part) -> str:
    """Whoever gets the name's mail today surely sends for it too."""
    hosts = mail.get("hosts")
    others: Sequence[object] = hosts if isinstance(hosts, list) else []
    is_elsewhere = any(host != inbound_host_of(domain) for host in others)
    return str(mail.get("name")) if is_elsewhere else ""


@require_POST
@member_page(CREATE)
def set_mail_from(request: MemberRequest, public_id: str) -> HttpResponseBase:
    """Use a MAIL FROM subdomain, or none where the field is empty."""
    domain = access_domain(organization=request.organization, public_id=public_id)
    try:
        changed = use_mail_from(
            domain=domain, label=request.POST.get("mail_from", ""), actor=request.user.email, now=timezone.now()
        )
    except Refusal as refusal:
        messages.error(request, refusal.message)
    else:
        wanted = mail_from_of(changed)
        if wanted:
            messages.success(
                request, _("Publish the two records of %(name)s; mail is then sent under it.") % {"name": wanted}
            )
        else:
            messages.success(request, _("Mail is sent under Amazon SES’s own return path again."))
    return redirect("dashboard:domain", public_id=public_id)
