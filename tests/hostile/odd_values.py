"""Odd values for ids, texts, JSON fields and headers,
from which the requests of this folder are put together."""

from __future__ import annotations

from typing import Any

IDS = (
    "0", "-1", "1", "2147483648", str(2**62), str(2**63 - 1), str(2**63), str(2**64), "1" * 19, "9" * 4300,
    "+1", "1.0",
    "1e3", "0x1", "01", " 1", "1 ", "١٢", "１２", "௧", "²", "%00", "1%00", "..", "%2e%2e%2f", ";", "1;2",
    "a", "'", "1'--",
    "1 OR 1=1", "null", "NaN", "true", "%ff", "%ed%a0%80", "\u202e1", "🙂", "*", "%25", "__proto__", "%0d%0aX:1",
)  # fmt: skip
TEXTS = (
    "", " ", "x", "x" * 300, "x" * 5000, "x" * 70_000, "\x00", "a\x00b", "\x1b[31m", "\x7f\x85", "\u202e",
    "\u200b", "\ufeff",
    "\ud800".encode("utf-8", "replace").decode(), "🙂" * 50, "é" * 200, "ﷺ" * 500,
    "<script>alert(1)</script>", "'\"><b>",
    "'; DROP TABLE document;--", "' OR '1'='1", "%", "_", "%_%", "\\", "\\x", "{{7*7}}", "{%print 1%}",
    "${7*7}", "%(a)s",
    "%s%s%n", "../../etc/passwd", "..\\..", "file:///etc/passwd", "https://evil.example/",
    "//evil.example", "javascript:1",
    "=?utf-8?q?a=0D=0ABcc:_x=40y.example?=", "a@b.pt", "a@b.pt\r\nBcc: x@y.pt", "a b@c", "1E-999999999",
    "1E+999999999",
    "NaN", "Infinity", "-0", "0,005", "1.234.567,89", "9" * 400, "٣٣", "1e400", "true", "null", "[]", "{}",
    '{"a": 1}',
    "9999-12-31", "0000-00-00", "2026-02-30", "9999-12", "0001-01", "2026-13", "-1-1", "24:00", "99:99",
    "issue", "yes",
    "igest", "phcgo", "jumpseller", "sale", "PT", "XX", "999999990", "123456789", "PT123456789", "M07",
    "normal", "23",
)  # fmt: skip
JSON_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, 10**30, 0.1, -0.0, 1e308, "", " ", "x", "x" * 5000,
    "a\x00b", "\u202e", "🙂",
    [], [[]], [None], ["a"], [1, 2], {}, {"id": 1}, {"order": {}}, "<script>alert(1)</script>", "NaN",
    "1e400", "-1", "1.005",
    "9999-12-31 23:59:59 UTC", "0001-01-01", "2026-02-30", "../1", "1;2", "%00", "paid", "canceled",
    "Paid", {"a": {"b": {}}},
)  # fmt: skip
RAW_JSON = (
    "NaN",
    "Infinity",
    "1E999999999",
    "1E-999999999",
    "9" * 5000,
    '"\\ud800"',
    '"\\u0000"',
    "01",
    "'a'",
    "tru",
    "",
)
"""Values as they may stand in a JSON text, though Python would not write them."""
HEADERS = {
    "Host": ("evil.example", "localhost:99999", "", "a" * 300, "[::1", "localhost\x00".replace("\x00",
        "%00"), "127.0.0.1"),
    "X-Forwarded-For": ("127.0.0.1", "1.1.1.1, 2.2.2.2", "x" * 3000, "::1", "unknown"),
    "X-Forwarded-Host": ("evil.example", "evil.example, localhost"),
    "X-Forwarded-Proto": ("https", "javascript", "https,http"),
    "X-Forwarded-Prefix": ("/evil.example", "//evil.example"),
    "Forwarded": ("for=127.0.0.1;host=evil.example;proto=https",),
    "X-HTTP-Method-Override": ("DELETE", "POST"),
    "Accept-Language": ("pt", "en", "*", "x" * 3000, "en;q=NaN", "pt;q=1e400", ",,,", "zz-ZZ;q=-1",
        "en;q=" + "9" * 500),
    "Accept": ("*/*", "application/json", "x" * 2000, "text/html;q=NaN"),
    "Accept-Encoding": ("gzip", "identity;q=0", "*;q=0", "x" * 1000),
    "If-None-Match": ("*", '"x"', "W/\"x\"", "x" * 2000),
    "If-Modified-Since": ("Fri, 31 Dec 9999 23:59:59 GMT", "x", "Thu, 30 Feb 2026 10:00:00 GMT"),
    "Range": ("bytes=0-", "bytes=-1", "bytes=9-1", "x=1", "bytes=0-0,1-1"),
    "Referer": ("https://evil.example/", "\u00e9", "x" * 3000),
    "User-Agent": ("", "x" * 5000, "sqlmap"),
    "Authorization": ("Bearer x", "Basic eDp4", "Basic %%%", "Digest a=b"),
    "Content-Encoding": ("gzip", "identity", "br"),
    "Transfer-Encoding": ("chunked",),
    "Expect": ("100-continue",),
    "Content-Length": ("0", "5"),
    "X-Requested-With": ("XMLHttpRequest",),
    "Sec-Fetch-Site": ("cross-site",),
}  # fmt: skip
CONTENT_TYPES = (
    "application/x-www-form-urlencoded", "application/json", "text/plain", "text/xml", "multipart/form-data",
    "multipart/form-data; boundary=", "multipart/form-data; boundary=x", "multipart/mixed; boundary=x",
    "application/x-www-form-urlencoded; charset=utf-16",
    "application/x-www-form-urlencoded; charset=no-such", "", "x", "a/b/c",
    "multipart/form-data; boundary=" + "x" * 300,
)  # fmt: skip
MULTIPART = (
    b"--x\r\nContent-Disposition: form-data\r\n\r\nvalue\r\n--x--\r\n",
    b'--x\r\nContent-Disposition: form-data; filename="a"\r\n\r\nvalue\r\n--x--\r\n',
    b'--x\r\nContent-Disposition: form-data; name=""\r\n\r\nvalue\r\n--x--\r\n',
    b'--x\r\nContent-Disposition: form-data; name="sure"\r\nContent-Type: text/plain; charset=utf-7\r\n\r\n'
    b"yes\r\n--x--\r\n",
    b'--x\r\nContent-Disposition: form-data; name="to"; filename="../../x"\r\n\r\n\x00\xff\r\n--x--\r\n',
    b'--x\r\nContent-Disposition: form-data; name="a\x00b"\r\n\r\n1\r\n--x--\r\n',
    b"--x\r\n\r\n\r\n--x--\r\n", b"--x--", b"--x", b"", b"\r\n--x\r\nContent-Disposition: x; name=a\r\n\r\n",
    b'--x\r\nContent-Disposition: form-data; name="csrf_token"; filename="a"\r\n\r\nx\r\n--x--\r\n',
    b"--x\r\n" + b"A: b\r\n" * 500 + b"\r\nvalue\r\n--x--\r\n",
    b"".join(b'--x\r\nContent-Disposition: form-data; name="f%d"\r\n\r\n1\r\n' % n for n in range(1500)) + b"--x--\r\n",
)  # fmt: skip
