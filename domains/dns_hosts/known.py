"""DNS hosts by their name servers, and how the forms of the commonest call their fields (pure data)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """What a host's form calls its fields, and what it wants in them.

    An `apex` of "" is a field that is left empty; `needs_dot` is that a host name given as a value ends with a dot;
    where `has_priority_in_value` the priority of an MX stands in front of the host; `quotes_text` is that TXT values
    are typed in quotation marks.
    """

    where: str
    name: str
    txt_value: str
    cname_value: str
    mx_value: str
    priority: str = "Priority"
    apex: str = "@"
    needs_dot: bool = False
    has_priority_in_value: bool = False
    quotes_text: bool = False
    hint: str = ""


@dataclass(frozen=True)
class KnownHost:
    """A DNS host; `ends` are ends of its name servers' names, `pattern` is for those that an end does not tell."""

    code: str
    name: str
    ends: tuple[str, ...] = ()
    pattern: str = ""
    words: Words | None = None

    def serves(self, server: str) -> bool:
        if any(server == end or server.endswith("." + end) for end in self.ends):
            return True
        return bool(self.pattern) and re.fullmatch(self.pattern, server) is not None


PLAIN = Words(where="the DNS settings", name="Name", txt_value="Value", cname_value="Target", mx_value="Mail server")

CLOUDFLARE = Words(
    where="DNS > Records > Add record",
    name="Name",
    txt_value="Content",
    cname_value="Target",
    mx_value="Mail server",
    hint="Set the proxy status of every CNAME to DNS only, the grey cloud.",
)
ROUTE53 = Words(
    where="Route 53 > Hosted zones > the zone > Create record",
    name="Record name",
    txt_value="Value",
    cname_value="Value",
    mx_value="Value",
    apex="",
    has_priority_in_value=True,
    quotes_text=True,
    hint="A name holds one set of each type: if a TXT or MX record of the name is there, add a line to it.",
)
GODADDY = Words(
    where="Domain Portfolio > the domain > DNS > Add New Record",
    name="Name",
    txt_value="Value",
    cname_value="Value",
    mx_value="Value",
)
NAMECHEAP = Words(
    where="Domain List > Manage > Advanced DNS > Add New Record",
    name="Host",
    txt_value="Value",
    cname_value="Target",
    mx_value="Value",
    hint="MX records can be added once Mail Settings, on the same page, is set to Custom MX.",
)
SQUARESPACE = Words(
    where="Domains > the domain > DNS > Custom records > Add record",
    name="Host",
    txt_value="Data",
    cname_value="Data",
    mx_value="Data",
)
IONOS = Words(
    where="Domains & SSL > the domain > DNS > Add record",
    name="Host name",
    txt_value="Value",
    cname_value="Points to",
    mx_value="Points to",
)
HOSTINGER = Words(
    where="Domains > the domain > DNS / Nameservers > Manage DNS records",
    name="Name",
    txt_value="TXT value",
    cname_value="Target",
    mx_value="Mail server",
)
GANDI = Words(
    where="Domains > the domain > DNS Records > Add",
    name="Name",
    txt_value="Text value",
    cname_value="Hostname",
    mx_value="Hostname",
    needs_dot=True,
)
OVH = Words(
    where="Web Cloud > Domain names > the domain > DNS zone > Add an entry",
    name="Sub-domain",
    txt_value="Value",
    cname_value="Target",
    mx_value="Target",
    apex="",
    needs_dot=True,
)
DIGITALOCEAN = Words(
    where="Networking > Domains > the domain > Create new record",
    name="Hostname",
    txt_value="Value",
    cname_value="Is an alias of",
    mx_value="Mail providers mail server",
    needs_dot=True,
)
PORKBUN = Words(
    where="Domain Management > the domain > DNS",
    name="Host",
    txt_value="Answer / Value",
    cname_value="Answer / Value",
    mx_value="Answer / Value",
    apex="",
)
AZURE = Words(
    where="DNS zones > the zone > Recordsets > Add",
    name="Name",
    txt_value="Value",
    cname_value="Alias",
    mx_value="Mail exchange",
    priority="Preference",
    hint="A name holds one set of each type: if a TXT or MX record of the name is there, add a line to it.",
)
HETZNER = Words(
    where="DNS > the zone > Records > Add record",
    name="Name",
    txt_value="Value",
    cname_value="Value",
    mx_value="Mail server",
    needs_dot=True,
)

