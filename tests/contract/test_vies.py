"""What the app makes of VIES, held against the stand-in in each of its positions: three answers, two of them kept."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask_sqlalchemy import SQLAlchemy

from sandbox.core import server
from sandbox.vies import SWITCHES, VERDICTS, VatRegister, create_app
from shopapp.connections import vies
from shopapp.http_client import HttpClient
from shopapp.models import VatNumber, now

FIRM = "FR40303265045"
HEALTHY = ("up", "told", "withheld")


class Commission:
    """The stand-in, asked as the app asks the real one."""

    def __init__(self, register: VatRegister, url: str) -> None:
        self.register, self._url = register, url

    def ask(self, number: str = FIRM) -> str:
        return vies.check_vat_number(number, f"{self._url}/rest-api", HttpClient(0.5, allow_plain=True))


@pytest.fixture
def commission(db: SQLAlchemy) -> Iterator[Commission]:
    register = VatRegister(None)
    running = server.start(create_app(register))
    yield Commission(register, running.url)
    register.switches.set("vies", "up")
    running.stop()
    register.storage.close()


def test_a_valid_and_an_invalid_number_are_told_apart(commission: Commission) -> None:
    assert (commission.ask(), commission.ask("FR00000000000")) == ("valid", "invalid")


@pytest.mark.parametrize(
    ("name", "position"), [(switch.name, at) for switch in SWITCHES for at in switch.positions]
)
def test_only_a_plain_answer_is_believed(commission: Commission, name: str, position: str) -> None:
    commission.register.switches.set(name, position)
    assert commission.ask() == ("valid" if position in HEALTHY else "unavailable")
    assert (VatNumber.find(FIRM) is not None) == (position in HEALTHY)


@pytest.mark.parametrize("verdict", [name for name, code in VERDICTS.items() if code])
def test_a_member_state_that_does_not_answer_is_neither_yes_nor_no(
    commission: Commission, verdict: str
) -> None:
    commission.register.set_verdict("FR", verdict)
    assert commission.ask() == "unavailable"
    commission.register.set_verdict("FR", "invalid")
    assert commission.ask() == "invalid"


@pytest.mark.parametrize("verdict", ["valid", "invalid"])
def test_an_answer_is_good_for_a_day(commission: Commission, db: SQLAlchemy, verdict: str) -> None:
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


def test_silence_is_not_kept_and_an_old_answer_does_not_stand_in_for_it(
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
