"""Records in the wrong place or of the wrong type, with subdomains, apexes, delegations and wildcards beside."""

from __future__ import annotations

from tests.domains.zone_stories import CF, DKIM, GOOD, MX, OWNER, SOA, TOKEN, Story

SUB = "mail.acme.example"
IDN = "xn--bcher-kva.acme.example"
TARGET = "tok0.dkim.amazonses.com."
TXT_TOKEN = f'60 IN TXT "{TOKEN}"\n'
CLAIM_TOKEN = "60 IN TXT postern-verify=abcdef0123456789\n"
FEEDBACK = "60 IN MX 10 feedback-smtp.us-east-1.amazonses.com.\n"
INBOUND = "60 IN MX 10 inbound-smtp.us-east-1.amazonaws.com.\n"
OWN_ZONE = "mail 60 IN NS ns1.nic.example.\n"
SUB_ZONE = SOA + "@ 60 IN NS ns1.nic.example.\n"

KEYS = "_domainkey 60 IN NS ns1.nic.example.\n"


def keys(text: str) -> dict[str, str]:
    return {"_domainkey.acme.example.": SUB_ZONE + text}


TO_NS4 = "acme 60 IN NS ns4.nic.example.\n"

BROKEN_PLACES = (
    # The way to the zone
    *(
        Story(f"The name is not registered, asked for {record}", record, "not_delegated", GOOD, registry="")
        for record in ("owner", "mx", "spf", "dmarc", "dkim", "claim")
    ),
    Story(
        "The name has expired, asked for a subdomain's token", "owner", "not_delegated", GOOD, registry="", domain=SUB
    ),
    *(
        Story(f"Edited at the host before last, asked for {record}", record, "wrong_nameservers", GOOD, registry=TO_NS4)
        for record in ("owner", "mx", "spf", "dmarc", "dkim", "claim")
    ),
    Story(
        "Edited at the host before last, and the one that counts has Google's MX",
        "mx",
        "wrong_nameservers",
        GOOD,
        registry=TO_NS4,
        counts="@ 60 IN MX 1 aspmx.l.google.com.\n",
        others=("mx_other_provider",),
    ),
    Story("Right in DNS, and Amazon SES has not looked", "owner", "ses_not_confirmed", GOOD, awaits_ses=True),
    Story("DKIM right in DNS, and Amazon SES has not looked", "dkim", "ses_not_confirmed", GOOD, awaits_ses=True),
    Story("Wrong in DNS, and Amazon SES has not looked", "dkim", "not_published", MX, awaits_ses=True),
    # A part of the name twice
    Story("The underscore label twice", "owner", "name_doubled", f"_amazonses._amazonses {TXT_TOKEN}"),
    Story("_domainkey twice", "dkim", "name_doubled", f"tok0._domainkey._domainkey 60 IN CNAME {TARGET}"),
    Story("_dmarc twice", "dmarc", "name_doubled", '_dmarc._dmarc 60 IN TXT "v=DMARC1\\; p=none"\n'),
    Story("The claim's label twice", "claim", "name_doubled", f"_postern._postern {CLAIM_TOKEN}"),
    Story(
        "The whole name of the subdomain before the subdomain",
        "owner",
        "name_doubled",
        f"_amazonses.mail.acme.example.mail {TXT_TOKEN}",
        domain=SUB,
    ),
    Story("The subdomain's label twice", "owner", "name_doubled", f"_amazonses.mail.mail {TXT_TOKEN}", domain=SUB),
    Story(
        "The whole name of the subdomain before the zone",
        "owner",
        "name_doubled",
        f"_amazonses.mail.acme.example {TXT_TOKEN}",
        domain=SUB,
    ),
    Story("MX of a subdomain, its label twice", "mx", "name_doubled", f"mail.mail {INBOUND}", domain=SUB),
    Story("MX of a subdomain, the zone twice", "mx", "name_doubled", f"mail.acme.example {INBOUND}", domain=SUB),
    Story(
        "DKIM of a subdomain, its label twice",
        "dkim",
        "name_doubled",
        f"tok0._domainkey.mail.mail 60 IN CNAME {TARGET}",
        domain=SUB,
    ),
    Story(
        "DKIM of an international name, the zone twice",
        "dkim",
        "name_doubled",
        f"tok0._domainkey.xn--bcher-kva.acme.example 60 IN CNAME {TARGET}",
        domain=IDN,
    ),
    Story(
        "The whole name in a zone of its own",
        "owner",
        "name_doubled",
        OWN_ZONE,
        domain=SUB,
        beside={"mail.acme.example.": SUB_ZONE + f"_amazonses.mail.acme.example {TXT_TOKEN}"},
    ),
    Story("The return path with the zone twice", "return_mx", "name_doubled", f"bounce.acme.example {FEEDBACK}"),
    # A label left out, or one too many above
    Story(
        "The owner label of an international name at the zone",
        "owner",
        "label_missing",
        OWNER,
        domain=IDN,
    ),
    Story("The claim of a subdomain at the zone", "claim", "label_missing", f"_postern {CLAIM_TOKEN}", domain=SUB),
    Story("The return path of a subdomain at the zone", "return_mx", "label_missing", f"bounce {FEEDBACK}", domain=SUB),
    Story(
        "DKIM of the subdomain without _domainkey",
        "dkim",
        "label_missing",
        f"tok0.mail 60 IN CNAME {TARGET}",
        domain=SUB,
    ),
    Story("The return path's MX at the domain", "return_mx", "at_apex", f"@ {FEEDBACK}"),
    Story("The token of a subdomain at the zone itself", "owner", "at_apex", f"@ {TXT_TOKEN}", domain=SUB),
    Story("The token of a subdomain at the subdomain", "owner", "at_apex", f"mail {TXT_TOKEN}", domain=SUB),
    Story("The DKIM target at the subdomain itself", "dkim", "at_apex", f"mail 60 IN CNAME {TARGET}", domain=SUB),
    Story(
        "DKIM in the zone above",
        "dkim",
        "in_parent_zone",
        OWN_ZONE + DKIM,
        domain=SUB,
        beside={"mail.acme.example.": SUB_ZONE},
    ),
    Story(
        "The claim in the zone above",
        "claim",
        "in_parent_zone",
        OWN_ZONE + f"_postern {CLAIM_TOKEN}",
        domain=SUB,
        beside={"mail.acme.example.": SUB_ZONE},
    ),
    # A zone of its own below the domain
    Story(
        "_domainkey is a zone, and its label was typed again",
        "dkim",
        "name_doubled",
        KEYS,
        beside=keys(f"tok0._domainkey 60 IN CNAME {TARGET}"),
    ),
    Story(
        "_domainkey is a zone, and the whole name was typed",
        "dkim",
        "name_doubled",
        KEYS,
        beside=keys(f"tok0._domainkey.acme.example 60 IN CNAME {TARGET}"),
    ),
    Story(
        "_domainkey is a zone, and its target has no dot",
        "dkim",
        "target_doubled",
        KEYS,
        beside=keys("tok0 60 IN CNAME tok0.dkim.amazonses.com\n"),
    ),
    Story("_domainkey is a zone with nothing in it", "dkim", "not_published", KEYS, beside=keys("")),
    Story(
        "_domainkey is a zone with a text in it",
        "dkim",
        "wrong_type",
        KEYS,
        beside=keys("tok0 60 IN TXT tok0.dkim.amazonses.com\n"),
    ),
    Story(
        "_domainkey leads to servers that are not there",
        "dkim",
        "server_unreachable",
        "_domainkey 60 IN NS ns9.nic.example.\n",
    ),
    Story(
        "_dmarc is a zone, and its label was typed again",
        "dmarc",
        "name_doubled",
        "_dmarc 60 IN NS ns1.nic.example.\n",
        beside={"_dmarc.acme.example.": SUB_ZONE + '_dmarc 60 IN TXT "v=DMARC1\\; p=none"\n'},
    ),
    Story(
        "The zone has our MX, and the subdomain another",
        "mx",
        "mx_other_provider",
        MX + "mail 60 IN MX 10 mx.hoster.test.\n",
        domain=SUB,
        others=(),
    ),
    Story(
        "Hosts of two other regions",
        "mx",
        "other_region",
        "@ 60 IN MX 10 inbound-smtp.eu-west-1.amazonaws.com.\n@ 60 IN MX 20 inbound-smtp.us-west-2.amazonaws.com.\n",
        others=(),
    ),
    Story("DKIM's selector was left out", "dkim", "label_missing", f"_domainkey 60 IN CNAME {TARGET}"),
    Story(
        "Our host with a hyphen for its dot",
        "mx",
        "mx_wrong_ses_host",
        "@ 60 IN MX 10 inbound-smtp-us-east-1.amazonaws.com.\n",
    ),
    Story(
        "The token in two strings, quotation marks and all",
        "owner",
        "quoted_value",
        f'_amazonses 60 IN TXT "\\"{TOKEN[:20]}\\" \\"{TOKEN[20:]}\\""\n',
    ),
    Story("A space in the token", "owner", "quoted_value", f'_amazonses 60 IN TXT "{TOKEN[:20]} {TOKEN[20:]}"\n'),
    Story(
        "Spaces around the claim's equals sign",
        "claim",
        "quoted_value",
        '_postern 60 IN TXT "postern-verify = abcdef0123456789"\n',
    ),
    Story(
        "A DKIM target that is no key",
        "dkim",
        "not_published",
        "tok0._domainkey 60 IN CNAME tok0._domainkey.amazonses.com.\n",
    ),
    # Wildcards
    Story("A wildcard of IPv6 addresses and no DKIM", "dkim", "wildcard_answer", "* 60 IN AAAA 2001:db8::1\n"),
    Story("A wildcard of texts and no DKIM", "dkim", "wildcard_answer", '* 60 IN TXT "v=spf1 -all"\n'),
    Story("A wildcard of mail hosts and no DKIM", "dkim", "wildcard_answer", "* 60 IN MX 10 mail.acme.example.\n"),
    Story("A wildcard text and no policy", "dmarc", "wildcard_answer", '* 60 IN TXT "v=spf1 -all"\n'),
    Story(
        "A wildcard beside, and the zone twice",
        "owner",
        "name_doubled",
        f"* 60 IN A 192.0.2.1\n_amazonses.acme.example {TXT_TOKEN}",
    ),
    Story("A wildcard beside, and the token at the apex", "owner", "at_apex", f"* 60 IN A 192.0.2.1\n@ {TXT_TOKEN}"),
    Story(
        "A wildcard has our MX, and the mail name only an address",
        "mx",
        "not_published",
        f"* {INBOUND}mail 60 IN A 192.0.2.1\n",
        domain=SUB,
    ),
    Story("Our MX for all names below the mail name", "mx", "not_published", f"*.mail {INBOUND}", domain=SUB),
    Story(
        "A wildcard policy below, and none at the name",
        "dmarc",
        "not_published",
        '*.www 60 IN TXT "v=DMARC1\\; p=none"\n',
    ),
    Story(
        "The policy of a subdomain at the zone itself",
        "dmarc",
        "dmarc_at_apex",
        '@ 60 IN TXT "v=DMARC1\\; p=none"\n',
        domain=SUB,
    ),
    Story("A wildcard address and no token", "owner", "not_published", "* 60 IN A 192.0.2.1\n"),
    # Another type where the CNAME should be
    Story("DKIM name has an IPv6 address", "dkim", "wrong_type", "tok0._domainkey 60 IN AAAA 2001:db8::1\n"),
    Story("DKIM name has an MX", "dkim", "wrong_type", "tok0._domainkey 60 IN MX 10 tok0.dkim.amazonses.com.\n"),
    Story("DKIM name is delegated to the target", "dkim", "wrong_type", f"tok0._domainkey 60 IN NS {TARGET}"),
    Story(
        "DKIM name has somebody's key as a text", "dkim", "wrong_type", 'tok0._domainkey 60 IN TXT "v=DKIM1\\; p=MIG"\n'
    ),
    Story("DKIM through a proxy over IPv6", "dkim", "proxied_cname", "tok0._domainkey 60 IN AAAA 2606:4700::1\n"),
    Story(
        "DKIM target in a text in quotation marks",
        "dkim",
        "wrong_type",
        'tok0._domainkey 60 IN TXT "\\"tok0.dkim.amazonses.com\\""\n',
    ),
    Story(
        "The MX of a subdomain as a text",
        "mx",
        "wrong_type",
        'mail 60 IN TXT "10 inbound-smtp.us-east-1.amazonaws.com."\n',
        domain=SUB,
    ),
    Story(
        "The mail name is a CNAME to our host",
        "mx",
        "cname_in_the_way",
        "mail 60 IN CNAME inbound-smtp.us-east-1.amazonaws.com.\n",
        domain=SUB,
    ),
    Story("The token as a CNAME", "owner", "cname_in_the_way", "_amazonses 60 IN CNAME verify.amazonses.com.\n"),
    # The value
    Story(
        "The start of the token was not copied", "owner", "value_truncated", f'_amazonses 60 IN TXT "{TOKEN[10:]}"\n'
    ),
    Story("The MX host is cut", "mx", "value_truncated", "@ 60 IN MX 10 inbound-smtp.us-east-1.amazonaws.\n"),
    Story("A label of the token's row before it", "owner", "quoted_value", f'_amazonses 60 IN TXT "TXT {TOKEN}"\n'),
    Story(
        "A scheme before the MX host",
        "mx",
        "quoted_value",
        "@ 60 IN MX 10 http://inbound-smtp.us-east-1.amazonaws.com.\n",
    ),
    Story(
        "The target of the subdomain with the subdomain",
        "dkim",
        "target_doubled",
        "tok0._domainkey.mail 60 IN CNAME tok0.dkim.amazonses.com.mail\n",
        domain=SUB,
    ),
    Story(
        "The MX of a subdomain without its dot",
        "mx",
        "target_doubled",
        "mail 60 IN MX 10 inbound-smtp.us-east-1.amazonaws.com\n",
        domain=SUB,
    ),
    Story(
        "The return path without its dot",
        "return_mx",
        "target_doubled",
        "bounce 60 IN MX 10 feedback-smtp.us-east-1.amazonses.com\n",
    ),
    Story(
        "The return path of another region",
        "return_mx",
        "other_region",
        "bounce 60 IN MX 10 feedback-smtp.eu-west-1.amazonses.com.\n",
    ),
    Story("The receiving host as return path", "return_mx", "mx_wrong_ses_host", f"bounce {INBOUND}"),
    Story(
        "Another host beside the return path",
        "return_mx",
        "mx_other_provider",
        f"bounce {FEEDBACK}bounce 60 IN MX 20 mail.acme.example.\n",
    ),
    Story("The sending host as MX", "mx", "mx_wrong_ses_host", "@ 60 IN MX 10 email-smtp.us-east-1.amazonaws.com.\n"),
    Story("Our host without its region", "mx", "mx_wrong_ses_host", "@ 60 IN MX 10 inbound-smtp.amazonaws.com.\n"),
    Story(
        "Our host at the other domain",
        "mx",
        "mx_wrong_ses_host",
        "@ 60 IN MX 10 inbound-smtp.us-east-1.amazonses.com.\n",
    ),
    Story("A null MX at the return path", "return_mx", "null_mx", "bounce 60 IN MX 0 .\n"),
    Story(
        "SPF of a subdomain at the zone",
        "spf",
        "at_apex",
        '@ 60 IN TXT "v=spf1 include:amazonses.com ~all"\n',
        domain=SUB,
    ),
    Story(
        "The zone has its own SPF and the subdomain none",
        "spf",
        "not_published",
        '@ 60 IN TXT "v=spf1 mx include:amazonses.com -all"\n',
        domain=SUB,
    ),
    Story(
        "The mail name has an address and no MX, beside a wildcard",
        "mx",
        "not_published",
        "* 60 IN MX 10 mx.hoster.test.\nmail 60 IN A 192.0.2.1\n",
        domain=SUB,
    ),
    Story("A wildcard CNAME and no MX", "mx", "wildcard_answer", "* 60 IN CNAME web.hoster.test.\n", domain=SUB),
    Story("A wildcard CNAME and no SPF", "spf", "wildcard_answer", "* 60 IN CNAME web.hoster.test.\n", domain=SUB),
    Story("A wildcard CNAME and no policy", "dmarc", "wildcard_answer", "* 60 IN CNAME web.hoster.test.\n"),
    Story(
        "SPF where a CNAME leads to a web host",
        "spf",
        "cname_in_the_way",
        'mail 60 IN CNAME www\nwww 60 IN TXT "hello"\n',
        domain=SUB,
    ),
    Story(
        "_dmarc leads to a broken policy",
        "dmarc",
        "cname_in_the_way",
        '_dmarc 60 IN CNAME p\np 60 IN TXT "v=DMARC1\\; p=x"\n',
        others=("dmarc_syntax",),
    ),
    Story("The token without its equals sign", "owner", "value_truncated", f'_amazonses 60 IN TXT "{TOKEN[:-1]}"\n'),
    Story("A tab behind the token", "owner", "quoted_value", f'_amazonses 60 IN TXT "{TOKEN}\\009"\n'),
    Story("The name before the token", "owner", "quoted_value", f'_amazonses 60 IN TXT "_amazonses={TOKEN}"\n'),
    Story("The token in capitals", "owner", "value_lowercased", f'_amazonses 60 IN TXT "{TOKEN.upper()}"\n'),
    Story(
        "DKIM target cut and without its dot",
        "dkim",
        "value_truncated",
        "tok0._domainkey 60 IN CNAME tok0.dkim\n",
        others=("target_doubled",),
    ),
    Story(
        "DKIM target in quotation marks",
        "dkim",
        "quoted_value",
        'tok0._domainkey 60 IN CNAME \\"tok0.dkim.amazonses.com\\".\n',
    ),
    Story(
        "One of two servers has the old key",
        "dkim",
        "servers_disagree",
        GOOD,
        second="tok0._domainkey 60 IN CNAME old0.dkim.amazonses.com.\n",
        others=("stale_token",),
    ),
    Story(
        "One of two servers has other quotation marks",
        "owner",
        "servers_disagree",
        GOOD,
        second=f'_amazonses 60 IN TXT "\\"{TOKEN}\\""\n',
        others=("quoted_value",),
    ),
    Story("Caches say that there is no SPF", "spf", "not_propagated", GOOD, public=MX),
    Story(
        "Caches have the DKIM of before",
        "dkim",
        "not_propagated",
        GOOD,
        public="tok0._domainkey 60 IN CNAME old0.dkim.amazonses.com.\n",
    ),
    Story(
        "The key of an earlier set-up at its own name",
        "dkim",
        "stale_token",
        "old1._domainkey 60 IN CNAME old1.dkim.amazonses.com.\n",
    ),
    Story(
        "The key of another region at its own name",
        "dkim",
        "other_region",
        "eu0._domainkey 60 IN CNAME eu0.dkim.eu-west-1.amazonses.com.\n",
    ),
    Story("No SPF at the return path", "return_spf", "not_published", f"bounce {FEEDBACK}"),
    Story(
        "SPF of the return path without us", "return_spf", "spf_missing_include", 'bounce 60 IN TXT "v=spf1 mx -all"\n'
    ),
    Story(
        "Another account's token beside ours",
        "owner",
        "other_ses_account",
        OWNER + '_amazonses 60 IN TXT "Zzz+token/9012345678901234567890123456789012="\n',
    ),
    Story("Some other text alone at the name", "owner", "not_published", '_amazonses 60 IN TXT "hello"\n'),
    Story(
        "DKIM of another account in another region",
        "dkim",
        "other_ses_account",
        "tok0._domainkey 60 IN CNAME zzz9.dkim.eu-west-1.amazonses.com.\n",
    ),
    Story(
        "Google has the mail",
        "mx",
        "mx_other_provider",
        "@ 60 IN MX 1 aspmx.l.google.com.\n@ 60 IN MX 5 alt1.aspmx.l.google.com.\n",
    ),
    Story(
        "Our host behind a backup that is preferred",
        "mx",
        "mx_not_preferred",
        "@ 60 IN MX 20 inbound-smtp.us-east-1.amazonaws.com.\n@ 60 IN MX 10 mx.hoster.test.\n",
    ),
)

