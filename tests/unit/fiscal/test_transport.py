"""The order note and the transport guide are made from the draft of their sale."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time
from decimal import Decimal

import pytest

from dev.order_factories import LISBON, TODAY, make_line, make_order
from shopapp.errors import AppError, OrderError
from shopapp.fiscal import transport
from shopapp.fiscal.document import Draft, FiscalSettings
from shopapp.fiscal.order import Order, OrderLine
from shopapp.fiscal.party import Address, Party
from tests.unit.fiscal.build import M07, build

WORKSHOP = Address("Rua da Oficina 2", "2900-100", "Setúbal", "PT")
MORNING = datetime(2026, 11, 20, 10, 30)


def mug_with_shipping() -> tuple[OrderLine, OrderLine]:
    return make_line("12.30"), make_line("4.92", kind="shipping", ref="SHIP")


def sale_of(*lines: OrderLine, total: str) -> Draft:
    return build(make_order(*lines, total=total))


def test_an_order_note_has_the_lines_of_the_sale_and_no_payment() -> None:
    sale = sale_of(*mug_with_shipping(), total="17.22")
    note = transport.build_order_note(replace(sale, moves_stock=True), M07)
    assert (note.kind, note.lines, note.payments, note.moves_stock) == ("NE", sale.lines, (), False)
    assert transport.same_content(note, sale)
    assert not transport.same_content(note, sale_of(make_line("12.30"), total="12.30"))


def test_a_transport_guide_has_only_the_goods_of_the_sale() -> None:
    sale = sale_of(*mug_with_shipping(), total="17.22")
    plan = transport.plan_transport(WORKSHOP, LISBON, time(18), MORNING)
    guide = transport.build_transport_guide(sale, FiscalSettings(series={"GT": "7"}), TODAY, plan)
    assert (guide.kind, guide.series, guide.transport) == ("GT", "7", plan)
    assert [line.ref for line in guide.lines] == ["L0"]
    assert (guide.net, guide.vat, guide.gross) == (Decimal("10.00"), Decimal("2.30"), Decimal("12.30"))


def test_a_sale_without_goods_has_no_transport_guide() -> None:
    sale = sale_of(make_line("45.00", kind="service"), total="45.00")
    with pytest.raises(OrderError) as raised:
        transport.build_transport_guide(sale, M07, TODAY, None)
    assert raised.value.code == "nothing-to-move"


@pytest.mark.parametrize(("leaves", "day"), [(time(18), 20), (time(10, 30), 21), (time(9), 21)])
def test_the_transport_leaves_today_or_tomorrow_when_the_hour_has_passed(leaves: time, day: int) -> None:
    plan = transport.plan_transport(WORKSHOP, LISBON, leaves, MORNING)
    assert plan.leaves_at == datetime.combine(MORNING.replace(day=day), leaves)


@pytest.mark.parametrize(
    ("loading", "unloading", "code"),
    [
        (Address(country="PT"), LISBON, "loading-missing"),
        (WORKSHOP, Address("Rua 1", "1000-100", "", "PT"), "unloading-missing"),
        (WORKSHOP, None, "unloading-missing"),
    ],
)
def test_a_transport_needs_both_addresses(loading: Address, unloading: Address | None, code: str) -> None:
    with pytest.raises(AppError) as raised:
        transport.plan_transport(loading, unloading, time(18), MORNING)
    assert raised.value.code == code


def test_only_goods_that_go_to_a_known_place_need_transport() -> None:
    def needs(order: Order) -> bool:
        return transport.needs_transport(build(order), order)

    mug = make_order(make_line("12.30"), total="12.30")
    assert needs(mug)
    assert not needs(replace(mug, ship_to=Address(country="PT"), buyer=Party("Ana Exemplo")))
    assert not needs(make_order(make_line("45.00", kind="service"), total="45.00"))
