"""What Route 53 refuses and moto takes: a set made twice, or deleted as it is not; unquoted TXT; a misplaced CNAME."""

from __future__ import annotations

import io
import re
from typing import Any
from xml.etree import ElementTree

from sandbox.moto_stores import find_hosted_zone
from sandbox.wire import AwsProblem
from sandbox.zones import plain

QUOTED = re.compile(r'"(?:[^"\\]|\\.){0,255}"(?:\s+"(?:[^"\\]|\\.){0,255}")*')
Found = tuple[int, list[str]]  # TTL, values
PATH = re.compile(r"/2013-04-01/hostedzone/([^/]+)/rrset/?")


def check(environ: dict[str, Any]) -> None:
    """Raises AwsProblem InvalidChangeBatch; the body is put back for moto."""
    match = PATH.fullmatch(environ["PATH_INFO"])
    if match is None or environ["REQUEST_METHOD"] != "POST":
        return
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    zone = find_hosted_zone(match.group(1))
    if zone is None:
        return
    apex = plain(zone.name)
    there = {(plain(each.name), each.type): (int(each.ttl or 0), _values(each)) for each in zone.rrsets}
    for change in ElementTree.fromstring(body).iter():
        if not change.tag.endswith("}Change"):
            continue
        text = {each.tag.rpartition("}")[2]: (each.text or "") for each in change.iter()}
        values = [each.text or "" for each in change.iter() if each.tag.endswith("}Value")]
        found = (int(text.get("TTL") or 0), sorted(values))
        _refuse(text["Action"], plain(text["Name"]), text["Type"], found, apex, there)


def _values(rrset: Any) -> list[str]:
    return sorted(str(value["Value"] if isinstance(value, dict) else value) for value in rrset.records or ())


def _refuse(action: str, name: str, type_: str, found: Found, apex: str, there: dict[tuple[str, str], Found]) -> None:
    values = found[1]
    if action == "DELETE":
        if (name, type_) not in there:
            _invalid(f"Tried to delete resource record set [name='{name}.', type='{type_}'] but it was not found")
        if there.pop((name, type_)) != found:
            _invalid(
                f"Tried to delete resource record set [name='{name}.', type='{type_}'] "
                "but the values provided do not match the current values"
            )
        return
    if action == "CREATE" and (name, type_) in there:
        _invalid(f"Tried to create resource record set [name='{name}.', type='{type_}'] but it already exists")
    if type_ == "TXT" and not all(QUOTED.fullmatch(value.strip()) for value in values):
        _invalid(f"Invalid Resource Record: 'FATAL problem: InvalidCharacterString' encountered with {values}")
    others = {other for owner, other in there if owner == name} - {type_}
    if type_ == "CNAME" and (name == apex or others):
        _invalid(f"RRSet of type CNAME with DNS name {name}. is not permitted at apex or beside other types")
    if type_ != "CNAME" and (name, "CNAME") in there:
        _invalid(f"RRSet of type {type_} with DNS name {name}. is not permitted as a CNAME is there")
    there[(name, type_)] = found


def _invalid(message: str) -> None:
    raise AwsProblem("InvalidChangeBatch", message, 400)
