"""SPF and DMARC as people mistype them: texts that look like a record and are none, and tags that nobody reads."""

from __future__ import annotations

from tests.domains.zone_stories import Story


def at_apex(text: str) -> str:
    return f'@ 60 IN TXT "{text}"\n'


def at_dmarc(text: str) -> str:
    return f'_dmarc 60 IN TXT "{text}"\n'


NO_SPF = {
    "No space behind the version": "v=spf1include:amazonses.com ~all",
    "A space in the version": "v=spf 1 include:amazonses.com ~all",
    "The version without its v=": "spf1 include:amazonses.com ~all",
    "A version that does not exist": "v=SPF2 include:amazonses.com ~all",
    "The version without its number": "v=spf include:amazonses.com ~all",
    "A version of ten": "v=spf10 include:amazonses.com ~all",
    "Semicolons as in DMARC": "v=spf1\\; include:amazonses.com\\; ~all",
    "A comma behind the version": "v=spf1, include:amazonses.com, ~all",
    "Spaces around the equals sign": "v = spf1 include:amazonses.com ~all",
    "A colon in place of the equals sign": "v:spf1 include:amazonses.com ~all",
    "Letters of the version changed over": "v=sfp1 include:amazonses.com ~all",
    "No version at all": "include:amazonses.com ~all",
    "A no-break space behind the version": "v=spf1\\194\\160include:amazonses.com ~all",
    "The all run into the version": "v=spf1-all",
}
BAD_SPF = {
    "A space behind include:": "v=spf1 include: amazonses.com ~all",
    "Commas between the terms": "v=spf1 include:amazonses.com, include:ip.mailer.test ~all",
    "An en dash before the all": "v=spf1 include:amazonses.com \\226\\128\\147all",
    "ip: in place of ip4:": "v=spf1 ip:192.0.2.1 include:amazonses.com ~all",
    "IPv4 written out": "v=spf1 ipv4:192.0.2.1 include:amazonses.com ~all",
    "An IPv6 address as ip4": "v=spf1 ip4:2001:db8::1 include:amazonses.com ~all",
    "include names nothing": "v=spf1 include: ~all",
    "A word in plain language": "v=spf1 include:amazonses.com ~all please",
    "An include without a dot": "v=spf1 include:amazonses ~all",
    "A mail address as include": "v=spf1 include:amazonses.com include:sales@acme ~all",
}
NO_DMARC = {
    "The policy without its version": "p=none",
    "No semicolon behind the version": "v=DMARC1 p=none",
    "A comma in place of the semicolon": "v=DMARC1, p=none",
    "A version of two": "v=DMARC2\\; p=none",
    "The version without its number": "v=DMARC\\; p=none",
    "The version without its v=": "DMARC1\\; p=reject",
    "A backslash before the semicolon": "v=DMARC1\\\\\\; p=none",
    "A space in the version": "v=DMARC 1\\; p=none",
    "V in capitals": "V=DMARC1\\; p=none",
    "An empty policy": "v=DMARC1\\;p=",
    "The version alone": "v=DMARC1",
    "A policy of another product": "v=DMARC1\\; p=block",
    "A colon behind p": "v=DMARC1\\; p:none",
    "No semicolon behind the policy": "v=DMARC1\\; p=none rua=mailto:a@acme.example",
    "A bad policy for subdomains": "v=DMARC1\\; p=none\\; sp=monitor",
    "A bad policy for names that do not exist": "v=DMARC1\\; p=none\\; np=maybe",
}
# The policy counts; a part of the record does not, and receivers pass over it (RFC 9989 section 4.7).
PASSED_OVER = {
    "A report address without mailto:": "v=DMARC1\\; p=none\\; rua=dmarc@acme.example",
    "A space behind mailto:": "v=DMARC1\\; p=none\\; rua=mailto: dmarc@acme.example",
    "A mailto: without an address": "v=DMARC1\\; p=none\\; rua=mailto:",
    "A share that is no number": "v=DMARC1\\; p=quarantine\\; pct=abc",
    "A share above a hundred": "v=DMARC1\\; p=quarantine\\; pct=200",
    "An alignment that does not exist": "v=DMARC1\\; p=reject\\; adkim=x",
    "Alignment in words": "v=DMARC1\\; p=reject\\; aspf=strict",
    "Two report addresses with a semicolon": "v=DMARC1\\; p=none\\; rua=mailto:a@acme.example\\;mailto:b@acme.example",
}

