"""The DNS hosts that records can be written at: one module and one line here for each."""

from __future__ import annotations

from domains.dns_hosts.cloudflare import Cloudflare
from domains.dns_hosts.host import DnsHost
from domains.dns_hosts.route53 import Route53

HOSTS: dict[str, DnsHost] = {host.key: host for host in (Route53(), Cloudflare())}
