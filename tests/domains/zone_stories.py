"""Zones as people really publish them: one line of story each, the zone text, and the one code that says what is wrong.

Every zone is that of acme.example, whose two name servers are ns1 and ns2.nic.example. A record's code is empty where
all is well.
"""

from __future__ import annotations

from dataclasses import dataclass, field

TOKEN = "Abc+Def/123456789012345678901234567890123456="
MX = "@ 60 IN MX 10 inbound-smtp.us-east-1.amazonaws.com.\n"
OWNER = f'_amazonses 60 IN TXT "{TOKEN}"\n'
SPF = '@ 60 IN TXT "v=spf1 include:amazonses.com ~all"\n'
DMARC = '_dmarc 60 IN TXT "v=DMARC1; p=none;"\n'
DKIM = "tok0._domainkey 60 IN CNAME tok0.dkim.amazonses.com.\n"
CLAIM = "_postern 60 IN TXT postern-verify=abcdef0123456789\n"
GOOD = MX + OWNER + SPF + DMARC + DKIM + CLAIM


@dataclass(frozen=True)
class Story:
    """`record` is one of mx, owner, spf, dmarc, dkim, claim, return_mx, return_spf; `zone` is what both servers hold.

    `second` is what ns2 holds where it differs, `public` what the resolver still has in its cache, `domain` the
    registered name where it is not the zone's apex, `behaviour` how servers behave, by address.
    """

    story: str
    record: str
    code: str
    zone: str
    second: str | None = None
    public: str | None = None
    domain: str = "acme.example"
    behaviour: dict[str, str] = field(default_factory=dict)
    # Further zones, of the whole world, by origin.
    world: dict[str, str] = field(default_factory=dict)
    # Zones that ns1 and ns2 hold beside acme.example.
    beside: dict[str, str] = field(default_factory=dict)
    # What else is wrong, in the order of precedence; None where the story is not about that.
    others: tuple[str, ...] | None = None
    # What the registry of .example says: that it knows no acme.example, or that ns4 serves it, which holds `counts`.
    registry: str | None = None
    counts: str = ""
    # SES has been told to look and has not found it yet.
    awaits_ses: bool = False


SOA = "@ 60 IN SOA a. b. 1 60 60 60 60\n"
ELSEWHERE = {
    "mailer.test.": SOA
    + 'spf 60 IN TXT "v=spf1 include:more.mailer.test -all"\n'
    + 'more 60 IN TXT "v=spf1 include:amazonses.com -all"\n'
    + 'ip 60 IN TXT "v=spf1 ip4:192.0.2.0/24 -all"\n'
    + 'four 60 IN TXT "v=spf1 a:h.mailer.test a:h.mailer.test mx:h.mailer.test exists:h.mailer.test -all"\n'
    + 'three 60 IN TXT "v=spf1 a:h.mailer.test a:h.mailer.test mx:h.mailer.test -all"\n'
    + "h 60 IN A 192.0.2.1\nh 60 IN MX 10 h\n"
    + 'loop 60 IN TXT "v=spf1 include:loop.mailer.test -all"\n'
    + "acme.example._report._dmarc.reports 60 IN TXT v=DMARC1;\n"
    + "*._report._dmarc.all 60 IN TXT v=DMARC1;\n",
}
NINE = " ".join(f"a:h{number}.acme.example" for number in range(9))
TEN = NINE + " a:h9.acme.example"
HOSTS = "".join(f"h{number} 60 IN A 192.0.2.1\n" for number in range(10))
DOWN = {"127.0.0.11": "silent", "127.0.0.12": "silent"}
CF = "104.16.1.1"
BOTH_FAIL = {"127.0.0.11": "servfail", "127.0.0.12": "servfail"}

