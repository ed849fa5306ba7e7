"""PHC GO addresses that merchants type: the app never connects to anything outside the operator's list.

Nothing is sent: a stub replaces the resolver, and every connection is recorded and refused.
"""

from __future__ import annotations

import itertools
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from shopapp.errors import AppError, CredentialsError, UnreachableError
from shopapp.fiscal.document import Customer, Draft, DraftLine, Issued
from shopapp.http_client import HttpClient, is_public_address
from shopapp.providers.phcgo import PhcGo
from shopapp.providers.phcgo.session import SESSIONS
from tests.hostile.addresses import INSIDE_NAMES, OUTSIDE, PRIVATE, schedules

HOSTS = (".phcgo.net", ".drivefx.net", "erp.example.pt")
SCHEMES = (
    "http",
    "ftp",
    "gopher",
    "file",
    "ws",
    "ldap",
    "dict",
    "jar",
    "javascript",
    "data",
    "//",
    "https:",
    "https:/",
)

OTHER_NAMES = (
    "93.184.216.34", "[2606:2800:220:1::1]",
    "evil.test", "phcgo.net.evil.test", "sis05.phcgo.net.evil.test", "evilphcgo.net", "sis05-phcgo.net", "phcgo.net",
    "drivefx.net", "phcgo.net.", "sis05.phcgo.net.", "sis05.phcgo.net..", ".phcgo.net", "..phcgo.net", "-.phcgo.net",
    "sis05..phcgo.net", "-sis05.phcgo.net", "sis05-.phcgo.net", "sis_05.phcgo.net", "*.phcgo.net", "sis05.phcgo.com",
    "sis05.phcgo.net,evil.test", "sis05.phcgo.net;evil.test", "evil.test,sis05.phcgo.net", "sis05.phcg0.net",
    "sis05.рhcgo.net", "sis05.phcgo.nеt", "sis05.phcgo。net", "sis05．phcgo．net", "ｓｉｓ05.phcgo.net",
    "sis05.phcgo.net\u200b", "sis05.ph\u00adcgo.net", "xn--phcgo-1ve.net", "a.erp.example.pt",
    "erp.example.pt.evil.test", "xerp.example.pt", "phcgo.net:443.evil.test", "sis05.phcgo.net%2eevil.test",
    "sis05%2ephcgo.net", "%73is05.phcgo.net",
    "sis05.phcgo.net%00.evil.test", "sis05.phcgo.net%0d%0aHost:evil.test", "a" * 64 + ".phcgo.net",
    ".".join(["a" * 60] * 5) + ".phcgo.net",
)  # fmt: skip
HIDDEN = (
    "https://sis05.phcgo.net@evil.test/x", "https://sis05.phcgo.net:pw@evil.test/x", "https://evil.test@sis05.phcgo.net/x",
    "https://user:pw@sis05.phcgo.net/x", "https://@sis05.phcgo.net/x", "https://evil.test#.phcgo.net/x",
    "https://evil.test#@sis05.phcgo.net/x", "https://evil.test?.phcgo.net/x", "https://evil.test?@sis05.phcgo.net/",
    "https://evil.test\\.phcgo.net/x", "https://evil.test\\@sis05.phcgo.net/x", "https:\\\\sis05.phcgo.net\\x",
    "https://sis05.phcgo.net\\@evil.test/x", "https://evil.test/.phcgo.net", "https://evil.test/sis05.phcgo.net/x",
    "https://evil.test;.phcgo.net/x", "https://evil.test&.phcgo.net/x", "https://evil.test .phcgo.net/x",
    "https://evil.test\t.phcgo.net/x", "https://evil.test\r\n.phcgo.net/x", "https://evil.test\x00.phcgo.net/x",
    "https://sis05.phcgo.net /x", "https://sis05.phcgo.net\t/x", "https://sis05.phcgo.net\n/x", "https://sis05.\nphcgo.net/x",
    "https://sis05.phcgo.net:80/x", "https://sis05.phcgo.net:22/x", "https://sis05.phcgo.net:8443/x",
    "https://sis05.phcgo.net:0/x", "https://sis05.phcgo.net:65536/x", "https://sis05.phcgo.net:/x",
    "https://sis05.phcgo.net:0443/x", "https://sis05.phcgo.net:+443/x", "https://sis05.phcgo.net:4４3/x",
    "https://sis05.phcgo.net/../x", "https://sis05.phcgo.net/x/../..", "https://sis05.phcgo.net/x/./y",
    "https://sis05.phcgo.net//evil.test/x", "https://sis05.phcgo.net/x//y", "https://sis05.phcgo.net/%2e%2e/x",
    "https://sis05.phcgo.net/x?next=https://evil.test", "https://sis05.phcgo.net/x#evil.test", "https://sis05.phcgo.net/x;y",
    "https://sis05.phcgo.net/x\\y", "https://sis05.phcgo.net/x y", "https://sis05.phcgo.net/x%0d%0ay",
    "https://sis05.phcgo.net/@evil.test", "https://sis05.phcgo.net/a/b/c/d/e", "https://sis05.phcgo.net/ção",
    "https://", "https:///x", "https://?x", "https://#x", "://sis05.phcgo.net", "", " ", "\t", "/", "//",
    "///evil.test",
    "https://[sis05.phcgo.net]/x", "https://[::1].phcgo.net/x", "https://[::1]@sis05.phcgo.net", "https://%5b::1%5d/x",
    "https://sis05.phcgo.net/" + "x" * 300, "view-source:https://sis05.phcgo.net/x", "url:https://sis05.phcgo.net/x",
    "https://https://sis05.phcgo.net/x", "https://http://evil.test/x", "<https://sis05.phcgo.net/x>",
)  # fmt: skip
SPELLINGS = [
    *(f"https://{name}/x" for name in (*INSIDE_NAMES, *OTHER_NAMES)),
    *(f"{name}/x" for name in (*INSIDE_NAMES, *OTHER_NAMES)),
    *(f"{scheme}://sis05.phcgo.net/x" for scheme in SCHEMES),
    *HIDDEN,
]


