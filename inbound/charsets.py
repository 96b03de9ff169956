"""Bytes of a mail to text that can be stored, by the charsets that browsers know (WHATWG Encoding, section 4.2; pure).

A label is looked up in a table of ours and never given to Python's codec registry, where a stranger would also find
utf-7 (markup in disguise), idna, punycode, zlib and unicode_escape.
"""

from __future__ import annotations

import re

# Python codec: the labels that mean it. Latin-1 and ASCII mean Windows-1252 on the web as in mail.
_LABELS = """
utf-8: utf-8 utf8 unicode-1-1-utf-8 unicode11utf8 x-unicode20utf8
cp1252: ascii us-ascii ansi_x3.4-1968 iso-8859-1 iso8859-1 iso88591 iso_8859-1 latin1 latin-1 l1
cp1252: cp819 ibm819 cp1252 windows-1252 x-cp1252
iso8859_2: iso-8859-2 iso8859-2 iso88592 iso_8859-2 latin2 l2
iso8859_3: iso-8859-3 iso8859-3 iso88593 iso_8859-3 latin3 l3
iso8859_4: iso-8859-4 iso8859-4 iso88594 iso_8859-4 latin4 l4
iso8859_5: iso-8859-5 iso8859-5 iso88595 iso_8859-5 cyrillic
iso8859_6: iso-8859-6 iso8859-6 iso88596 iso_8859-6 iso-8859-6-e iso-8859-6-i arabic ecma-114 asmo-708
iso8859_7: iso-8859-7 iso8859-7 iso88597 iso_8859-7 greek greek8 ecma-118 elot_928
iso8859_8: iso-8859-8 iso8859-8 iso88598 iso_8859-8 iso-8859-8-e iso-8859-8-i hebrew visual logical
cp1254: iso-8859-9 iso8859-9 iso88599 iso_8859-9 latin5 l5 cp1254 windows-1254 x-cp1254
iso8859_10: iso-8859-10 iso8859-10 iso885910 latin6 l6
iso8859_13: iso-8859-13 iso8859-13 iso885913
iso8859_14: iso-8859-14 iso8859-14 iso885914
iso8859_15: iso-8859-15 iso8859-15 iso885915 iso_8859-15 latin9 latin-9 l9
iso8859_16: iso-8859-16
cp874: windows-874 cp874 dos-874 tis-620 iso-8859-11 iso8859-11 iso885911
cp1250: windows-1250 cp1250 x-cp1250
cp1251: windows-1251 cp1251 x-cp1251
cp1253: windows-1253 cp1253 x-cp1253
cp1255: windows-1255 cp1255 x-cp1255
cp1256: windows-1256 cp1256 x-cp1256
cp1257: windows-1257 cp1257 x-cp1257
cp1258: windows-1258 cp1258 x-cp1258
koi8_r: koi8-r koi8 koi koi8_r
koi8_u: koi8-u koi8-ru
cp866: ibm866 cp866 866
mac_roman: macintosh mac x-mac-roman
mac_cyrillic: x-mac-cyrillic x-mac-ukrainian
gb18030: gb18030 gbk gb2312 gb_2312 gb_2312-80 x-gbk chinese csgb2312 iso-ir-58
big5hkscs: big5 big5-hkscs cn-big5 x-x-big5 csbig5
euc_jp: euc-jp x-euc-jp eucjp
iso2022_jp: iso-2022-jp csiso2022jp
cp932: shift_jis shift-jis sjis ms_kanji windows-31j x-sjis ms932 cp932
cp949: euc-kr euckr cseuckr ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601 korean windows-949 cp949
utf-16: utf-16 unicode ucs-2 iso-10646-ucs-2
utf-16-le: utf-16le unicodefeff
utf-16-be: utf-16be unicodefffe
"""
_CODECS = {
    label: codec
    for codec, _, labels in (line.partition(": ") for line in _LABELS.strip().splitlines())
    for label in labels.split()
}
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_CONTROL = re.compile("[\0-\x1f\x7f\x80-\x9f\u2028\u2029]+")


def decode_bytes(raw: bytes, charset: str) -> tuple[str, str]:
    """Return the text and a defect or "". Wrong bytes become U+FFFD.

    Without a charset, and under the name of ASCII or Latin-1, bytes that are UTF-8 are read as UTF-8: that is what the
    sender's program forgot to say. Under a name that nobody knows they are UTF-8 or else Windows-1252.
    """
    label = charset.partition("*")[0].strip().strip("\"'").lower()
    codec = _CODECS.get(label) if label else "cp1252"
    if codec is None or (codec == "cp1252" and label != "windows-1252"):
        defect = "unknown_charset" if codec is None else ""
        try:
            return clean_text(raw.decode("utf-8")), defect
        except UnicodeDecodeError:
            return clean_text(raw.decode("cp1252", "replace")), defect
    try:
        return clean_text(raw.decode(codec)), ""
    except UnicodeDecodeError:
        return clean_text(raw.decode(codec, "replace")), "undecodable_bytes"


def clean_text(text: str) -> str:
    """Return `text` with U+FFFD for what neither UTF-8 nor PostgreSQL can hold: half a surrogate pair, a NUL."""
    return _UNSTORABLE.sub("\ufffd", text)


def clean_line(text: str) -> str:
    """Return `text` as one line: control characters and line ends as a blank, none at its ends."""
    return _CONTROL.sub(" ", clean_text(text.replace("\0", "\ufffd"))).strip()
