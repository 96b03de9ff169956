"""Who receives mail for a name, told by its MX hosts (pure)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Provider:
    code: str
    name: str


# Ends of MX host names, as the providers' own set-up pages give them.
PROVIDERS: dict[str, Provider] = {
    "google.com": Provider("google", "Google Workspace"),
    "googlemail.com": Provider("google", "Google Workspace"),
    "mail.protection.outlook.com": Provider("microsoft", "Microsoft 365"),
    "mx.microsoft": Provider("microsoft", "Microsoft 365"),
    "zoho.com": Provider("zoho", "Zoho Mail"),
    "zoho.eu": Provider("zoho", "Zoho Mail"),
    "zoho.in": Provider("zoho", "Zoho Mail"),
    "messagingengine.com": Provider("fastmail", "Fastmail"),
    "protonmail.ch": Provider("proton", "Proton Mail"),
    "mail.icloud.com": Provider("icloud", "iCloud Mail"),
    "yandex.net": Provider("yandex", "Yandex Mail"),
    "yandex.ru": Provider("yandex", "Yandex Mail"),
    "mxhichina.com": Provider("alibaba", "Alibaba Mail"),
    "qq.com": Provider("tencent", "Tencent Exmail"),
    "mailgun.org": Provider("mailgun", "Mailgun"),
    "sendgrid.net": Provider("sendgrid", "SendGrid"),
    "inbound.postmarkapp.com": Provider("postmark", "Postmark"),
    "mimecast.com": Provider("mimecast", "Mimecast"),
    "pphosted.com": Provider("proofpoint", "Proofpoint"),
    "ppe-hosted.com": Provider("proofpoint", "Proofpoint Essentials"),
    "barracudanetworks.com": Provider("barracuda", "Barracuda"),
    "iphmx.com": Provider("cisco", "Cisco Secure Email"),
    "emailsrvr.com": Provider("rackspace", "Rackspace Email"),
    "secureserver.net": Provider("godaddy", "GoDaddy Email"),
    "registrar-servers.com": Provider("namecheap", "Namecheap forwarding"),
    "privateemail.com": Provider("privateemail", "Namecheap Private Email"),
    "gandi.net": Provider("gandi", "Gandi Mail"),
    "ovh.net": Provider("ovh", "OVHcloud Mail"),
    "kundenserver.de": Provider("ionos", "IONOS Mail"),
    "ionos.com": Provider("ionos", "IONOS Mail"),
    "mailbox.org": Provider("mailbox", "mailbox.org"),
    "tutanota.de": Provider("tuta", "Tuta"),
    "mx.cloudflare.net": Provider("cloudflare", "Cloudflare Email Routing"),
    "improvmx.com": Provider("improvmx", "ImprovMX"),
    "forwardemail.net": Provider("forwardemail", "Forward Email"),
    "migadu.com": Provider("migadu", "Migadu"),
    "hostinger.com": Provider("hostinger", "Hostinger Email"),
    "titan.email": Provider("titan", "Titan"),
    "awsapps.com": Provider("workmail", "Amazon WorkMail"),
}
SES = Provider("ses", "Amazon SES")
# WorkMail has these hosts too. Whatever else stands below amazonaws.com takes no mail, or is a customer's own machine.
SES_INBOUND_HOST = re.compile(r"inbound-smtp\.([a-z0-9-]+)\.amazonaws\.com")


def provider_of(mx_hosts: Sequence[str]) -> Provider | None:
    """The provider of the first host that is recognised; the longest end of a name decides."""
    for host in mx_hosts:
        name = host.rstrip(".").lower()
        if SES_INBOUND_HOST.fullmatch(name):
            return SES
        ends = [end for end in PROVIDERS if name == end or name.endswith("." + end)]
        if ends:
            return PROVIDERS[max(ends, key=len)]
    return None