AWS_DNS = r"ns-\d+\.awsdns-\d+\.(?:com|net|org|co\.uk)"

KNOWN: tuple[KnownHost, ...] = (
    KnownHost("cloudflare", "Cloudflare", ("ns.cloudflare.com", "foundationdns.com"), words=CLOUDFLARE),
    KnownHost("route53", "Amazon Route 53", pattern=AWS_DNS, words=ROUTE53),
    KnownHost("godaddy", "GoDaddy", ("domaincontrol.com",), words=GODADDY),
    KnownHost("namecheap", "Namecheap", ("registrar-servers.com", "namecheaphosting.com"), words=NAMECHEAP),
    KnownHost("squarespace", "Squarespace", ("squarespacedns.com",), words=SQUARESPACE),
    KnownHost("ionos", "IONOS", pattern=r"ns\d+\.ui-dns\.(?:com|de|org|biz)", words=IONOS),
    KnownHost("hostinger", "Hostinger", ("dns-parking.com", "hostinger.com"), words=HOSTINGER),
    KnownHost("gandi", "Gandi", ("gandi.net",), words=GANDI),
    KnownHost("ovh", "OVHcloud", ("ovh.net", "ovh.ca", "anycast.me"), words=OVH),
    KnownHost("digitalocean", "DigitalOcean", ("digitalocean.com",), words=DIGITALOCEAN),
    KnownHost("porkbun", "Porkbun", ("ns.porkbun.com",), words=PORKBUN),
    KnownHost("azure", "Azure DNS", pattern=r"ns\d+-\d+\.azure-dns\.(?:com|net|org|info)", words=AZURE),
    KnownHost("hetzner", "Hetzner", ("ns.hetzner.com", "ns.hetzner.de", "first-ns.de", "second-ns.de"), words=HETZNER),
    # The same servers carry Google Cloud DNS and the domains that Google sold to Squarespace.
    KnownHost("google", "Google Cloud DNS or Squarespace", ("googledomains.com", "google.com")),
    KnownHost("akamai", "Akamai Edge DNS", ("akam.net",)),
    KnownHost("alibaba", "Alibaba Cloud DNS", ("alidns.com", "hichina.com")),
    KnownHost("aruba", "Aruba", ("technorail.com", "arubadns.net", "arubadns.cz")),
    KnownHost("bluehost", "Bluehost", ("bluehost.com",)),
    KnownHost("bunny", "bunny.net", ("bunny.net",)),
    KnownHost("cloudns", "ClouDNS", ("cloudns.net",)),
    KnownHost("constellix", "Constellix", ("constellix.com", "constellix.net")),
    KnownHost("cscglobal", "CSC", ("cscdns.net", "cscdns.uk")),
    KnownHost("desec", "deSEC", ("desec.io", "desec.org")),
    KnownHost("dnsmadeeasy", "DNS Made Easy", ("dnsmadeeasy.com",)),
    KnownHost("dnsimple", "DNSimple", ("dnsimple.com", "dnsimple-edge.com", "dnsimple-edge.net", "dnsimple-edge.org")),
    KnownHost("dnspod", "Tencent DNSPod", ("dnspod.net", "dnspod.com")),
    KnownHost("domeneshop", "Domeneshop", ("hyp.net",)),
    KnownHost("dreamhost", "DreamHost", ("dreamhost.com",)),
    KnownHost("dynadot", "Dynadot", ("dynadot.com",)),
    KnownHost("dyn", "Oracle Dyn", ("dynect.net",)),
    KnownHost("easydns", "easyDNS", ("easydns.com", "easydns.net", "easydns.org", "easydns.info")),
    KnownHost("enom", "Enom", ("name-services.com",)),
    KnownHost("fasthosts", "Fasthosts", ("livedns.co.uk",)),
    KnownHost("fastmail", "Fastmail", ("messagingengine.com",)),
    KnownHost("freedns", "FreeDNS", ("afraid.org",)),
    KnownHost("gcore", "Gcore", ("gcorelabs.net", "gcdn.services")),
    KnownHost("hostgator", "HostGator", ("hostgator.com",)),
    KnownHost("hover", "Hover", ("hover.com",)),
    KnownHost("huawei", "Huawei Cloud DNS", pattern=r"ns\d+\.(?:hwclouds|huaweicloud)-dns\.(?:com|net|cn|org)"),
    KnownHost("hurricane", "Hurricane Electric", ("he.net",)),
    KnownHost("infomaniak", "Infomaniak", ("infomaniak.ch", "infomaniak.com")),
    KnownHost("inwx", "INWX", ("inwx.de", "inwx.eu", "inwx.com", "inwx.ch", "inwx.at")),
    KnownHost("linode", "Akamai Linode", ("linode.com",)),
    KnownHost("loopia", "Loopia", ("loopia.se",)),
    KnownHost("markmonitor", "MarkMonitor", ("markmonitor.com", "markmonitor.zone")),
    KnownHost("name_com", "Name.com", ("name.com",)),
    KnownHost("namebright", "NameBright", ("namebrightdns.com",)),
    KnownHost("namesilo", "NameSilo", ("dnsowl.com", "namesilo.com")),
    KnownHost("netcup", "netcup", ("netcup.net",)),
    KnownHost("network_solutions", "Network Solutions", ("worldnic.com",)),
    KnownHost("ns1", "NS1 (also Netlify)", ("nsone.net",)),
    KnownHost("one_com", "one.com", ("one.com",)),
    KnownHost("oracle", "Oracle Cloud DNS", ("dns.oraclecloud.net",)),
    KnownHost("rackspace", "Rackspace", ("stabletransit.com", "rackspace.com")),
    KnownHost("reg_ru", "REG.RU", ("reg.ru",)),
    KnownHost("register365", "Register365", ("reg365.net",)),
    KnownHost("scaleway", "Scaleway", ("dom.scw.cloud",)),
    KnownHost("simply", "Simply.com", ("simply.com", "unoeuro.com")),
    KnownHost("siteground", "SiteGround", ("siteground.net", "siteground.eu")),
    KnownHost("spaceship", "Spaceship", ("spaceship.net",)),
    KnownHost("strato", "STRATO", ("rzone.de",)),
    KnownHost("transip", "TransIP", ("transip.net", "transip.nl", "transip.eu")),
    KnownHost("tucows", "Tucows OpenSRS", ("systemdns.com",)),
    KnownHost("ultradns", "UltraDNS", pattern=r".*\.ultradns\.(?:com|net|org|biz|info|co\.uk)"),
    KnownHost("vercel", "Vercel", ("vercel-dns.com",)),
    KnownHost("vultr", "Vultr", ("vultr.com",)),
    KnownHost("wedos", "WEDOS", ("wedos.com", "wedos.net", "wedos.eu", "wedos.cz")),
    KnownHost("wix", "Wix", ("wixdns.net",)),
    KnownHost("wordpress", "WordPress.com", ("wordpress.com",)),
    KnownHost("yandex", "Yandex", ("yandex.net", "yandexcloud.net")),
    KnownHost("123_reg", "123 Reg", ("123-reg.co.uk",)),
)


def known_host(name_servers: Sequence[str]) -> KnownHost | None:
    """The host of the first name server that is recognised."""
    for server in name_servers:
        name = server.rstrip(".").lower()
        found = next((host for host in KNOWN if host.serves(name)), None)
        if found is not None:
            return found
    return None
