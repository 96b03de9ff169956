"""The record plan in the languages of zone files and tools, relative to the zone that really holds the names (pure).

BIND: RFC 1035 section 5. Terraform: the providers `hashicorp/aws` and `cloudflare/cloudflare` 5. octoDNS: its YAML
source. TXT values are split into strings of at most 255 octets (RFC 1035 section 3.3.14).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence
from itertools import groupby

from domains.names import relative_name
from domains.records import PlannedRecord

LONGEST_STRING = 255

Export = Callable[[Sequence[PlannedRecord], str], str]


def txt_strings(value: str) -> list[bytes]:
    raw = value.encode()
    return [raw[start : start + LONGEST_STRING] for start in range(0, len(raw), LONGEST_STRING)] or [b""]


def quoted(raw: bytes) -> str:
    """A character-string of a zone file: quotes, backslashes and what is not printable are escaped."""
    plain = [chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\{byte:03d}" for byte in raw]
    return f'"{"".join(plain)}"'


def zone_data(record: PlannedRecord) -> str:
    """The value as a zone file has it: `10 host.`, `host.`, `"text" "more"`."""
    if record.type == "TXT":
        return " ".join(map(quoted, txt_strings(record.value)))
    host = f"{record.value.rstrip('.')}."
    return host if record.priority is None else f"{record.priority} {host}"


def as_bind(records: Sequence[PlannedRecord], zone: str) -> str:
    lines = [f"$ORIGIN {zone}."]
    for record in records:
        lines.append(f"{relative_name(record.name, zone)}\t{record.ttl}\tIN\t{record.type}\t{zone_data(record)}")
    return "\n".join(lines) + "\n"


def as_csv(records: Sequence[PlannedRecord], zone: str) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("type", "name", "host", "value", "priority", "ttl", "purpose", "required"))
    for record in records:
        writer.writerow(
            (
                record.type,
                record.name,
                relative_name(record.name, zone),
                record.value,
                "" if record.priority is None else record.priority,
                record.ttl,
                record.purpose.value,
                str(record.is_required).lower(),
            )
        )
    return text.getvalue()


def as_terraform_route53(records: Sequence[PlannedRecord], zone: str) -> str:
    """One resource a name and type, since Route 53 holds sets; the zone is looked up by its name."""
    blocks = [f'data "aws_route53_zone" "this" {{\n  name = {hcl(zone + ".")}\n}}']
    for (name, type_), members in _sets(records):
        values = ", ".join(hcl(_route53_value(record)) for record in members)
        blocks.append(
            f'resource "aws_route53_record" "{_label(name, type_)}" {{\n'
            f"  zone_id = data.aws_route53_zone.this.zone_id\n"
            f"  name    = {hcl(name)}\n"
            f"  type    = {hcl(type_)}\n"
            f"  ttl     = {members[0].ttl}\n"
            f"  records = [{values}]\n}}"
        )
    return "\n\n".join(blocks) + "\n"


def _route53_value(record: PlannedRecord) -> str:
    """The provider puts the outer quotes around a TXT value itself; the inner ones divide its strings."""
    if record.type != "TXT":
        return zone_data(record).rstrip(".")
    return zone_data(record)[1:-1].replace('" "', '""')


def as_terraform_cloudflare(records: Sequence[PlannedRecord], zone: str) -> str:
    blocks = [f'data "cloudflare_zone" "this" {{\n  filter = {{\n    name = {hcl(zone)}\n  }}\n}}']
    labels: set[str] = set()
    for record in records:
        label = _label(record.name, record.type)
        while label in labels:
            label += "_more"
        labels.add(label)
        content = zone_data(record) if record.type == "TXT" else record.value.rstrip(".")
        lines = [
            f'resource "cloudflare_dns_record" "{label}" {{',
            "  zone_id = data.cloudflare_zone.this.zone_id",
            f"  name    = {hcl(record.name)}",
            f"  type    = {hcl(record.type)}",
            f"  ttl     = {record.ttl}",
            f"  content = {hcl(content)}",
            "  proxied = false",
        ]
        if record.priority is not None:
            lines.append(f"  priority = {record.priority}")
        blocks.append("\n".join([*lines, "}"]))
    return "\n\n".join(blocks) + "\n"


def hcl(text: str) -> str:
    """A quoted string of HCL, in which `${` and `%{` begin templates."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("${", "$${").replace("%{", "%%{")
    return f'"{escaped}"'


def _label(name: str, type_: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", f"{type_.lower()}_{name}")


def as_octodns(records: Sequence[PlannedRecord], zone: str) -> str:
    """A zone file of octoDNS, to be merged into the zone's own; the empty key is the apex."""
    lines = ["---"]
    by_name = [(host, list(sets)) for host, sets in groupby(_sets(records), key=lambda each: each[0][0])]
    for name, sets in sorted(by_name, key=lambda each: relative_name(each[0], zone)):
        host = relative_name(name, zone)
        lines.append(f"{yaml('' if host == '@' else host)}:")
        for (_, type_), members in sets:
            lines += [f"- type: {type_}", f"  ttl: {members[0].ttl}", *_octodns_values(type_, members)]
    return "\n".join(lines) + "\n"


def _octodns_values(type_: str, members: Sequence[PlannedRecord]) -> list[str]:
    if type_ == "CNAME":
        return [f"  value: {yaml(members[0].value.rstrip('.') + '.')}"]
    lines = ["  values:"]
    for record in members:
        if type_ == "MX":
            exchange = yaml(record.value.rstrip(".") + ".")
            lines += [f"  - exchange: {exchange}", f"    preference: {record.priority}"]
        else:
            # octoDNS wants semicolons escaped, and splits long values itself.
            lines.append("  - " + yaml(record.value.replace(";", "\\;")))
    return lines


def yaml(text: str) -> str:
    """A single-quoted scalar: nothing in it is special but the quote."""
    return "'" + text.replace("'", "''") + "'"


def _sets(records: Sequence[PlannedRecord]) -> list[tuple[tuple[str, str], list[PlannedRecord]]]:
    """By name and type, in the order of names."""
    ordered = sorted(records, key=lambda record: (record.name, record.type))
    return [(key, list(members)) for key, members in groupby(ordered, key=lambda record: (record.name, record.type))]


FORMATS: dict[str, tuple[Export, str, str]] = {
    "bind": (as_bind, "text/dns", "zone"),
    "terraform-route53": (as_terraform_route53, "text/plain", "tf"),
    "terraform-cloudflare": (as_terraform_cloudflare, "text/plain", "tf"),
    "octodns": (as_octodns, "application/yaml", "yaml"),
    "csv": (as_csv, "text/csv", "csv"),
}
"""By name: the export, its media type (RFC 4027 for zone files) and the ending of a file's name."""
