"""HTML that would run `attack()` or fetch from e.example, in a browser or when another parser has
read it, by what it tries.
"""

ATTACKS = {
    "script": "<script>attack()</script>",
    "handler": '<img src="x" onerror="attack()"><p onclick="attack()" ONMOUSEOVER=attack()>a</p>',
    "handler after a slash": "<img/src=x/onerror=attack()>",
    "javascript link": (
        '<a href="javascript:attack()">a</a><a href="JaVaScRiPt&colon;attack()">b</a>'
    ),
    "javascript link with blanks": (
        '<a href=" java\nscript:attack()">a</a><a href="&#1;javascript:attack()">b</a><a'
        ' href="java&Tab;script:attack()">c</a>'
    ),
    "data link": '<a href="data:text/html,<script>attack()</script>">a</a>',
    "data link with blanks": '<a href=" da\nta:text/html;base64,PHNjcmlwdD4=">a</a>',
    "other schemes": (
        '<a href="vbscript:attack()">a</a><a href="file:///etc/passwd">b</a><a'
        ' href="attachment:x">c</a><a href="c:/x">d</a><a href="blob:x">e</a>'
    ),
    "remote image": (
        '<img src="https://e.example/a.png"><img src="//e.example/b.png"><img'
        ' srcset="https://e.example/c.png 2x"><image src="https://e.example/d.png"><picture>'
        '<source srcset="https://e.example/e.png"><img src="h"></picture>'
    ),
    "input image": (
        '<input type="image" src="https://e.example/a"><button'
        ' formaction="javascript:attack()">b</button>'
    ),
    "frames": (
        '<iframe src="https://e.example/a" srcdoc="<script>attack()</script>"></iframe>'
        '<frameset><frame src="https://e.example/b"></frameset>'
    ),
    "media": (
        '<video src="https://e.example/a" poster="https://e.example/b"><track'
        ' src="https://e.example/c"></video><audio src="https://e.example/d"></audio><bgsound'
        ' src="https://e.example/e">'
    ),
    "plugins": (
        '<object data="https://e.example/a"><param name="x"></object><embed'
        ' src="https://e.example/b"><applet code="https://e.example/c">a</applet>'
    ),
    "head": (
        '<base href="https://e.example/"><link rel="stylesheet" href="https://e.example/a.css">'
        '<meta http-equiv="refresh" content="0;url=https://e.example/b"><link rel="prefetch"'
        ' href="https://e.example/c">'
    ),
    "form": (
        '<form action="https://e.example/a" onsubmit="attack()"><input name="a" autofocus'
        ' onfocus="attack()"></form><isindex action="https://e.example/b">'
    ),
    "style element": (
        '<style>@import "https://e.example/a.css"; p{background:url(https://e.example/b)}</style>'
    ),
    "style attribute": (
        '<p style="background:url(https://e.example/a)">a</p><td'
        ' style="text-align:left;background:u\\72l(https://e.example/b)">b</td><table><tr><td'
        ' style="text-align: center; background: url(https://e.example/c)">c</td><th'
        ' style="text-align: url(https://e.example/d)">d</th></tr></table>'
    ),
    "old attributes": (
        '<table background="https://e.example/a"><tr><td background="https://e.example/b">'
        'a</td></tr></table><body background="https://e.example/c"><q'
        ' cite="https://e.example/d">e</q><a ping="https://e.example/f" href="#x">f</a>'
    ),
    "svg": (
        '<svg onload="attack()"><script>attack()</script><image href="https://e.example/a"/>'
        '<use href="https://e.example/b#c"/><a xlink:href="javascript:attack()"><text>t</text>'
        '</a><animate attributeName="href" values="javascript:attack()"/><set'
        ' onbegin="attack()"/></svg>'
    ),
    "svg foreignObject": (
        '<svg width="9" height="9"><foreignObject><body onload="attack()"><iframe'
        ' src="https://e.example/a"></iframe><img src="x" onerror="attack()"></body>'
        "</foreignObject></svg>"
    ),
    "svg style": (
        '<svg width="9" height="9"><style>@import "https://e.example/a";</style><rect'
        ' style="fill:url(https://e.example/b)" filter="url(https://e.example/c)"/></svg>'
    ),
    "svg not closed": '<svg><p><style><!--</style><img src="x" onerror="attack()">-->',
    "svg title": (
        "<svg><title><img src=x onerror=attack()></title></svg><svg><desc><script>"
        "attack()</script></desc></svg>"
    ),
    "svg in a data address": (
        "<img src=\"data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' width='9'"
        " height='9' onload='attack()'><script>attack()</script></svg>\">"
    ),
    "no image in a data address": (
        '<img src="data:text/html,<script>attack()</script>"><iframe'
        ' src="data:text/html,<script>attack()</script>"></iframe>'
    ),
    "mathml": (
        '<math><mrow href="javascript:attack()" onclick="attack()"><mi'
        ' xlink:href="javascript:attack()">x</mi><maction'
        ' actiontype="statusline#https://e.example/a" xlink:href="javascript:attack()"><mi>'
        "y</mi></maction></mrow></math>"
    ),
    "mathml annotation": (
        '<math><semantics><mi>x</mi><annotation-xml encoding="text/html"><img src="x"'
        ' onerror="attack()"><script>attack()</script></annotation-xml><annotation'
        ' encoding="text/html">&lt;img src=x onerror=attack()&gt;</annotation></semantics>'
        "</math>"
    ),
    "mathml namespace": (
        '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1'
        ' onerror=attack()&gt;">'
    ),
    "mathml and svg": (
        '<math><mtext><svg><mtext><textarea><path id="</textarea><img onerror=attack() src=1>">'
    ),
    "mathml style": (
        "<math><annotation-xml><style><img src=x onerror=attack()></style></annotation-xml><mi>"
        "<style><img src=x onerror=attack()></style></mi></math>"
    ),
    "namespace in a form": (
        "<form><math><mtext></form><form><mglyph><style></math><img src=x onerror=attack()>"
    ),
    "comment": (
        "<!--><script>attack()</script>--><!-- --!><img src=x onerror=attack()> --><!--[if gte"
        " IE 4]><script>attack()</script><![endif]-->"
    ),
    "comment in an attribute": '<p title="--><img src=x onerror=attack()>">a</p>',
    "cdata": (
        "<![CDATA[<script>attack()</script>]]><svg><![CDATA[<img src=x onerror=attack()>]]></svg>"
    ),
    "instruction": (
        '<?xml-stylesheet href="https://e.example/a"?><!DOCTYPE x SYSTEM "https://e.example/b">'
        '<!ENTITY x SYSTEM "https://e.example/c">'
    ),
    "noscript": '<noscript><p title="</noscript><img src=x onerror=attack()>"></noscript>',
    "template": (
        "<template><img src=x onerror=attack()></template><template shadowrootmode=open>"
        "<script>attack()</script></template>"
    ),
    # Text to one parser, markup to the next: what closes the div here must not.
    "iframe text": (
        "<div><iframe></div><script>attack()</script><img src=x onerror=attack()></iframe></div>"
    ),
    "noembed text": (
        "<div><noembed></div><script>attack()</script><img src=x onerror=attack()></noembed></div>"
    ),
    "noframes text": (
        "<div><noframes></div><script>attack()</script><img src=x onerror=attack()></noframes>"
        "</div>"
    ),
    "xmp text": "<div><xmp></div><script>attack()</script><img src=x onerror=attack()></xmp></div>",
    "textarea text": "<div><textarea></div><img src=x onerror=attack()></textarea></div>",
    "title text": "<div><title></div><img src=x onerror=attack()></title></div>",
    "style text": "<div><style></div><img src=x onerror=attack()></style></div>",
    "select text": (
        '<select><template><style><!--</style><a rel="--></style><img src=x onerror=attack()>">'
    ),
    "quotes": (
        '<p title="&quot;><script>attack()</script>">a</p><img alt="&quot;'
        ' onerror=&quot;attack()" src=x>'
    ),
    "broken tags": (
        '<<script>attack()//<</script><img """><script>attack()</script>"\\><p/onclick=attack()>'
    ),
    "nested script": "<scr<script>ipt>attack()</scr</script>ipt><img src=x one<b>rror=attack()>",
    "ours": (
        '<input type="checkbox" value="<script>attack()</script>"><input value="<img src=x'
        ' onerror=attack()>"><svg aria-label="<script>attack()</script>"></svg><img'
        ' alt="<script>attack()</script>" src="gone.png"><iframe src="https://e.example/&quot;>'
        '<script>attack()</script>"></iframe>'
    ),
}