VALID_PLACES = (
    Story(
        "_dmarc is a zone of its own",
        "dmarc",
        "",
        "_dmarc 60 IN NS ns1.nic.example.\n",
        beside={"_dmarc.acme.example.": SUB_ZONE + '@ 60 IN TXT "v=DMARC1\\; p=none"\n'},
    ),
    Story(
        "_amazonses is a zone of its own",
        "owner",
        "",
        "_amazonses 60 IN NS ns2.nic.example.\n",
        beside={"_amazonses.acme.example.": SUB_ZONE.replace("ns1", "ns2") + f"@ {TXT_TOKEN}"},
    ),
    Story("A wildcard beside the right token", "owner", "", GOOD + '* 60 IN TXT "v=spf1 -all"\n'),
    Story("A wildcard of addresses beside DKIM", "dkim", "", GOOD + f"* 60 IN A {CF}\n"),
    Story("Two hosts behind ours", "mx", "", MX + "@ 60 IN MX 20 a.hoster.test.\n@ 60 IN MX 20 b.hoster.test.\n"),
    Story(
        "Ours twice, at two numbers",
        "mx",
        "",
        MX + "@ 60 IN MX 20 inbound-smtp.us-east-1.amazonaws.com.\n@ 60 IN MX 30 b.hoster.test.\n",
    ),
    Story(
        "Preference zero", "mx", "", "@ 60 IN MX 0 Inbound-SMTP.us-east-1.amazonaws.com.\n@ 60 IN MX 1 b.hoster.test.\n"
    ),
    Story("The highest preference there is", "mx", "", "@ 60 IN MX 65535 inbound-smtp.us-east-1.amazonaws.com.\n"),
    Story("The token of an international name", "owner", "", f"_amazonses.xn--bcher-kva {TXT_TOKEN}", domain=IDN),
    Story("An MX through a wildcard", "mx", "", f"* {INBOUND}", domain=SUB),
    Story("DKIM through a wildcard in its zone", "dkim", "", f"*._domainkey 60 IN CNAME {TARGET}"),
    Story("The token here and at the apex too", "owner", "", OWNER + f"@ {TXT_TOKEN}"),
    Story(
        "The token in four strings",
        "owner",
        "",
        f'_amazonses 60 IN TXT "{TOKEN[:5]}" "{TOKEN[5:6]}" "" "{TOKEN[6:]}"\n',
    ),
    Story("The return path", "return_mx", "", f"bounce {FEEDBACK}"),
    Story(
        "The return path at another preference",
        "return_mx",
        "",
        "bounce 60 IN MX 0 Feedback-SMTP.us-east-1.AmazonSES.com.\n",
    ),
    Story(
        "SPF of the return path, stricter", "return_spf", "", 'bounce 60 IN TXT "v=spf1 include:amazonses.com -all"\n'
    ),
    Story(
        "A third-level name in the zone",
        "dkim",
        "",
        f"tok0._domainkey.a.mail 60 IN CNAME {TARGET}",
        domain="a.mail.acme.example",
    ),
)