BROKEN = (
    # The way to the zone
    Story("Nothing was published at all", "owner", "not_published", ""),
    Story("Nothing at all, asked for the MX", "mx", "not_published", ""),
    Story("Nothing at all, asked for DKIM", "dkim", "not_published", ""),
    Story("Nothing at all, asked for SPF", "spf", "not_published", ""),
    Story("Nothing at all, asked for DMARC", "dmarc", "not_published", ""),
    Story("Nothing at all, asked for the claim", "claim", "claim_token_missing", ""),
    Story("Both name servers are down", "owner", "server_unreachable", GOOD, behaviour=DOWN),
    Story("Both name servers answer SERVFAIL", "mx", "server_unreachable", GOOD, behaviour=BOTH_FAIL),
    Story(
        "Both servers are lame: they do not hold the zone",
        "owner",
        "server_unreachable",
        GOOD,
        behaviour={"127.0.0.11": "lame", "127.0.0.12": "lame"},
    ),
    Story(
        "Both servers refuse",
        "dkim",
        "server_unreachable",
        GOOD,
        behaviour={"127.0.0.11": "refused", "127.0.0.12": "refused"},
    ),
    Story("DNSSEC signatures have run out", "owner", "dnssec_bogus", GOOD, behaviour={"127.0.0.10": "bogus"}),
    Story("DNSSEC broken, asked for the MX", "mx", "dnssec_bogus", GOOD, behaviour={"127.0.0.10": "bogus"}),
    Story("DNSSEC broken and nothing published", "spf", "dnssec_bogus", "", behaviour={"127.0.0.10": "bogus"}),
    Story("The second server lags behind", "owner", "servers_disagree", GOOD, second=""),
    Story("The second server has the old MX", "mx", "servers_disagree", GOOD, second="@ 60 IN MX 10 old.test.\n"),
    Story("The second server has no DKIM yet", "dkim", "servers_disagree", GOOD, second=MX + OWNER),
    Story("The second server lags with SPF", "spf", "servers_disagree", GOOD, second='@ 60 IN TXT "v=spf1 mx -all"\n'),
    Story("Right at the host, stale in caches", "owner", "not_propagated", GOOD, public=MX),
    Story("The MX is right, caches have the old one", "mx", "not_propagated", GOOD, public="@ 60 IN MX 1 old.test.\n"),
    Story("DMARC is right, caches have none", "dmarc", "not_propagated", GOOD, public=MX),
    # A CNAME where nothing can be beside it
    Story("The verification name is a CNAME", "owner", "cname_in_the_way", "_amazonses 60 IN CNAME www\n"),
    Story("_dmarc is a CNAME to nowhere", "dmarc", "cname_in_the_way", "_dmarc 60 IN CNAME nowhere\n"),
    Story("_dmarc is a CNAME to itself", "dmarc", "cname_in_the_way", "_dmarc 60 IN CNAME _dmarc\n"),
    Story(
        "Two CNAMEs in a circle", "owner", "cname_in_the_way", "_amazonses 60 IN CNAME b\nb 60 IN CNAME _amazonses\n"
    ),
    Story(
        "The mail name is a CNAME to the web host",
        "mx",
        "cname_in_the_way",
        "mail 60 IN CNAME web.hoster.test.\n",
        domain="mail.acme.example",
    ),
    Story("The claim name is a CNAME", "claim", "cname_in_the_way", "_postern 60 IN CNAME acme.example.\n"),
    # In the wrong place
    Story(
        "The form added the zone once more", "owner", "name_doubled", f'_amazonses.acme.example 60 IN TXT "{TOKEN}"\n'
    ),
    Story(
        "DKIM with the zone twice",
        "dkim",
        "name_doubled",
        "tok0._domainkey.acme.example 60 IN CNAME tok0.dkim.amazonses.com.\n",
    ),
    Story("DMARC with the zone twice", "dmarc", "name_doubled", '_dmarc.acme.example 60 IN TXT "v=DMARC1; p=none"\n'),
    Story(
        "The MX was put at acme.example.acme.example",
        "mx",
        "name_doubled",
        "acme.example 60 IN MX 10 inbound-smtp.us-east-1.amazonaws.com.\n",
    ),
    Story(
        "SPF with the zone twice", "spf", "name_doubled", 'acme.example 60 IN TXT "v=spf1 include:amazonses.com ~all"\n'
    ),
    Story(
        "Claim with the zone twice",
        "claim",
        "name_doubled",
        "_postern.acme.example 60 IN TXT postern-verify=abcdef0123456789\n",
    ),
    Story("The token was put at the apex", "owner", "at_apex", f'@ 60 IN TXT "{TOKEN}"\n'),
    Story("The claim was put at the apex", "claim", "at_apex", "@ 60 IN TXT postern-verify=abcdef0123456789\n"),
    Story("_domainkey was left out", "dkim", "label_missing", "tok0 60 IN CNAME tok0.dkim.amazonses.com.\n"),
    Story("The underscore was left out", "owner", "label_missing", f'amazonses 60 IN TXT "{TOKEN}"\n'),
    Story(
        "DKIM's underscore was left out",
        "dkim",
        "label_missing",
        "tok0.domainkey 60 IN CNAME tok0.dkim.amazonses.com.\n",
    ),
    Story(
        "The claim's underscore was left out",
        "claim",
        "label_missing",
        "postern 60 IN TXT postern-verify=abcdef0123456789\n",
    ),
    Story(
        "The subdomain was left out of the name",
        "owner",
        "label_missing",
        f'_amazonses 60 IN TXT "{TOKEN}"\n',
        domain="mail.acme.example",
    ),
    Story(
        "DKIM of the subdomain stands at the domain",
        "dkim",
        "label_missing",
        DKIM,
        domain="mail.acme.example",
    ),
    Story(
        "The subdomain has a zone of its own, and the parent was edited",
        "owner",
        "in_parent_zone",
        f'mail 60 IN NS ns1.nic.example.\n_amazonses 60 IN TXT "{TOKEN}"\n',
        domain="mail.acme.example",
        beside={"mail.acme.example.": SOA + "@ 60 IN NS ns1.nic.example.\n"},
    ),
    Story("DMARC at the apex", "dmarc", "dmarc_at_apex", '@ 60 IN TXT "v=DMARC1; p=none;"\n'),
    # Wildcards
    Story("A wildcard TXT answers", "owner", "wildcard_answer", '* 60 IN TXT "v=spf1 -all"\n'),
    Story("A wildcard CNAME answers for a TXT", "owner", "wildcard_answer", "* 60 IN CNAME web.hoster.test.\n"),
    Story("A wildcard CNAME answers for DKIM", "dkim", "wildcard_answer", "* 60 IN CNAME web.hoster.test.\n"),
    Story(
        "A wildcard MX answers for the subdomain",
        "mx",
        "wildcard_answer",
        "* 60 IN MX 10 old.test.\n",
        domain="mail.acme.example",
    ),
    # The wrong type
    Story("DKIM as TXT", "dkim", "wrong_type", "tok0._domainkey 60 IN TXT tok0.dkim.amazonses.com\n"),
    Story("DKIM name has an address", "dkim", "wrong_type", "tok0._domainkey 60 IN A 192.0.2.1\n"),
    Story("DKIM through a proxy", "dkim", "proxied_cname", f"tok0._domainkey 60 IN A {CF}\n"),
    # The value
    Story("The token in quotation marks", "owner", "quoted_value", f'_amazonses 60 IN TXT "\\"{TOKEN}\\""\n'),
    Story(
        "The token in typographic quotes",
        "owner",
        "quoted_value",
        f'_amazonses 60 IN TXT "\\226\\128\\156{TOKEN}\\226\\128\\157"\n',
    ),
    Story("A space behind the token", "owner", "quoted_value", f'_amazonses 60 IN TXT "{TOKEN} "\n'),
    Story("SPF in quotation marks", "spf", "quoted_value", '@ 60 IN TXT "\\"v=spf1 include:amazonses.com ~all\\""\n'),
    Story("DMARC in quotation marks", "dmarc", "quoted_value", '_dmarc 60 IN TXT "\\"v=DMARC1; p=none;\\""\n'),
    Story(
        "The claim in single quotes",
        "claim",
        "quoted_value",
        "_postern 60 IN TXT \"'postern-verify=abcdef0123456789'\"\n",
    ),
    Story("The form made it lower-case", "owner", "value_lowercased", f'_amazonses 60 IN TXT "{TOKEN.lower()}"\n'),
    Story("The claim in capitals", "claim", "value_lowercased", "_postern 60 IN TXT POSTERN-VERIFY=ABCDEF0123456789\n"),
    Story("The end was not copied", "owner", "value_truncated", f'_amazonses 60 IN TXT "{TOKEN[:20]}"\n'),
    Story("DKIM target cut", "dkim", "value_truncated", "tok0._domainkey 60 IN CNAME tok0.dkim.amazonses.\n"),
    Story("The claim is cut", "claim", "value_truncated", "_postern 60 IN TXT postern-verify=abcdef\n"),
    Story(
        "DKIM target without its dot", "dkim", "target_doubled", "tok0._domainkey 60 IN CNAME tok0.dkim.amazonses.com\n"
    ),
    Story("MX target without its dot", "mx", "target_doubled", "@ 60 IN MX 10 inbound-smtp.us-east-1.amazonaws.com\n"),
    Story(
        "A token of an earlier set-up",
        "owner",
        "stale_token",
        '_amazonses 60 IN TXT "Old+token/9012345678901234567890123456789012="\n',
    ),
    Story(
        "DKIM key of an earlier set-up", "dkim", "stale_token", "tok0._domainkey 60 IN CNAME old0.dkim.amazonses.com.\n"
    ),
    Story("An earlier claim's value", "claim", "stale_token", "_postern 60 IN TXT postern-verify=0000111122223333\n"),
    Story(
        "The token of another region",
        "owner",
        "other_region",
        '_amazonses 60 IN TXT "Eu+token/9012345678901234567890123456789012a="\n',
    ),
    Story(
        "DKIM in another region's zone",
        "dkim",
        "other_region",
        "tok0._domainkey 60 IN CNAME tok0.dkim.eu-west-1.amazonses.com.\n",
    ),
    Story(
        "Another SES account's token",
        "owner",
        "other_ses_account",
        '_amazonses 60 IN TXT "Zzz+token/9012345678901234567890123456789012="\n',
    ),
    Story(
        "DKIM of another SES account",
        "dkim",
        "other_ses_account",
        "tok0._domainkey 60 IN CNAME zzz9.dkim.amazonses.com.\n",
    ),
    Story("DKIM leads to another sender", "dkim", "not_published", "tok0._domainkey 60 IN CNAME k1.mailer.test.\n"),
    Story("Another TXT alone at the name", "claim", "claim_token_missing", '_postern 60 IN TXT "hello"\n'),
    # MX
    Story(
        "The priority in the host field",
        "mx",
        "priority_in_host",
        "@ 60 IN MX 0 10\\032inbound-smtp.us-east-1.amazonaws.com.\n",
    ),
    Story(
        "The priority run into the host",
        "mx",
        "priority_in_host",
        "@ 60 IN MX 5 10.inbound-smtp.us-east-1.amazonaws.com.\n",
    ),
    Story("The MX for bounces", "mx", "mx_wrong_ses_host", "@ 60 IN MX 10 feedback-smtp.us-east-1.amazonses.com.\n"),
    Story("amazonses.com as MX", "mx", "mx_wrong_ses_host", "@ 60 IN MX 10 amazonses.com.\n"),
    Story("MX of another region", "mx", "other_region", "@ 60 IN MX 10 inbound-smtp.eu-west-1.amazonaws.com.\n"),
    Story("A null MX", "mx", "null_mx", "@ 60 IN MX 0 .\n"),
    Story("Google is preferred", "mx", "mx_not_preferred", MX + "@ 60 IN MX 1 aspmx.l.google.com.\n"),
    Story("An old server with a lower number", "mx", "mx_not_preferred", MX + "@ 60 IN MX 5 mail.acme.example.\n"),
    Story("Two hosts at the same number", "mx", "mx_equal_preference", MX + "@ 60 IN MX 10 mail.acme.example.\n"),
    Story(
        "Mail goes to Microsoft", "mx", "mx_other_provider", "@ 60 IN MX 0 acme-example.mail.protection.outlook.com.\n"
    ),
    Story("Mail goes to an unknown host", "mx", "mx_other_provider", "@ 60 IN MX 10 mail.acme.example.\n"),
    # SPF
    Story(
        "Our host misspelt",
        "mx",
        "mx_wrong_ses_host",
        "@ 60 IN MX 10 inbound-smpt.us-east-1.amazonaws.com.\n",
        others=(),
    ),
    Story(
        "A host of AWS that is none of SES", "mx", "mx_wrong_ses_host", "@ 60 IN MX 10 s3.amazonaws.com.\n", others=()
    ),
    Story(
        "Amazon's domain misspelt", "mx", "mx_wrong_ses_host", "@ 60 IN MX 10 inbound-smtp.us-east-1.amazonws.com.\n"
    ),
    Story(
        "A mail server of one's own at Amazon",
        "mx",
        "mx_other_provider",
        "@ 60 IN MX 10 ec2-192-0-2-1.compute-1.amazonaws.com.\n",
        others=(),
    ),
    Story(
        "A misspelt host beside ours",
        "mx",
        "mx_wrong_ses_host",
        MX + "@ 60 IN MX 5 inbound-smpt.us-east-1.amazonaws.com.\n",
    ),
    Story(
        "Google's five hosts",
        "mx",
        "mx_other_provider",
        "@ 60 IN MX 5 alt1.google.com.\n@ 60 IN MX 1 aspmx.l.google.com.\n",
    ),
    Story("A wrong value, and no token", "owner", "not_published", "_amazonses 60 IN TXT abcdefgh\n", others=()),
    Story(
        "A wrong value, too short for a token", "owner", "other_ses_account", "_amazonses 60 IN TXT abcdefgh1234567=\n"
    ),
    Story(
        "A policy without quotation marks in the zone file",
        "dmarc",
        "dmarc_syntax",
        "_dmarc 60 IN TXT v=DMARC1 p=reject rua=mailto:a@acme.example\n",
    ),
    Story(
        "SPF without quotation marks in the zone file",
        "spf",
        "spf_syntax",
        "@ 60 IN TXT v=spf1 include:amazonses.com ~all\n",
    ),
    Story("A policy without a semicolon at all", "dmarc", "dmarc_syntax", '_dmarc 60 IN TXT "v=DMARC1 p=none"\n'),
    Story("Two SPF records", "spf", "spf_duplicate", SPF + '@ 60 IN TXT "v=spf1 mx -all"\n'),
    Story(
        "The same SPF record twice, but for a space",
        "spf",
        "spf_duplicate",
        SPF + '@ 60 IN TXT "v=spf1  include:amazonses.com ~all"\n',
    ),
    Story(
        "A bad address in SPF", "spf", "spf_syntax", '@ 60 IN TXT "v=spf1 ip4:1.2.3.444 include:amazonses.com ~all"\n'
    ),
    Story("A word that is no term", "spf", "spf_syntax", '@ 60 IN TXT "v=spf1 includ:amazonses.com ~all"\n'),
    Story(
        "Two redirects",
        "spf",
        "spf_syntax",
        '@ 60 IN TXT "v=spf1 include:amazonses.com redirect=a.test redirect=b.test"\n',
    ),
    Story("SPF without us", "spf", "spf_missing_include", '@ 60 IN TXT "v=spf1 include:ip.mailer.test ~all"\n'),
    Story(
        "Our include behind the all", "spf", "spf_missing_include", '@ 60 IN TXT "v=spf1 -all include:amazonses.com"\n'
    ),
    Story(
        "Our include with a minus", "spf", "spf_missing_include", '@ 60 IN TXT "v=spf1 -include:amazonses.com ~all"\n'
    ),
    Story(
        "A look-alike include",
        "spf",
        "spf_missing_include",
        '@ 60 IN TXT "v=spf1 include:amazonses.com.mailer.test ~all"\n',
    ),
    Story("Only v=spf1 -all", "spf", "spf_missing_include", '@ 60 IN TXT "v=spf1 -all"\n'),
    Story(
        "Eleven look-ups of its own",
        "spf",
        "spf_too_many_lookups",
        HOSTS + f'@ 60 IN TXT "v=spf1 include:amazonses.com {TEN} ~all"\n',
    ),
    Story(
        "Eleven look-ups through includes",
        "spf",
        "spf_too_many_lookups",
        '@ 60 IN TXT "v=spf1 include:amazonses.com include:four.mailer.test include:four.mailer.test ~all"\n',
    ),
    Story(
        "Three includes of nothing",
        "spf",
        "spf_too_many_lookups",
        '@ 60 IN TXT "v=spf1 include:amazonses.com include:a.test include:b.test include:c.test ~all"\n',
    ),
    Story(
        "Three hosts that are gone",
        "spf",
        "spf_too_many_lookups",
        '@ 60 IN TXT "v=spf1 include:amazonses.com a:gone.acme.example mx:gone.acme.example exists:d.test ~all"\n',
    ),
    # Servers that disagree
    Story("One server lags behind with DMARC", "dmarc", "servers_disagree", GOOD, second=MX + OWNER + SPF + DKIM),
    Story(
        "Two servers, two wrong SPF records",
        "spf",
        "servers_disagree",
        '@ 60 IN TXT "v=spf1 mx -all"\n',
        second='@ 60 IN TXT "v=spf1 a -all"\n',
    ),
    Story(
        "Two servers, two wrong policies",
        "dmarc",
        "servers_disagree",
        '_dmarc 60 IN TXT "v=DMARC1; p=x"\n',
        second='_dmarc 60 IN TXT "v=DMARC1; p=y"\n',
    ),
    Story(
        "Two servers, two other providers",
        "mx",
        "servers_disagree",
        "@ 60 IN MX 10 a.test.\n",
        second="@ 60 IN MX 10 b.test.\n",
    ),
    Story(
        "Servers that differ in what is not asked for, and no SPF at either",
        "spf",
        "not_published",
        '@ 60 IN TXT "one=1"\n',
        second='@ 60 IN TXT "two=2"\n',
    ),
    # Of another type, or elsewhere
    Story(
        "The MX record as a text",
        "mx",
        "wrong_type",
        '@ 60 IN TXT "10 inbound-smtp.us-east-1.amazonaws.com"\n',
    ),
    Story("A policy without the underscore", "dmarc", "label_missing", 'dmarc 60 IN TXT "v=DMARC1; p=none;"\n'),
    Story("The MX of a subdomain at the zone itself", "mx", "at_apex", MX, domain="mail.acme.example"),
    # A wildcard that makes every name exist
    Story("A wildcard of addresses and no DKIM", "dkim", "wildcard_answer", "* 60 IN A 192.0.2.1\n"),
    Story("A proxied wildcard and no DKIM", "dkim", "wildcard_answer", f"* 60 IN A {CF}\n"),
    # MX beside ours
    Story("A null MX beside ours", "mx", "null_mx", MX + "@ 60 IN MX 0 .\n"),
    Story(
        "Another region before ours",
        "mx",
        "other_region",
        MX + "@ 60 IN MX 5 inbound-smtp.eu-west-1.amazonaws.com.\n",
    ),
    Story(
        "The bounce host before ours",
        "mx",
        "mx_wrong_ses_host",
        MX + "@ 60 IN MX 5 feedback-smtp.us-east-1.amazonses.com.\n",
    ),
    # DMARC
    Story("Two DMARC records", "dmarc", "dmarc_duplicate", DMARC + '_dmarc 60 IN TXT "v=DMARC1; p=reject"\n'),
    Story("A policy that does not exist", "dmarc", "dmarc_syntax", '_dmarc 60 IN TXT "v=DMARC1; p=rejectt"\n'),
    Story("No policy", "dmarc", "dmarc_syntax", '_dmarc 60 IN TXT "v=DMARC1; rua=mailto:a@acme.example"\n'),
    Story("The version in lower case", "dmarc", "dmarc_syntax", '_dmarc 60 IN TXT "v=dmarc1; p=none"\n'),
    Story("The version is not first", "dmarc", "dmarc_syntax", '_dmarc 60 IN TXT "p=none; v=DMARC1"\n'),
    Story("A tag twice", "dmarc", "dmarc_syntax", '_dmarc 60 IN TXT "v=DMARC1; p=none; p=reject"\n'),
    Story(
        "Reports to somebody who has not agreed",
        "dmarc",
        "dmarc_rua_unauthorised",
        '_dmarc 60 IN TXT "v=DMARC1; p=none; rua=mailto:dmarc@nobody.mailer.test"\n',
    ),
)

