"""Make a stranger's HTML fit to be looked at: sanitised, loading nothing, in a document with a policy of its own.

Two walls that do not trust each other: nh3 takes out what could act, and the frame (`sandbox`, a Content Security
Policy in the document and in its response) keeps what was missed from doing anything.
"""

from __future__ import annotations

import html as html_text
import re
from collections import Counter
from collections.abc import Mapping
from urllib.parse import unquote

import nh3

# An HTML parser needs time in the square of the nesting and of one tag's attributes: what is longer is cut, what is
# nested deeper is shown as text. The worst that fits takes about a second.
MAX_HTML_CHARACTERS = 256 * 1024
MAX_NESTING = 1000
# What the images of a mail may take in its document, however often the HTML shows them.
MAX_INLINE_CHARACTERS = 12 * 1024 * 1024
# What the <iframe> that shows a message says in its `sandbox` attribute: links may open, nothing runs.
FRAME_SANDBOX = "allow-popups allow-popups-to-escape-sandbox"

_TAGS = frozenset(
    """a abbr address article aside b bdi bdo big blockquote br caption center cite code col colgroup dd del details dfn
    div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li main mark nav ol p pre q
    s samp section small span strike strong sub summary sup table tbody td tfoot th thead time tr tt u ul var
    wbr""".split()  # noqa: SIM905 - words read better than a hundred quotes
)
_SHAPE = frozenset({"align", "valign", "bgcolor", "width", "height"})
_ATTRIBUTES: dict[str, set[str]] = {
    "*": {"dir", "lang", "style", "title"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height", "align"},
    "font": {"color", "face", "size"},
    "ol": {"start", "type"},
    "time": {"datetime"},
    "table": {*_SHAPE, "border", "cellpadding", "cellspacing"},
    "td": {*_SHAPE, "colspan", "rowspan"},
    "th": {*_SHAPE, "colspan", "rowspan"},
    "col": {"span", "width"},
    "colgroup": {"span", "width"},
    "tr": set(_SHAPE),
    "div": {"align"},
    "p": {"align"},
}
# No property that takes an image, leaves the flow or covers what stands around it.
_STYLES = frozenset(
    """background-color border border-bottom border-bottom-color border-bottom-style border-bottom-width border-collapse
    border-color border-left border-left-color border-left-style border-left-width border-radius border-right
    border-right-color border-right-style border-right-width border-spacing border-style border-top border-top-color
    border-top-style border-top-width border-width color direction display font font-family font-size font-style
    font-weight height letter-spacing line-height list-style-type max-height max-width min-height min-width padding
    padding-bottom padding-left padding-right padding-top margin margin-bottom margin-left margin-right margin-top
    text-align text-decoration text-indent text-transform vertical-align white-space width word-break
    word-wrap""".split()  # noqa: SIM905
)
DROPPED_WITH_CONTENT = frozenset(
    """script style title head template noscript noembed noframes iframe object embed applet svg math textarea select
    option xmp plaintext audio video canvas""".split()  # noqa: SIM905
)
# A declaration that could load, run or escape.
_UNSAFE_STYLE = re.compile(r"\\|/\*|@|<|expression|javascript|(?:url|image|image-set|src|var|attr|element)\s*\(", re.I)

_TAG_NAME = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
# Void elements, and those whose start closes their last.
_UNNESTED_TAGS = frozenset({"area", "br", "col", "hr", "img", "input", "link", "meta", "p", "wbr", "li", "td", "tr"})
# A start tag as nh3 writes it, every value in double quotes and every double quote in it escaped: read whole, so that
# what only looks like a tag within a value stays a value.
_START_TAG = re.compile(r'<([a-z][a-z0-9]*)((?: [a-z][a-z0-9-]*="[^"]*")*)>')
_INLINE = re.compile(r' data-cid="([^"]*)"')
_ATTRIBUTE = re.compile(r' ([a-z][a-z0-9-]*)="([^"]*)"')

_FRAME_STYLE = (
    "body{margin:0;padding:16px;font:14px/1.5 system-ui,sans-serif;color:#111;background:#fff;overflow-wrap:break-word}"
    "img{max-width:100%;height:auto}table{max-width:100%}blockquote{margin:0 0 0 8px;padding-left:8px;"
    "border-left:2px solid #ccc}pre{white-space:pre-wrap}"
    "img[data-blocked],img[data-cid]{min-width:16px;min-height:16px;border:1px dashed #999}"
)


def sanitise_html(html: str) -> str:
    """Return the harmless part of `html`: no script, form, frame or style sheet, and nothing that loads by itself.

    An image's address moves to `data-blocked` (remote) or `data-cid` (a part of the mail, without the `cid:`).
    Links open outside and tell nobody where they stood. Text past MAX_HTML_CHARACTERS is cut.
    """
    html = html[:MAX_HTML_CHARACTERS]
    if is_nested_too_deeply(html):
        return f"<p>{html_text.escape(re.sub('<[^<>]*>', ' ', html))}</p>"
    cleaned = nh3.clean(
        html,
        tags=set(_TAGS),
        clean_content_tags=set(DROPPED_WITH_CONTENT),
        attributes=_ATTRIBUTES,
        attribute_filter=_keep_attribute,
        set_tag_attribute_values={"a": {"target": "_blank"}},
        link_rel="noopener noreferrer",
        url_schemes={"http", "https", "mailto", "cid"},
        filter_style_properties=set(_STYLES),
        strip_comments=True,
    )
    return _START_TAG.sub(_disarm_image, cleaned)


def frame_document(html: str, *, allow_images: bool = False, inline: Mapping[str, str] | None = None) -> str:
    """Return the complete document that shows a message's `html`, as it came, in a sandboxed frame.

    With `allow_images` the reader has asked for the remote images of this message; `inline` has `data:` addresses by
    the content id (RFC 2392) of images that are parts of it.
    """
    body = sanitise_html(html)
    if allow_images:
        body = _START_TAG.sub(_arm_image, body)
    if inline:
        body = _with_inline_images(body, inline)
    policy = html_text.escape(message_frame_csp(allow_images=allow_images), quote=True)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="referrer" content="no-referrer"><meta name="viewport" content="width=device-width">'
        f"<title>Message</title><style>{_FRAME_STYLE}</style></head><body>{body}</body></html>"
    )


