"""Addresses that lead inside, wherever somebody outside can name one: nothing is ever connected to.

Nothing is sent: a stub stands in the place of the resolver, and each connection is recorded and refused.
"""

from __future__ import annotations

import contextlib
import ipaddress
import itertools
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from shopapp.errors import AppError
from shopapp.fiscal.document import Issued
from shopapp.http_client import HttpClient, is_public_address
from shopapp.providers.igest import IGest
from shopapp.providers.phcgo import PhcGo
from shopapp.providers.phcgo.session import SESSIONS
from tests.hostile.addresses import OUTSIDE, schedules, spellings
from tests.hostile.conftest import FULL, Figures

KEYS = {"key": "a" * 40, "code": "b" * 40, "nif": "509999990", "entity": "1"}
PERMITTED = (".phcgo.net", ".drivefx.net", "erp.example.pt")
LOOK_UP = socket.getaddrinfo


class Network:
    """Answers look-ups, and records the addresses connected to: numbers as the system reads them, names as told."""

    def __init__(self) -> None:
        self.answers: Iterator[list[str]] | None = None
        self.given: list[list[str]] = []
        self.connected: list[str] = []

    def look_up(self, host: str, port: Any, *args: Any, **more: Any) -> list[Any]:
        with contextlib.suppress(OSError, UnicodeError):
            return LOOK_UP(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        found = next(self.answers) if self.answers else ["127.0.0.1"]
        self.given.append(found)
        if not found:
            raise socket.gaierror("no answer")
        kinds = {4: socket.AF_INET, 6: socket.AF_INET6}
        return [
            (kinds[ipaddress.ip_address(one).version], socket.SOCK_STREAM, 6, "", (one, port))
            for one in found
        ]

    def connect(self, address: Any, *args: Any, **more: Any) -> socket.socket:
        self.connected.append(str(address[0]))
        raise ConnectionRefusedError("no connection in a test")


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Network:
    found = Network()
    monkeypatch.setattr(socket, "getaddrinfo", found.look_up)
    monkeypatch.setattr(socket, "create_connection", found.connect)
    monkeypatch.setattr(socket.socket, "connect", lambda self, address: found.connect(address))
    SESSIONS.clear()
    return found


def now() -> datetime:
    return datetime(2026, 11, 20, tzinfo=UTC)


def typed_address(url: str) -> Any:
    """Open the installation that a merchant types."""
    keys = {"url": url, "user": "loja", "password": "x", "token": "dG9r+ZW4=", "company": ""}
    return PhcGo(keys, HttpClient(2), now=now, hosts=PERMITTED).check()


def pdf_link(url: str) -> Any:
    """Fetch the PDF from the address that a provider answered."""
    return IGest(KEYS, HttpClient(2), now=now, url="https://igest.example/webservice.php").pdf(
        Issued("1", "FR 1/1", pdf_url=url)
    )


WAYS: dict[str, Callable[[str], Any]] = {
    "the address of an installation": typed_address,
    "the link to a PDF": pdf_link,
    "any call that reads": lambda url: HttpClient(2).read("GET", url),
    "any call that writes": lambda url: HttpClient(2).write("POST", url, data=b"x"),
}


@pytest.mark.parametrize("way", WAYS)
def test_no_spelling_of_an_inside_address_is_connected_to(
    network: Network, figures: Figures, way: str
) -> None:
    wanted = spellings(450 if FULL else 40)
    for url in wanted:
        figures["addresses"] += 1
        try:
            WAYS[way](url)
            figures.fault("answered", url)
        except AppError:
            figures["refused"] += 1
        except Exception as error:  # noqa: BLE001  (whatever else it is, it is no refusal)
            figures.fault("unclassified", f"{type(error).__name__} {url!a}")
    figures["connects inside"] = len(network.connected)
    assert network.connected == []
    figures.check()


def test_more_than_four_hundred_spellings_are_tried() -> None:
    assert len(spellings(450)) >= 400 and len(schedules()) >= 50


@pytest.mark.parametrize("way", WAYS)
def test_a_name_that_changes_its_address_leads_nowhere_inside(
    network: Network, figures: Figures, way: str
) -> None:
    for schedule in schedules()[:: 1 if FULL else 12]:
        network.answers = itertools.cycle(schedule)
        figures["schedules"] += 1
        for _ in range(3):
            SESSIONS.clear()
            with pytest.raises(AppError):
                WAYS[way]("https://sis05.phcgo.net/abc")
    admitted = {one for found in network.given if all(map(is_public_address, found)) for one in found}
    figures["look-ups"] = len(network.given)
    inside = [one for one in network.connected if not is_public_address(one)]
    figures["connects inside"] = len(inside)
    figures["connects outside"] = len(network.connected)
    assert not inside and set(network.connected) <= admitted
    if way != "the link to a PDF":  # an operator's list may refuse the name before anything is looked up
        assert OUTSIDE in network.connected