class Outside:
    """Replaces resolver and connections; records names looked up and addresses connected to."""

    def __init__(self) -> None:
        self.answers: Iterator[list[str]] = itertools.repeat([OUTSIDE])
        self.names: list[str] = []
        self.given: list[list[str]] = []
        self.connected: list[str] = []

    def resolve(self, host: str, port: Any, *args: Any, **more: Any) -> list[Any]:
        self.names.append(host)
        found = next(self.answers)
        self.given.append(found)
        if not found:
            raise socket.gaierror("no answer")
        return [
            (socket.AF_INET6 if ":" in one else socket.AF_INET, socket.SOCK_STREAM, 6, "alias.test", (one, port))
            for one in found
        ]  # fmt: skip

    def connect(self, address: tuple[str, int], *args: Any, **more: Any) -> socket.socket:
        self.connected.append(address[0])
        raise ConnectionRefusedError("no connection in a test")


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> Outside:
    """Replace name look-ups and connections by a stub."""
    found = Outside()
    monkeypatch.setattr(socket, "getaddrinfo", found.resolve)
    monkeypatch.setattr(socket, "create_connection", found.connect)
    monkeypatch.setattr(socket.socket, "connect", lambda self, address: found.connect(address))
    SESSIONS.clear()
    return found


def open_provider(url: str, http: HttpClient | None = None, loopback: str = "") -> PhcGo:
    keys = {"url": url, "user": "loja", "password": "x", "token": "dG9r+ZW4=", "company": ""}
    moment = datetime(2026, 11, 20, tzinfo=UTC)
    return PhcGo(keys, http or HttpClient(2), now=lambda: moment, hosts=HOSTS, loopback=loopback)


def make_draft() -> Draft:
    ten = Decimal(10)
    line = DraftLine(
        "1",
        "Taça",
        Decimal(1),
        ten,
        Decimal(0),
        "PT",
        Decimal(0),
        "ISE",
        ten,
        ten * 0,
        ten,
        exemption_code="M07",
    )
    day = datetime(2026, 11, 20, tzinfo=UTC).date()
    return Draft("FR", day, Customer("999999990", ""), (line,), (), ten, ten * 0, ten, series="47")


VERBS: dict[str, Callable[[PhcGo], Any]] = {
    "check": lambda provider: provider.check(),
    "choices": lambda provider: provider.choices(),
    "open_draft": lambda provider: provider.open_draft(make_draft(), "QI-1"),
    "issue": lambda provider: provider.issue(make_draft(), "QI-1"),
    "finalise": lambda provider: provider.finalise("stamp"),
    "finalised": lambda provider: provider.finalised_document("stamp"),
    "drop_drafts": lambda provider: provider.drop_drafts("QI-1"),
    "find": lambda provider: provider.find_by_reference("QI-1", make_draft()),
    "read": lambda provider: provider.read_document("stamp"),
    "pdf": lambda provider: provider.pdf(Issued("stamp", "FR 1/1")),
    "email": lambda provider: provider.email("stamp", "ana@example.pt"),
}


