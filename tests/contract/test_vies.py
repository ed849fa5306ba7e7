"""The app's reading of each answer of VIES: valid, invalid (both kept for a day) or unavailable.

The tests run live against the stand-in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
import requests
from flask_sqlalchemy import SQLAlchemy

from sandbox.core import server
from sandbox.vies import SWITCHES, VERDICTS, VatRegister, create_app
from shopapp.connections import vies
from shopapp.http_client import HttpClient
from shopapp.models import VatNumber, now
from tests.contract import cassette as cassettes

CASSETTE_URL = "https://vies.test"
FIRM = "FR40303265045"
HEALTHY = ("up", "told", "withheld", "known", "refused")


class Commission:
    """The stand-in, queried as the app queries the real service."""

    def __init__(self, register: VatRegister, url: str, session: requests.Session | None = None) -> None:
        self.register, self._url, self._session = register, url, session

    def ask(self, number: str = FIRM, requester: str = "") -> str:
        seconds = 0.5 if self.register.switches["vies"] == "slow" else 20
        http = HttpClient(seconds, allow_plain=True, session=self._session)
        return vies.check_vat_number(number, f"{self._url}/rest-api", http, requester)


@pytest.fixture
def commission(request: pytest.FixtureRequest, db: SQLAlchemy, mode: str) -> Iterator[Commission]:
    register, session = VatRegister(None), requests.Session()
    cassette = request.node.originalname.removeprefix("test_")
    if mode == "replayed":
        with cassettes.replayed(session, "vies", cassette):
            yield Commission(register, CASSETTE_URL, session)
        return
    running = server.start(create_app(register))

    def scrub(text: str) -> str:
        text = re.sub(r'("requestDate": ?)"[^"]*"', rf'\1"{cassettes.RECORDED_AT}.000Z"', text)
        text = text.replace(running.url, CASSETTE_URL)
        return text.replace(running.url.removeprefix("http://"), CASSETTE_URL.removeprefix("https://"))

    if mode == "recorded":
        with cassettes.recorded(session, "vies", cassette, scrub):
            yield Commission(register, running.url, session)
    else:
        yield Commission(register, running.url)
    register.switches.set("vies", "up")
    running.stop()
    register.storage.close()


@cassettes.also_replayed
def test_a_valid_and_an_invalid_number_are_told_apart(commission: Commission) -> None:
    assert (commission.ask(), commission.ask("FR00000000000")) == ("valid", "invalid")


@pytest.mark.parametrize(
    ("name", "position"), [(switch.name, at) for switch in SWITCHES for at in switch.positions]
)
def test_only_a_clear_answer_of_vies_is_believed(commission: Commission, name: str, position: str) -> None:
    commission.register.switches.set(name, position)
    assert commission.ask() == ("valid" if position in HEALTHY else "unavailable")
    assert (VatNumber.find(FIRM) is not None) == (position in HEALTHY)


@pytest.mark.parametrize("verdict", [name for name, code in VERDICTS.items() if code])
def test_a_member_state_that_does_not_answer_makes_a_number_unavailable(
    commission: Commission, verdict: str
) -> None:
    commission.register.set_verdict("FR", verdict)
    assert commission.ask() == "unavailable"
    commission.register.set_verdict("FR", "invalid")
    assert commission.ask() == "invalid"


@pytest.mark.parametrize("verdict", ["valid", "invalid"])
def test_an_answer_is_kept_for_a_day(commission: Commission, db: SQLAlchemy, verdict: str) -> None:
    commission.register.set_verdict(FIRM, verdict)
    assert [commission.ask(), commission.ask()] == [verdict, verdict]
    assert len(commission.register.requests) == 1
    known = VatNumber.find(FIRM)
    assert known is not None
    known.asked_at = now() - timedelta(days=1)
    db.session.commit()
    commission.register.set_verdict(FIRM, "invalid" if verdict == "valid" else "valid")
    assert commission.ask() != verdict
    assert len(commission.register.requests) == 2


def test_a_consultation_number_is_kept_for_the_one_who_asked(commission: Commission, db: SQLAlchemy) -> None:
    assert commission.ask(requester="509999990") == "valid"
    proof = vies.kept_answer(FIRM, "509999990")
    assert proof is not None and proof["consultation"].startswith("WAPIAAAA")
    assert (proof["number"], proof["answer"], proof["asked_at"][:4].isdigit()) == (FIRM, "valid", True)
    assert commission.ask() == "valid"
    assert (vies.kept_answer(FIRM) or {})["consultation"] == "" and vies.kept_answer("FR1") is None
    assert len(commission.register.requests) == 2


def test_a_requester_that_vies_refuses_is_left_out(commission: Commission, db: SQLAlchemy) -> None:
    commission.register.switches.set("requester", "refused")
    assert commission.ask(requester="509999990") == "valid"
    assert (vies.kept_answer(FIRM, "509999990") or {})["consultation"] == ""


def test_no_answer_is_not_kept_and_an_old_answer_does_not_replace_it(
    commission: Commission, db: SQLAlchemy
) -> None:
    commission.ask()
    known = VatNumber.find(FIRM)
    assert known is not None
    known.asked_at = now() - timedelta(days=2)
    db.session.commit()
    commission.register.switches.set("vies", "error-500")
    assert commission.ask() == "unavailable"
    commission.register.switches.set("vies", "up")
    assert commission.ask() == "valid"