VALID = (
    *(Story("Everything as listed", record, "", GOOD) for record in ("mx", "owner", "spf", "dmarc", "dkim", "claim")),
    *(
        Story(f"Servers that turn EDNS down by {code}", "owner", "", GOOD, behaviour=dict.fromkeys(DOWN, code))
        for code in ("formerr", "notimp", "badvers")
    ),
    Story("One server of two knows no EDNS", "spf", "", GOOD, behaviour={"127.0.0.11": "formerr"}),
    Story("Another preference", "mx", "", "@ 60 IN MX 1 inbound-smtp.us-east-1.amazonaws.com.\n"),
    Story("Host in capitals", "mx", "", "@ 60 IN MX 10 INBOUND-SMTP.US-EAST-1.AMAZONAWS.COM.\n"),
    Story("A backup host behind us", "mx", "", MX + "@ 60 IN MX 20 mail.acme.example.\n"),
    Story("A long TTL", "mx", "", MX.replace("60", "86400")),
    Story("A TTL of zero", "owner", "", OWNER.replace(" 60 ", " 0 ")),
    Story("The token in two strings", "owner", "", f'_amazonses 60 IN TXT "{TOKEN[:10]}" "{TOKEN[10:]}"\n'),
    Story("Another value beside the token", "owner", "", OWNER + '_amazonses 60 IN TXT "hello"\n'),
    Story(
        "An earlier token beside ours",
        "owner",
        "",
        OWNER + '_amazonses 60 IN TXT "Old+token/9012345678901234567890123456789012="\n',
    ),
    Story("The owner name in capitals", "owner", "", f'_AMAZONSES 60 IN TXT "{TOKEN}"\n'),
    Story(
        "A TXT name that leads to the value",
        "owner",
        "",
        f'_amazonses 60 IN CNAME tokens\ntokens 60 IN TXT "{TOKEN}"\n',
    ),
    Story(
        "A chain of three CNAMEs to the value",
        "owner",
        "",
        f'_amazonses 60 IN CNAME a\na 60 IN CNAME b\nb 60 IN CNAME c\nc 60 IN TXT "{TOKEN}"\n',
    ),
    Story("A wildcard with just the value", "owner", "", f'* 60 IN TXT "{TOKEN}"\n'),
    Story(
        "SPF with more senders",
        "spf",
        "",
        '@ 60 IN TXT "v=spf1 a mx include:ip.mailer.test include:amazonses.com -all"\n',
    ),
    Story("SPF in capitals", "spf", "", '@ 60 IN TXT "V=SPF1 INCLUDE:AMAZONSES.COM ?ALL"\n'),
    Story("SPF in two strings", "spf", "", '@ 60 IN TXT "v=spf1 include:ama" "zonses.com ~all"\n'),
    Story("SPF through a nested include", "spf", "", '@ 60 IN TXT "v=spf1 include:spf.mailer.test ~all"\n'),
    Story("SPF through a redirect", "spf", "", '@ 60 IN TXT "v=spf1 redirect=spf.mailer.test"\n'),
    Story(
        "SPF with macros beside us",
        "spf",
        "",
        '@ 60 IN TXT "v=spf1 include:amazonses.com exists:%{i}.x.acme.example ~all"\n',
    ),
    Story(
        "SPF with exactly ten look-ups",
        "spf",
        "",
        HOSTS + f'@ 60 IN TXT "v=spf1 include:amazonses.com {NINE} ~all"\n',
    ),
    Story(
        "SPF with two hosts that are gone",
        "spf",
        "",
        '@ 60 IN TXT "v=spf1 include:amazonses.com a:gone.acme.example mx:gone.acme.example a:h.mailer.test ~all"\n',
    ),
    Story(
        "Ten look-ups through includes",
        "spf",
        "",
        '@ 60 IN TXT "v=spf1 include:amazonses.com include:four.mailer.test include:three.mailer.test ~all"\n',
    ),
    Story(
        "An include in a loop", "spf", "", '@ 60 IN TXT "v=spf1 include:amazonses.com include:loop.mailer.test ~all"\n'
    ),
    Story(
        "Other TXT values beside SPF",
        "spf",
        "",
        SPF + '@ 60 IN TXT "google-site-verification=x"\n@ 60 IN TXT "MS=ms1"\n',
    ),
    Story("SPF with +all", "spf", "", '@ 60 IN TXT "v=spf1 include:amazonses.com +all"\n'),
    Story("An unknown modifier in SPF", "spf", "", '@ 60 IN TXT "v=spf1 include:amazonses.com foo=bar ~all"\n'),
    Story(
        "SPF of 600 characters in strings",
        "spf",
        "",
        '@ 60 IN TXT "v=spf1 include:amazonses.com '
        + " ".join(f"ip4:192.0.2.{n}" for n in range(12))
        + '" "'
        + "".join(f" ip4:198.51.100.{n}" for n in range(12))
        + ' ~all"\n',
    ),
    Story("A stronger policy", "dmarc", "", '_dmarc 60 IN TXT "v=DMARC1; p=reject; sp=quarantine; adkim=s"\n'),
    Story("Tags in another order", "dmarc", "", '_dmarc 60 IN TXT "v=DMARC1; pct=50; p=quarantine"\n'),
    Story(
        "No space behind the semicolons", "dmarc", "", '_dmarc 60 IN TXT "v=DMARC1;p=none;rua=mailto:a@acme.example"\n'
    ),
    Story("Spaces around the equal signs", "dmarc", "", '_dmarc 60 IN TXT "v = DMARC1 ; p = none"\n'),
    Story(
        "_dmarc leads to the policy of a service",
        "dmarc",
        "",
        '_dmarc 60 IN CNAME policy\npolicy 60 IN TXT "v=DMARC1; p=reject"\n',
    ),
    Story(
        "Reports to oneself", "dmarc", "", '_dmarc 60 IN TXT "v=DMARC1; p=none; rua=mailto:x@reports.acme.example"\n'
    ),
    Story(
        "Reports to a service that agreed",
        "dmarc",
        "",
        '_dmarc 60 IN TXT "v=DMARC1; p=none; rua=mailto:x@reports.mailer.test"\n',
    ),
    Story(
        "Reports to a service that takes all",
        "dmarc",
        "",
        '_dmarc 60 IN TXT "v=DMARC1; p=none; rua=mailto:x@all.mailer.test!10m"\n',
    ),
    Story("A policy inherited from the domain above", "dmarc", "", DMARC, domain="mail.acme.example"),
    Story("Another TXT beside the policy", "dmarc", "", DMARC + '_dmarc 60 IN TXT "hello"\n'),
    Story("DKIM in capitals", "dkim", "", "TOK0._DOMAINKEY 60 IN CNAME TOK0.DKIM.AMAZONSES.COM.\n"),
    Story(
        "_domainkey is a zone of its own",
        "dkim",
        "",
        "_domainkey 60 IN NS ns2.nic.example.\n",
        beside={
            "_domainkey.acme.example.": SOA + "@ 60 IN NS ns2.nic.example.\ntok0 60 IN CNAME tok0.dkim.amazonses.com.\n"
        },
    ),
    Story(
        "DKIM through a DNAME",
        "dkim",
        "",
        "_domainkey 60 IN DNAME keys\ntok0.keys 60 IN CNAME tok0.dkim.amazonses.com.\n",
    ),
    Story("One server is down", "owner", "", GOOD, behaviour={"127.0.0.12": "silent"}),
    Story("One server is lame", "mx", "", GOOD, behaviour={"127.0.0.11": "lame"}),
    Story(
        "Answers come over TCP alone", "spf", "", GOOD, behaviour={"127.0.0.11": "truncated", "127.0.0.12": "truncated"}
    ),
    Story("Another claim's value beside ours", "claim", "", CLAIM + "_postern 60 IN TXT postern-verify=ffff\n"),
    Story(
        "A subdomain within the zone",
        "mx",
        "",
        "mail 60 IN MX 10 inbound-smtp.us-east-1.amazonaws.com.\n",
        domain="mail.acme.example",
    ),
    Story(
        "A subdomain with a zone of its own",
        "owner",
        "",
        "mail 60 IN NS ns1.nic.example.\n",
        domain="mail.acme.example",
        beside={"mail.acme.example.": SOA + f'@ 60 IN NS ns1.nic.example.\n_amazonses 60 IN TXT "{TOKEN}"\n'},
    ),
)
