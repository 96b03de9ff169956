"""Well-formed mail, whatever it says, comes out as the standard library's own parser reads it."""

from __future__ import annotations

import email
import email.policy
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inbound.mime import parse_bytes, parse_file

# Printable, of many scripts; a header's own blanks are nobody's business, so words are parted by one space.
WORD = st.text(st.characters(categories=("L", "N", "S")), min_size=1, max_size=8)
LINE = st.lists(WORD, min_size=1, max_size=6).map(" ".join)
TEXT = st.lists(st.one_of(LINE, st.just("")), min_size=1, max_size=8).map(lambda lines: "\n".join(lines) + "\n")
LOCAL = st.text("abcdefghijklmnopqrstuvwxyz0123456789+_-", min_size=1, max_size=20)
DOMAIN = st.from_regex(r"[a-z]{1,10}\.(example|test)", fullmatch=True)
PERSON = st.builds(Address, st.one_of(st.just(""), LINE), LOCAL, DOMAIN)
PLAIN_PERSON = st.builds(Address, st.sampled_from(["", "Sam", "Doe, Sam", "Sam Q. Doe"]), LOCAL, DOMAIN)
KIND = st.sampled_from(["application/pdf", "image/png", "text/csv", "application/octet-stream", "text/x-python"])
# Marks that a file system minds are taken out of a name: that is looked at in test_mime.py.
LETTERS = st.text(st.characters(categories=("L", "N")), min_size=1, max_size=8)
NAME = st.lists(LETTERS, min_size=1, max_size=3).map(" ".join)
FILENAME = st.builds("{}.{}".format, NAME, st.sampled_from(["pdf", "a"]))
FILE = st.tuples(st.binary(max_size=300), KIND, FILENAME)


@st.composite
def mails(draw: st.DrawFn) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = draw(PERSON)
    mail["To"] = draw(PERSON)
    # Where the library folds several addresses it takes a comma between them into the encoded word of a name.
    mail["Cc"] = draw(st.lists(PLAIN_PERSON, min_size=1, max_size=5))
    mail["Subject"] = draw(LINE)
    mail["Message-ID"] = f"<{draw(LOCAL)}@{draw(DOMAIN)}>"
    mail["Date"] = draw(st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2090, 1, 1)))
    encoding = st.sampled_from(["8bit", "base64", "quoted-printable"])
    mail.set_content(draw(TEXT), cte=draw(encoding))
    if draw(st.booleans()):
        mail.add_alternative(f"<p>{draw(LINE)}</p>\n", subtype="html", cte=draw(encoding))
    for content, kind, filename in draw(st.lists(FILE, max_size=3)):
        main, _, sub = kind.partition("/")
        mail.add_attachment(content, maintype=main, subtype=sub, filename=filename)
    return mail


def squeezed(text: str) -> str:
    """Without blanks: the library's writer and reader disagree on those between encoded words of a name."""
    return "".join(text.split())


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(mail=mails(), line_break=st.sampled_from([email.policy.SMTP, email.policy.default]))
def test_a_well_formed_mail_is_read_alike(mail: EmailMessage, line_break: email.policy.EmailPolicy) -> None:
    raw = mail.as_bytes(policy=line_break)
    theirs = email.message_from_bytes(raw, policy=email.policy.default)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "mail"
        path.write_bytes(raw)
        ours = parse_file(path, folder)
        files = [(Path(folder) / str(part.position)).read_bytes() for part in ours.attachments]
    assert ours.status == "ok", ours.defects
    assert squeezed(ours.subject) == squeezed(theirs["Subject"])
    assert ours.from_ is not None
    (sender,) = theirs["From"].addresses
    assert (squeezed(ours.from_.name), ours.from_.email) == (squeezed(sender.display_name), sender.addr_spec)
    for name, read in (("To", ours.to), ("Cc", ours.cc)):
        assert [(squeezed(each.name), each.email) for each in read] == [
            (squeezed(each.display_name), each.addr_spec) for each in theirs[name].addresses
        ]
    assert ours.date == theirs["Date"].datetime.astimezone(UTC)
    assert ours.message_id_header == str(theirs["Message-ID"])
    for kind, text in (("plain", ours.text), ("html", ours.html)):
        part = theirs.get_body((kind,))
        assert text.split() == (part.get_content().split() if part else [])
    expected = list(theirs.iter_attachments())
    assert [part.filename for part in ours.attachments] == [part.get_filename() for part in expected]
    assert [part.content_type for part in ours.attachments] == [part.get_content_type() for part in expected]
    assert files == [part.get_payload(decode=True) for part in expected]
    assert [part.sha256 for part in ours.attachments] == [sha256(each).hexdigest() for each in files]
    assert parse_bytes(raw).subject == ours.subject
