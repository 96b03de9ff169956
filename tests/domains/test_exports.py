"""Exports, read back by parsers that are not ours: the same records, whatever the zone."""

from __future__ import annotations

import csv
import io
import re

import dns.rdatatype
import dns.zone
import hcl2
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from domains.exports import as_bind, as_csv, as_octodns, as_terraform_cloudflare, as_terraform_route53
from domains.records import PlannedRecord, Purpose, required_records

Row = tuple[str, str, int | None, str]
ZONES = {
    "the apex": ("acme.example", "acme.example"),
    "a subdomain": ("mail.acme.example", "acme.example"),
    "below co.uk": ("shop.acme.co.uk", "acme.co.uk"),
    "a zone of its own": ("mail.acme.example", "mail.acme.example"),
    "an IDN": ("xn--mnchen-3ya.example", "xn--mnchen-3ya.example"),
}


def plan(domain: str) -> list[PlannedRecord]:
    records = required_records(
        name=domain,
        region="us-east-1",
        ownership_token="Abc+Def/123=",
        dkim_tokens=("t1", "t2", "t3"),
        dkim_zone="dkim.amazonses.com",
        dmarc_value="v=DMARC1; p=none;",
        is_receiving=True,
        mail_from_label="bounce",
        claim_token="abc",
    )
    return list(records)


def rows(records: list[PlannedRecord]) -> set[Row]:
    return {(record.type, record.name, record.priority, record.value) for record in records}


def read_bind(text: str, zone: str) -> set[Row]:
    found: set[Row] = set()
    parsed = dns.zone.from_text(text, origin=None, relativize=False, check_origin=False)
    for name, _, rdata in parsed.iterate_rdatas():
        owner = str(name).rstrip(".").lower()
        if rdata.rdtype == dns.rdatatype.MX:
            found.add(("MX", owner, rdata.preference, str(rdata.exchange).rstrip(".")))
        elif rdata.rdtype == dns.rdatatype.CNAME:
            found.add(("CNAME", owner, None, str(rdata.target).rstrip(".")))
        else:
            assert max(map(len, rdata.strings)) <= 255
            found.add(("TXT", owner, None, b"".join(rdata.strings).decode()))
    return found


def read_csv(text: str, zone: str) -> set[Row]:
    return {
        (row["type"], row["name"], int(row["priority"]) if row["priority"] else None, row["value"])
        for row in csv.DictReader(io.StringIO(text, newline=""))
    }


def hcl_text(literal: str) -> str:
    """A string literal of HCL as its text; the parser leaves quotes and escapes as they are."""
    inner = literal[1:-1] if literal.startswith('"') else literal
    return re.sub(r"\\(.)", r"\1", inner).replace("$${", "${").replace("%%{", "%{")


def resources(text: str) -> list[dict[str, object]]:
    parsed = hcl2.loads(text)
    return [body for block in parsed["resource"] for named in block.values() for body in named.values()]


def from_strings(text: str) -> str:
    """The strings of a TXT value, joined; escapes are three digits."""
    joined = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', text))
    return re.sub(rb"\\(\d{3})", lambda found: bytes([int(found[1])]), joined.encode()).decode()


def read_route53(text: str, zone: str) -> set[Row]:
    found: set[Row] = set()
    for resource in resources(text):
        type_, name = hcl_text(resource["type"]), hcl_text(resource["name"])
        for value in map(hcl_text, resource["records"]):
            if type_ == "MX":
                preference, host = value.split(" ")
                found.add((type_, name, int(preference), host))
            elif type_ == "TXT":
                found.add((type_, name, None, from_strings(f'"{value}"')))
            else:
                found.add((type_, name, None, value))
    return found


def read_cloudflare(text: str, zone: str) -> set[Row]:
    found: set[Row] = set()
    for resource in resources(text):
        type_, content = hcl_text(resource["type"]), hcl_text(resource["content"])
        assert resource["proxied"] is False
        value = from_strings(content) if type_ == "TXT" else content
        found.add((type_, hcl_text(resource["name"]), resource.get("priority"), value))
    return found


def read_octodns(text: str, zone: str) -> set[Row]:
    found: set[Row] = set()
    for host, sets in yaml.safe_load(text).items():
        name = f"{host}.{zone}" if host else zone
        for each in sets:
            if each["type"] == "CNAME":
                found.add(("CNAME", name, None, each["value"].rstrip(".")))
            for value in each.get("values", ()):
                if each["type"] == "MX":
                    found.add(("MX", name, value["preference"], value["exchange"].rstrip(".")))
                else:
                    found.add(("TXT", name, None, value.replace("\\;", ";")))
    return found


EXPORTS = {
    "bind": (as_bind, read_bind),
    "csv": (as_csv, read_csv),
    "terraform for Route 53": (as_terraform_route53, read_route53),
    "terraform for Cloudflare": (as_terraform_cloudflare, read_cloudflare),
    "octoDNS": (as_octodns, read_octodns),
}
each_export = pytest.mark.parametrize("export", EXPORTS)


@each_export
@pytest.mark.parametrize("case", ZONES)
def test_what_is_read_back_is_what_was_planned(export: str, case: str) -> None:
    write, read = EXPORTS[export]
    domain, zone = ZONES[case]
    assert read(write(plan(domain), zone), zone) == rows(plan(domain))


@each_export
@given(value=st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=700))
def test_any_text_comes_through(export: str, value: str) -> None:
    if export == "octoDNS" and "\\" in value:
        return
    if export.startswith("terraform") and ("${" in value or "%{" in value):
        # This parser does not know the escapes of templates; the next test does.
        return
    write, read = EXPORTS[export]
    record = PlannedRecord(Purpose.SPF, "TXT", "acme.example", value, None, False)
    assert read(write([record], "acme.example"), "acme.example") == rows([record])


def test_what_would_begin_a_template_is_escaped() -> None:
    """https://developer.hashicorp.com/terraform/language/expressions/strings#escape-sequences"""
    record = PlannedRecord(Purpose.SPF, "TXT", "acme.example", "v=spf1 exists:%{i}.x ${a} -all", None, False)
    assert "%%{i}" in as_terraform_route53([record], "acme.example")
    assert "$${a}" in as_terraform_cloudflare([record], "acme.example")


def test_names_in_a_zone_file_are_relative_to_its_zone() -> None:
    text = as_bind(plan("mail.acme.example"), "acme.example")
    assert "_amazonses.mail\t3600\tIN\tTXT" in text
    assert "mail\t3600\tIN\tMX\t10 inbound-smtp.us-east-1.amazonaws.com." in text
    assert "@\t3600\tIN\tMX\t10 inbound-smtp" in as_bind(plan("mail.acme.example"), "mail.acme.example")
