"""What a buyer's link may cost of the merchant's plan, counted by the stand-in of PHC GO itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from sandbox.phcgo.program_state import PASSWORD
from shopapp.connections import api_usage
from shopapp.connections.provider import provider_of
from shopapp.fiscal.decisions import ALL
from shopapp.models import Account, ApiUsage, Decision, db, now
from shopapp.models.decision import SETTINGS_FORM
from tests.fakes import World, clock, world
from tests.unit.providers.phcgo.stand_in import INSTALLATION, RunningStandIn, program, started

__all__ = ["clock", "program", "started", "world"]

PLAN = 2000


@pytest.fixture
def app(make_app: Callable[..., Flask], program: RunningStandIn) -> Flask:
    return make_app(PHCGO_LOOPBACK=program.url.removeprefix("http://"))


@pytest.fixture
def metered(world: World, program: RunningStandIn) -> World:
    """Return the world with an account at PHC GO whose plan has PLAN calls a month, at both sides."""
    program.state.change_installation(INSTALLATION, allowance=PLAN)
    program.state.clock.set_time(now())
    account = Account.connect(world.store, "phcgo", "phcgo-1")
    account.credentials = {
        "url": f"{program.url}/{INSTALLATION}", "user": "loja", "password": PASSWORD, "company": "",
        "token": program.state.token(INSTALLATION),
    }  # fmt: skip
    account.choices = {"kinds": ["FR"], "series": [["47", "FR", True, "", True]]}
    account.settings = {"kind": "FR", "series": {"FR": "47"}, "automatic": True, "allowance": str(PLAN)}
    account.proved, account.proved_at = ["FR 47", "FR 47 PT 23"], now()
    db.session.flush()
    Decision.record(account.id, "gift-card-use", ALL, "multi-purpose", SETTINGS_FORM)
    db.session.commit()
    world.account = account
    # as the set-up does: what it has read, this process knows for an hour
    provider = provider_of(account, "comfort")
    db.session.commit()
    provider.choices()
    return world


def issue(world: World, number: str) -> str:
    """Have the order paid and issued; return the buyer's link."""
    world.pay_order(number)
    world.run_due_work()
    assert (world.document(number).state, world.document(number).reason) == ("issued", "")
    return f"/d/{world.document(number).link_token}"


def test_a_buyers_link_read_149_times_costs_two_calls_and_the_next_order_is_issued(
    app: Flask, metered: World, program: RunningStandIn
) -> None:
    link, client = issue(metered, "1001"), app.test_client()
    before = program.state.used(INSTALLATION)
    answers = [
        client.get(link, environ_overrides={"REMOTE_ADDR": f"10.0.0.{number}"}) for number in range(149)
    ]
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.data[:5] for answer in answers} == {b"%PDF-"}
    assert program.state.used(INSTALLATION) - before <= 2
    issue(metered, "1002")
    assert len(program.documents()) == 2


def test_when_the_last_tenth_has_begun_links_are_refused_and_orders_are_issued(
    app: Flask, metered: World, program: RunningStandIn
) -> None:
    link = issue(metered, "1001")
    for _ in range(PLAN * 9 // 10 - program.state.used(INSTALLATION)):
        program.state.count_call(INSTALLATION)
    ApiUsage.add(metered.account.id, api_usage.current_month(), PLAN * 9 // 10)
    db.session.commit()
    before = program.state.used(INSTALLATION)
    answers = [
        app.test_client().get(link, environ_overrides={"REMOTE_ADDR": f"10.0.0.{number}"}).status_code
        for number in range(20)
    ]
    assert set(answers) == {503, 429} and program.state.used(INSTALLATION) == before
    issue(metered, "1002")
    assert len(program.documents()) == 2
