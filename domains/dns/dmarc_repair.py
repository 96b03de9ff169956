"""The DMARC record that was meant by one with mistakes (pure)."""

from __future__ import annotations

import re
from difflib import get_close_matches

from domains.dns.dmarc import MAILTO, POLICY_TAGS, REPORT_TAGS, REPORT_URI, STRENGTH, TAG_VALUES

# A tag wherever it begins: behind a semicolon, or behind whatever was typed instead of one.
TAG = re.compile(r"(?:^|[;,\s.])\s*(sp|np|p|adkim|aspf|pct|fo|ri|rf|t|psd|rua|ruf)\s*[=:]\s*", re.IGNORECASE)
ADDRESS = re.compile(r"[^@,!\s:]+@[A-Za-z0-9.-]+")
LONGEST = 4096
LONGEST_WORD = 20


def repair_dmarc(text: str, *, otherwise: str) -> str:
    """The record with what can be told of it; `otherwise` is the policy where its own can not be told.

    Of several policies the strongest is kept: the result is never weaker than what stands there.
    """
    tags: dict[str, str] = {}
    stripped = text[:LONGEST].strip("\"'\u201c\u201d ")
    starts = list(TAG.finditer(stripped))
    ends = [each.start() for each in starts[1:]] + [len(stripped)]
    for start, end in zip(starts, ends[: len(starts)], strict=True):
        name = start.group(1).lower()
        value = _meant(name, stripped[start.end() : end].strip(" ;,.\"'"))
        if value and (name not in tags or STRENGTH.get(value, -1) > STRENGTH.get(tags[name], 0)):
            tags[name] = value
    policy = tags.pop("p", otherwise)
    rest = [f"{name}={value}" for name, value in tags.items()]
    return "; ".join(["v=DMARC1", f"p={policy}", *rest]) + ("" if rest else ";")


def _meant(name: str, raw: str) -> str:
    """The value in its right spelling; empty where it can not be told."""
    if name in POLICY_TAGS:
        word = re.split(r"[\s;,]", raw.lower(), maxsplit=1)[0][:LONGEST_WORD]
        return next(iter(get_close_matches(word, STRENGTH, n=1, cutoff=0.75)), "")
    if name in REPORT_TAGS:
        uris = [_uri(part) for part in re.split(r"[,;\s]+", raw)]
        return ",".join(uri for uri in uris if uri)
    value = raw.split(";", 1)[0].strip()
    return value if TAG_VALUES[name][0].fullmatch(value) else ""


def _uri(text: str) -> str:
    if REPORT_URI.fullmatch(text):
        return text
    address = ADDRESS.search(text if not MAILTO.match(text) else text[len("mailto:") :])
    return f"mailto:{address.group()}" if address else ""