def test_at_least_two_hundred_spellings_are_tried() -> None:
    assert len(set(SPELLINGS)) >= 200


@pytest.mark.parametrize("url", sorted(set(SPELLINGS)), ids=ascii)
def test_an_address_outside_the_list_is_refused_before_any_lookup(outside: Outside, url: str) -> None:
    with pytest.raises(CredentialsError) as raised:
        open_provider(url).check()
    assert raised.value.detail["field"] == "url"
    assert outside.names == []
    assert outside.connected == []


@pytest.mark.parametrize("verb", VERBS)
def test_the_address_is_checked_against_the_list_before_every_call(outside: Outside, verb: str) -> None:
    for url in ("https://evil.test/x", "https://127.0.0.1/x", "https://sis05.phcgo.net@evil.test/x"):
        with pytest.raises(CredentialsError):
            VERBS[verb](open_provider(url))
    assert outside.names == []


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        (url, loopback)
        for loopback in ("", "127.0.0.1:5006")
        for url in (
            "http://127.0.0.1:5007/x", "http://127.0.0.1/x", "http://127.1:5006/x", "http://localhost:5006/x",
            "http://127.0.0.1:5006@evil.test/x", "http://127.0.0.1:5006.evil.test/x", "http://evil.test:5006/x",
            "http://127.0.0.1:50066/x", "http://127.0.0.1:5006\\@evil.test/", "https://127.0.0.1:5006/x",
            "http://2130706433:5006/x", "http://[::1]:5006/x", "http://0:5006/x", "http://user@127.0.0.1:5006/x",
        )
    ],
)  # fmt: skip
def test_only_the_configured_loopback_address_is_allowed(outside: Outside, url: str, loopback: str) -> None:
    with pytest.raises(CredentialsError):
        open_provider(url, HttpClient(2, allow_plain=True), loopback).check()
    assert outside.names == outside.connected == []


def test_loopback_is_refused_unless_configured(outside: Outside) -> None:
    with pytest.raises(CredentialsError):
        open_provider("http://127.0.0.1:5006/x", HttpClient(2, allow_plain=True)).check()
    with pytest.raises(UnreachableError):
        # Not even when configured, with the HTTP client of production
        open_provider("http://127.0.0.1:5006/x", HttpClient(2), "127.0.0.1:5006").check()
    assert outside.connected == []


GOOD = {
    "https://sis05.phcgo.net/abc": "https://sis05.phcgo.net/abc",
    "  https://sis05.phcgo.net/abc/  ": "https://sis05.phcgo.net/abc",
    "sis05.phcgo.net/abc": "https://sis05.phcgo.net/abc",
    "HTTPS://SIS05.PHCGO.NET/AbC/html/": "https://sis05.phcgo.net/AbC",
    "https://sis05.phcgo.net:443/abc": "https://sis05.phcgo.net/abc",
    "https://sis05.phcgo.net/abc/PHCWS/REST/": "https://sis05.phcgo.net/abc",
    "https://sis05.phcgo.net/abc/phcws": "https://sis05.phcgo.net/abc",
    "https://sis05.phcgo.net/abc/html": "https://sis05.phcgo.net/abc",
    "https://sis01.drivefx.net/0a1b2c3d/": "https://sis01.drivefx.net/0a1b2c3d",
    "https://erp.example.pt": "https://erp.example.pt",
}


@pytest.mark.parametrize("typed", GOOD)
def test_pasted_addresses_are_normalised(outside: Outside, typed: str) -> None:
    provider = open_provider(typed)
    assert provider._session.base_url() == GOOD[typed]
    with pytest.raises(UnreachableError):
        provider.check()
    assert set(outside.names) == {GOOD[typed].split("/")[2]}
    assert set(outside.connected) == {OUTSIDE}


# Names whose address changes between look-ups

SCHEDULES = schedules()


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda schedule: " ".join(map(str, schedule[:3])))
def test_a_name_that_resolves_to_a_private_address_is_never_connected_to(
    outside: Outside, schedule: list[list[str]]
) -> None:
    outside.answers = iter(schedule * 3)
    for verb in VERBS.values():
        with pytest.raises(AppError):
            verb(open_provider("https://sis05.phcgo.net/abc"))
    assert len(outside.given) == len(VERBS)
    admitted = {one for found in outside.given if all(map(is_public_address, found)) for one in found}
    assert set(outside.connected) <= admitted
    assert not any(one in PRIVATE for one in outside.connected)


def test_at_least_fifty_schedules_are_tried() -> None:
    assert len(SCHEDULES) >= 50