def message_frame_csp(*, allow_images: bool) -> str:
    """Return the Content Security Policy for the document of `frame_document` (CSP level 3), fit for a meta tag."""
    images = "https: http: data:" if allow_images else "data:"
    return (
        f"default-src 'none'; img-src {images}; style-src 'unsafe-inline'; script-src 'none'; "
        "base-uri 'none'; form-action 'none'"
    )


def frame_csp(*, allow_images: bool = False) -> str:
    """Return the policy for the response that carries the document: what a meta tag may not say comes on top."""
    return (
        f"{message_frame_csp(allow_images=allow_images)}; frame-ancestors 'self'; "
        "sandbox allow-popups allow-popups-to-escape-sandbox"
    )


def inline_ids(sanitised: str) -> list[str]:
    """Return the content ids of the images that a sanitised message has as its own parts, each once."""
    return list(dict.fromkeys(map(_content_id, _INLINE.findall(sanitised))))


def _content_id(written: str) -> str:
    # In an address every character may be percent-encoded (RFC 2392 section 2).
    return unquote(html_text.unescape(written))


def _with_inline_images(sanitised: str, inline: Mapping[str, str]) -> str:
    left = MAX_INLINE_CHARACTERS

    def arm_source(attribute: re.Match[str]) -> str:
        nonlocal left
        address = inline.get(_content_id(attribute[1]), "")
        if not address or len(address) > left:
            return attribute[0]
        left -= len(address)
        return f' src="{html_text.escape(address)}"'

    def arm(tag: re.Match[str]) -> str:
        return f"<img{_INLINE.sub(arm_source, tag[2])}>" if tag[1] == "img" else tag[0]

    return _START_TAG.sub(arm, sanitised)


def has_blocked_images(sanitised: str) -> bool:
    """Tell whether remote images of a sanitised message wait to be asked for."""
    return ' data-blocked="' in sanitised


def is_nested_too_deeply(html: str) -> bool:
    """Tell whether an HTML parser would need more time for `html` than it is worth."""
    open_tags: Counter[str] = Counter()
    depth = 0
    for tag in _TAG_NAME.finditer(html):
        name = tag[2].lower()
        if not tag[1] and name not in _UNNESTED_TAGS:
            open_tags[name] += 1
            depth += 1
            if depth > MAX_NESTING:
                return True
        elif tag[1] and open_tags[name]:
            # An end tag without a start closes nothing, however many there are.
            open_tags[name] -= 1
            depth -= 1
    return False


def _keep_attribute(tag: str, attribute: str, value: str) -> str | None:
    if attribute == "style":
        return ";".join(each for each in value.split(";") if not _UNSAFE_STYLE.search(each))
    address = value.strip().lower()
    if attribute == "href" and not address.startswith(("http://", "https://", "mailto:")):
        return None
    if attribute == "src" and not address.startswith(("http://", "https://", "cid:")):
        return None
    return value


def _disarm_image(tag: re.Match[str]) -> str:
    return f"<img{_ATTRIBUTE.sub(_disarm_source, tag[2])}>" if tag[1] == "img" else tag[0]


def _disarm_source(attribute: re.Match[str]) -> str:
    name, value = attribute[1], attribute[2].strip()
    if name != "src":
        return attribute[0]
    if value[:4].lower() == "cid:":
        return f' data-cid="{value[4:]}"'
    return f' data-blocked="{value}"'


def _arm_image(tag: re.Match[str]) -> str:
    return f"<img{_ATTRIBUTE.sub(_arm_source, tag[2])}>" if tag[1] == "img" else tag[0]


def _arm_source(attribute: re.Match[str]) -> str:
    return f' src="{attribute[2]}"' if attribute[1] == "data-blocked" else attribute[0]
