"""Texts that were meant as SPF records: how they are told, and the record that was meant (pure)."""

from __future__ import annotations

import re

from domains.dns.spf import VERSION, is_spf, parse_spf

# What only an SPF record has; the version before it may be missing or run into it.
TERM = re.compile(r"(?:include|ip[46]|exists)\s*[:=]|redirect\s*=|(?<![A-Za-z0-9])[~+?-]all\b", re.IGNORECASE)
VERSION_SIGN = re.compile(r"\W*v\W{0,3}s[pf]{2}", re.IGNORECASE)
ANY_VERSION = re.compile(r"\W*(?:v\W{0,3})?s[pf]{2}(?:[\s._-]?v?\d+(?:\.\d+)?)?[^\w~+?-]*", re.IGNORECASE)
NO_VERSION = re.compile(r"[\W_]*(?:include|ip[46]|exists|redirect)\b|[\W_]*v\W", re.IGNORECASE)
# Without quotation marks in a zone file the terms run into one another; no top-level domain ends like this.
GLUED_ALL = re.compile(r"(\.[a-z0-9]+|\b(?:a|mx))([~?+-]all)$", re.IGNORECASE)
# RFC 4406: a record of its own beside SPF.
SENDER_ID = re.compile(r"\s*spf2\.0/", re.IGNORECASE)
MISSPELT = (
    (re.compile(r"^([+?~-]?)(?:includ|inlcude|incldue|inclued|incude|includes)(?=[:=])", re.IGNORECASE), r"\1include"),
    (re.compile(r"^([+?~-]?)(?:ip|ipv4)(?=[:=]\d)", re.IGNORECASE), r"\1ip4"),
    (re.compile(r"^([+?~-]?)ipv6(?=[:=])", re.IGNORECASE), r"\1ip6"),
    (re.compile(r"^([+?~-]?)(include|ip[46]|exists|a|mx)=", re.IGNORECASE), r"\1\2:"),
    (re.compile(r"^redirect:", re.IGNORECASE), "redirect="),
    (re.compile(r"^[\u2010-\u2015\u2212]all$", re.IGNORECASE), "-all"),
)


def looks_like_spf(text: str) -> bool:
    """No SPF record to a receiver, and meant as one all the same."""
    if is_spf(text) or SENDER_ID.match(text):
        return False
    if VERSION_SIGN.match(text):
        return True
    return bool(TERM.search(text) and (ANY_VERSION.match(text) or NO_VERSION.match(text)))


def repair_spf(text: str) -> str | None:
    """The record that was meant; None where that can not be told, as with a wrong address."""
    rest = ANY_VERSION.sub("", text, count=1) if ANY_VERSION.match(text) else text
    rest = re.sub(r"((?:include|ip[46]|exists)[:=])\s+", r"\1", re.sub(r"[\s,;\"'\u200b\ufeff]+", " ", rest))
    rest = GLUED_ALL.sub(r"\1 \2", rest.strip())
    words = [_spelt(word) for word in rest.split() if not word.lower().startswith("v=")]
    record = " ".join([VERSION, *words])
    return None if parse_spf(record).errors else record


def _spelt(word: str) -> str:
    for wrong, right in MISSPELT:
        word = wrong.sub(right, word)
    return word
