"""Adapter and stand-in compared with our schema of Jumpseller's calls, in each position of a switch."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from jsonschema import Draft202012Validator

from sandbox.jumpseller.switches import SWITCHES
from shopapp.errors import OrderError
from shopapp.platforms.base import Attachment
from shopapp.platforms.jumpseller.adapter import SCOPE
from tests.contract.jumpseller_calls import CALLS, SCHEMA, call_of, differences, make_every_call
from tests.contract.jumpseller_shop import JumpsellerShop
from tests.contract.platform_shop import Exchange

# The positions, other than the default, of each switch that changes the answer to an API call.
POSITIONS = [
    (switch.name, position)
    for switch in SWITCHES
    for position in switch.positions[1:]
    if switch.name
    in (
        "rate",
        "wrapped-store",
        "coupon",
        "order-tax",
        "line-tax",
        "line-discount",
        "completed-at",
        "created-state",
    )
]


@pytest.fixture
def shop() -> Iterator[JumpsellerShop]:
    found = JumpsellerShop()
    with found.opened("live", ""):
        yield found


def test_the_schema_itself_is_one() -> None:
    Draft202012Validator.check_schema({"$defs": SCHEMA["$defs"]})
    for call in CALLS.values():
        for schema in (call.get("query", {}), call.get("request", {}), *call["answers"].values()):
            Draft202012Validator.check_schema(schema)


def test_the_adapter_makes_exactly_the_calls_of_the_schema(shop: JumpsellerShop) -> None:
    assert {call_of(exchange) for exchange in make_every_call(shop)} == set(CALLS)


def test_the_adapter_asks_for_the_scopes_of_its_calls_and_no_other() -> None:
    assert sorted({call["scope"] for call in CALLS.values()}) == sorted(SCOPE.split())


def test_requests_and_answers_are_as_the_schema_has_them(shop: JumpsellerShop) -> None:
    assert [one for exchange in make_every_call(shop) for one in differences(exchange)] == []


@pytest.mark.parametrize(("switch", "position"), POSITIONS)
def test_the_schema_holds_in_every_position_of_a_switch(
    shop: JumpsellerShop, switch: str, position: str
) -> None:
    shop.turn(switch, position)
    try:
        make_every_call(shop)
    except OrderError:
        # No interpretation reconciles these amounts, but the answer itself was as described.
        assert switch in ("line-discount", "line-tax", "order-tax", "coupon")
    assert [one for exchange in shop.exchanges for one in differences(exchange)] == []


def test_a_missing_order_is_answered_as_the_schema_has_it(shop: JumpsellerShop) -> None:
    token = shop.token()
    platform = shop.platform(lambda refused: token)
    for verb in (
        lambda: platform.read_order("999"),
        lambda: platform.add_history_entry("999", "x"),
        lambda: platform.attach_document("999", Attachment("FR", "1", "1", "https://app.test/d/x")),
    ):
        with pytest.raises(OrderError):
            verb()
    assert [one for exchange in shop.exchanges for one in differences(exchange)] == []


@pytest.mark.parametrize(
    "exchange",
    [
        Exchange("GET", "/v1/customers.json", [], {}, None, 200, []),
        Exchange("GET", "/v1/taxes.json", [("page", "2")], {}, None, 200, []),
        Exchange("GET", "/v1/taxes.json", [], {}, None, 200, {}),
        Exchange("GET", "/v1/taxes.json", [], {}, None, 201, []),
        Exchange("GET", "/v1/orders/1.json", [], {}, None, 200, {"order": {"id": 1}}),
        Exchange("GET", "/v1/orders.json", [("limit", "101")], {}, None, 200, []),
        Exchange("POST", "/v1/hooks.json", [], {}, {"hook": {"event": "order_paid"}}, 200, {}),
        Exchange("POST", "/v1/orders/1/history.json", [], {}, {"order_history": {"message": ""}}, 200, {}),
    ],
    ids=call_of,
)
def test_a_call_that_differs_from_the_schema_is_reported(exchange: Exchange) -> None:
    assert list(differences(exchange))