BROKEN_POLICIES = (
    *(Story(story, "spf", "spf_syntax", at_apex(text)) for story, text in {**NO_SPF, **BAD_SPF}.items()),
    *(Story(story, "dmarc", "dmarc_syntax", at_dmarc(text)) for story, text in {**NO_DMARC, **PASSED_OVER}.items()),
    Story(
        "An include without an SPF record before ours",
        "spf",
        "spf_syntax",
        at_apex("v=spf1 include:gone.mailer.test include:amazonses.com ~all"),
    ),
    Story(
        "An include with a broken SPF record before ours",
        "spf",
        "spf_syntax",
        at_apex("v=spf1 include:bad.acme.example include:amazonses.com ~all")
        + 'bad 60 IN TXT "v=spf1 ip4:300.0.0.1 -all"\n',
    ),
    Story(
        "SPF of a subdomain in the old record type",
        "spf",
        "wrong_type",
        'mail 60 IN SPF "v=spf1 include:amazonses.com ~all"\nmail 60 IN A 192.0.2.1\n',
        domain="mail.acme.example",
    ),
    Story(
        "SPF that includes itself before us",
        "spf",
        "spf_too_many_lookups",
        at_apex("v=spf1 include:acme.example include:amazonses.com -all"),
    ),
    Story(
        "SPF that comes back to itself before us",
        "spf",
        "spf_too_many_lookups",
        at_apex("v=spf1 include:loop.mailer.test include:amazonses.com -all"),
    ),
    Story("SPF in the old record type", "spf", "wrong_type", '@ 60 IN SPF "v=spf1 include:ama" "zonses.com ~all"\n'),
    Story("SPF with an include of a neighbour alone", "spf", "spf_missing_include", at_apex("v=spf1 mx a -all")),
    Story(
        "SPF that redirects away",
        "spf",
        "spf_missing_include",
        at_apex("v=spf1 redirect=ip.mailer.test"),
    ),
    Story(
        "SPF where an all hides the redirect",
        "spf",
        "spf_missing_include",
        at_apex("v=spf1 ?all redirect=spf.mailer.test"),
    ),
    Story(
        "A byte order mark before the version",
        "spf",
        "quoted_value",
        at_apex("\\239\\187\\191v=spf1 include:amazonses.com ~all"),
    ),
    Story("Sender ID and no SPF", "spf", "not_published", at_apex("spf2.0/pra include:amazonses.com -all")),
    Story("A verification that only speaks of SPF", "spf", "not_published", at_apex("spf-check=on")),
    Story(
        "The subdomain has a broken policy below a good one",
        "dmarc",
        "dmarc_syntax",
        '_dmarc 60 IN TXT "v=DMARC1\\; p=reject"\n_dmarc.mail 60 IN TXT "p=none"\n',
        domain="mail.acme.example",
    ),
    Story(
        "A policy above that is itself broken", "dmarc", "not_published", at_dmarc("p=none"), domain="mail.acme.example"
    ),
    Story("Some other text at _dmarc", "dmarc", "not_published", at_dmarc("hello")),
    Story(
        "Three DMARC records",
        "dmarc",
        "dmarc_duplicate",
        "".join(at_dmarc(f"v=DMARC1\\; p={p}") for p in ("none", "reject", "quarantine")),
    ),
)

VALID_POLICIES = (
    Story("SPF that redirects to us", "spf", "", at_apex("v=spf1 redirect=amazonses.com")),
    Story(
        "SPF that includes itself behind us",
        "spf",
        "",
        at_apex("v=spf1 include:amazonses.com include:acme.example -all"),
    ),
    Story(
        "A broken look-alike beside a good SPF record",
        "spf",
        "",
        at_apex("v=spf1 include:amazonses.com ~all") + at_apex("spf1 mx -all"),
    ),
    Story("Sender ID beside SPF", "spf", "", at_apex("v=spf1 include:amazonses.com ~all") + at_apex("spf2.0/pra -all")),
    Story(
        "The old record type beside the right one",
        "spf",
        "",
        at_apex("v=spf1 include:amazonses.com ~all") + '@ 60 IN SPF "v=spf1 mx -all"\n',
    ),
    Story("Our include with a dot at its end", "spf", "", at_apex("v=spf1 include:amazonses.com. ~all")),
    Story("Our include with a plus", "spf", "", at_apex("v=spf1 +include:AmazonSES.com -all")),
    Story("No all at the end", "spf", "", at_apex("v=spf1 include:amazonses.com")),
    Story("Two spaces between terms", "spf", "", at_apex("v=spf1  include:amazonses.com   -all ")),
    Story("An explanation", "spf", "", at_apex("v=spf1 include:amazonses.com -all exp=why.acme.example")),
    Story("IPv6 senders beside us", "spf", "", at_apex("v=spf1 ip6:2001:db8::/32 include:amazonses.com -all")),
    Story(
        "An include without a record behind ours",
        "spf",
        "",
        at_apex("v=spf1 include:amazonses.com include:gone.mailer.test ~all"),
    ),
    Story(
        "SPF at a TXT name that leads on",
        "spf",
        "",
        'mail 60 IN CNAME other\nother 60 IN TXT "v=spf1 include:amazonses.com ~all"\n',
        domain="mail.acme.example",
    ),
    Story("DMARC in two strings", "dmarc", "", '_dmarc 60 IN TXT "v=DMARC1\\; p=qua" "rantine"\n'),
    Story(
        "Every tag there is",
        "dmarc",
        "",
        at_dmarc(
            "v=DMARC1\\; p=reject\\; sp=none\\; np=reject\\; adkim=s\\; aspf=r\\; pct=100\\; fo=1:d:s\\; rf=afrf\\; "
            "ri=86400\\; t=n\\; psd=n"
        ),
    ),
    Story("A tag that nobody knows", "dmarc", "", at_dmarc("v=DMARC1\\; p=none\\; colour=blue")),
    Story("The policy in capitals", "dmarc", "", at_dmarc("v=DMARC1\\; P=REJECT")),
    Story("Two semicolons", "dmarc", "", at_dmarc("v=DMARC1\\;\\; p=none\\;\\;")),
    Story(
        "Two report addresses",
        "dmarc",
        "",
        at_dmarc("v=DMARC1\\; p=none\\; rua=mailto:a@acme.example, mailto:b@acme.example"),
    ),
    Story(
        "Another product's text at _dmarc",
        "dmarc",
        "",
        at_dmarc("v=DMARC1\\; p=none") + at_dmarc("dmarc-verification=abc"),
    ),
    Story("Inherited through two levels", "dmarc", "", at_dmarc("v=DMARC1\\; p=reject"), domain="a.mail.acme.example"),
    Story(
        "_dmarc leads to a service outside",
        "dmarc",
        "",
        "_dmarc 60 IN CNAME acme.policies.mailer.test.\n",
        world={"policies.mailer.test.": '@ 60 IN SOA a. b. 1 60 60 60 60\nacme 60 IN TXT "v=DMARC1\\; p=none"\n'},
    ),
)
