"""The page at `/_sandbox/`: what the sandbox is and what it can be told."""

from __future__ import annotations

from html import escape

_INTRODUCTION = """AWS (SES v1 and v2, SNS, S3, Route 53, SQS, STS), Cloudflare's DNS API, DNS and SMTP on this machine.
Point boto3 here with AWS_ENDPOINT_URL and any credentials; Cloudflare's API is at /client/v4. Identities become
verified only when the sandbox's own DNS serves their records; mail is taken only by the active receipt rules."""

_ROUTES = (
    ("GET ready", "200 when all of it listens"),
    ("GET state", "all that SES, SNS and DNS know"),
    ("POST reset", "forget everything but the signing key"),
    (
        "POST publish",
        (
            '{"records": [{"type", "name", "value", "priority"?, "ttl"?}]}, or a whole answer of the REST API with its '
            "dnsRecords; zones are made as needed"
        ),
    ),
    ("GET zones", "the names of all zones, the hosted zones of Route 53 among them"),
    (
        "GET|PUT|DELETE zones/NAME",
        (
            '{"records": [...], "delegations"?: {"child.name": ["name server"]}, "servers"?: {"127.0.0.53": '
            '{"behaviour"?: "lame|slow|servfail|refused|truncated|drop", "records"?: [...]}}}, or a zone file'
        ),
    ),
    ("POST|DELETE zones/NAME/records", "one record"),
    (
        "POST cloudflare",
        (
            '{"zones": ["example.com"], "may"?: "edit|read", "token"?, "status"?: "active|expired"}: an API token for '
            "Cloudflare and the zones that it sees; a DNS host that the product can write to"
        ),
    ),
    ("POST check", "SES looks at DNS now (it does so every second anyhow); answers with every identity's status"),
    (
        "GET|POST clock",
        '{"advance_seconds": 259200}: the clock by which SES counts its 72 hours; mail and SNS carry the real time',
    ),
    (
        "POST mail",
        (
            '{"from", "to": [...], "raw" or "raw_base64", "verdicts"?: {"spam|virus|spf|dkim|dmarc": "FAIL"}, '
            '"announce"?: true, "duplicate"?: 0}: a mail comes in, without SMTP'
        ),
    ),
    (
        "GET|POST|DELETE faults",
        (
            '{"operation": AWS\'s name or "*", "kind": "error|delay|lose_answer|cut", "code"?, "message"?, "status"?, '
            '"seconds"?, "times"?, "skip"?}; a lost answer has its effect before the connection ends, a cut call has '
            "none, and of the calls so many are skipped first"
        ),
    ),
    ("GET|DELETE calls", "the log of AWS calls and their statuses, ?since= seconds since the epoch"),
    ("POST throttle", '{"on": true}: one SES control call a second, an account and region'),
)


def _page() -> str:
    rows = "".join(f"<tr><td><code>{escape(route)}</code></td><td>{escape(says)}</td></tr>" for route, says in _ROUTES)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Postern\'s sandbox</title></head><body>'
        f"<h1>Postern's sandbox</h1><p>{escape(_INTRODUCTION)}</p>"
        f"<p>All routes stand below <code>/_sandbox/</code> and speak JSON.</p><table>{rows}</table></body></html>\n"
    )


INDEX = _page()
