"""The DMARC record that was meant by one with mistakes (pure)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches

from domains.dns.dmarc import MAILTO, POLICY_TAGS, REPORT_TAGS, REPORT_URI, STRENGTH, TAG_VALUES, parse_dmarc

ANY_VERSION = re.compile(r"\W*(?:v\W{0,3})?dmarc\W{0,2}\d*\W*", re.IGNORECASE)
# A tag wherever it begins: behind a semicolon, or whatever was typed instead of one; without quotation marks in a zone
# file the parts of the text run into one another.
TAG = re.compile(
    r"(?:^|[;,\s.]|(?<=none)|(?<=quarantine)|(?<=reject))\s*(sp|np|p|adkim|aspf|pct|fo|ri|rf|t|psd|rua|ruf)\s*[=:]\s*",
    re.IGNORECASE,
)
ADDRESS = re.compile(r"[^@,!\s:]+@[A-Za-z0-9.-]+")
# What a record says without the tag (RFC 7489 section 6.3, RFC 9989 section 4.7).
DEFAULTS = {"pct": "100", "t": "n", "adkim": "r", "aspf": "r"}
ORDER = ("sp", "np", *REPORT_TAGS, *TAG_VALUES)
LONGEST = 4096
LONGEST_WORD = 20


def repair_dmarc(text: str, *, otherwise: str) -> str:
    """The record with what can be told of it; `otherwise` is the policy where its own can not be told.

    Of several policies the strongest is kept: the result is never weaker than what stands there.
    """
    tags: dict[str, str] = {}
    stripped = text[:LONGEST].strip("\"'\u201c\u201d ")
    version = ANY_VERSION.match(stripped)
    stripped = stripped[version.end() :] if version else stripped
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


def merge_dmarc(texts: Sequence[str], *, otherwise: str) -> str:
    """One record in the place of several: the strongest policies and alignment, and the reports of all.

    How far a policy is in force (`pct`, `t`) is as the records with that policy say; the rest is from the first that
    has it. A name server gives the records in any order, and the result is the same for each.
    """
    found = [parse_dmarc(repair_dmarc(text, otherwise="")) for text in sorted(texts)]
    policy = _strongest([each.policy for each in found]) or otherwise
    merged = {name: value for each in reversed(found) for name, value in each.tags.items() if name not in ("v", "p")}
    below = {
        "sp": _strongest([each.subdomain_policy for each in found]),
        "np": _strongest([each.tags.get("np", each.subdomain_policy) for each in found]),
    }
    is_needed = {"sp": below["sp"] != policy, "np": below["np"] != below["sp"]}
    merged |= {name: value for name, value in below.items() if is_needed[name]}
    leading = [each.tags for each in found if each.policy == policy]
    merged["pct"] = str(max((int(tags.get("pct", "100")) for tags in leading), default=100))
    merged["t"] = "y" if leading and all(tags.get("t", "n").lower() == "y" for tags in leading) else "n"
    for name in ("adkim", "aspf"):
        merged[name] = "s" if any(each.tags.get(name, "r").lower() == "s" for each in found) else "r"
    for name in REPORT_TAGS:
        uris = [uri.strip() for each in found for uri in each.tags.get(name, "").split(",")]
        merged[name] = _joined(uris)
    said = [
        name for name, value in merged.items() if value and DEFAULTS.get(name) != value and is_needed.get(name, True)
    ]
    rest = [f"{name}={merged[name]}" for name in ORDER if name in said]
    return "; ".join(["v=DMARC1", f"p={policy}", *rest]) + ("" if rest else ";")


def _joined(uris: Sequence[str]) -> str:
    """Each once, as many as one record has room for."""
    joined = ""
    for uri in dict.fromkeys(filter(None, uris)):
        longer = f"{joined},{uri}".lstrip(",")
        joined = longer if len(longer) <= LONGEST else joined
    return joined


def _strongest(policies: Sequence[str]) -> str:
    return max(policies, key=lambda policy: STRENGTH.get(policy, -1), default="")


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
