"""The shipping and the payment fee of a Shopkit order as lines: they are no product lines there. Pure.

Source: the vendor's sample and themes. `tax` is an amount, `tax_percent` may be empty. *Unconfirmed*: whether the value
includes its tax, whether it is before or after `discount`, and what a coupon of the type `shipping` leaves in `value`;
the total of the order says so (reading.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from shopapp.errors import OrderError
from shopapp.fiscal.money import CENT, HUNDRED, ONE, ZERO
from shopapp.fiscal.order import LineKind, OrderLine

from ..fields import Json, object_field, text_field
from .lines import CLOSE
from .terms import amount, percent

_TAX_TOLERANCE = CENT * 11 / 10


@dataclass(frozen=True, slots=True)
class Charge:
    """One reading of a charge: what it costs with and without its tax, and what was taken off it."""

    ref: str
    description: str
    kind: LineKind
    net: Decimal
    gross: Decimal
    rate: Decimal | None
    waived: Decimal = ZERO

    def line(self, inclusive: bool) -> OrderLine:
        """Return the charge as a line of an order whose prices are like that."""
        price = self.gross if inclusive or self.rate is None else self.net
        return OrderLine(self.ref, self.description, ONE, price, self.kind, charged=self.rate)


def shipping_readings(order: Json, rates: Sequence[Decimal]) -> list[Charge]:
    """Return every reading of the shipping, the likeliest first; `rates` are those of the goods."""
    block = _block(order, "shipping")
    value, discount = amount(block, "value", ZERO), amount(block, "discount", ZERO)
    waivers = [ZERO]
    if ZERO < discount <= value:
        waivers.append(discount)
    if value and object_field(order, "coupon").get("type") == "shipping":
        waivers.append(value)
    name = text_field(order, "shipment_method") or "Portes de envio"
    return _readings(block, Charge("shipping", name, "shipping", ZERO, ZERO, None), waivers, rates)


def fee_readings(order: Json, rates: Sequence[Decimal]) -> list[Charge]:
    """Return every reading of the payment fee, the likeliest first; a negative one is a discount over the goods."""
    block = _block(order, "payment")
    title = text_field(block, "title")
    name = f"Taxa de pagamento ({title})" if title else "Taxa de pagamento"
    return _readings(block, Charge("payment", name, "fee", ZERO, ZERO, None), [ZERO], rates)


def _block(order: Json, name: str) -> Json:
    """Return the block of that name; older texts have a plain amount there."""
    found = order.get(name)
    return found if isinstance(found, Mapping) else {"value": found if name == "shipping" else None}


def _readings(
    block: Json, empty: Charge, waivers: Sequence[Decimal], rates: Sequence[Decimal]
) -> list[Charge]:
    """Return the charge for each amount that may have been taken off it, with its tax on top of it or inside.

    Raises OrderError `tax-unclear` when no reading explains the tax.
    """
    value, tax = amount(block, "value", ZERO), amount(block, "tax", ZERO)
    stated = percent(block, "tax_percent")
    found: list[Charge] = []
    for waived in dict.fromkeys(waivers):
        for net, gross in _nets_and_grosses(value - waived, tax):
            rate = _rate_of(net, gross, stated, rates)
            if rate is not None or gross == net:
                found.append(Charge(empty.ref, empty.description, empty.kind, net, gross, rate, waived))
    if not found:
        raise OrderError("tax-unclear", line=empty.description, tax=str(tax), rate=str(stated))
    return found


def _nets_and_grosses(value: Decimal, tax: Decimal) -> Iterator[tuple[Decimal, Decimal]]:
    if tax <= ZERO or not value:
        yield value, value
        return
    yield value, value + tax
    yield value - tax, value


def _rate_of(net: Decimal, gross: Decimal, stated: Decimal, rates: Sequence[Decimal]) -> Decimal | None:
    """Return the rate that gives this tax: the one stated, else one of the goods, else the only whole number."""
    tax = gross - net
    if tax <= ZERO:
        return None
    if stated:
        return stated if abs(net * stated / HUNDRED - tax) <= _TAX_TOLERANCE else None
    likely = [rate for rate in dict.fromkeys(rates) if abs(net * rate / HUNDRED - tax) <= CLOSE]
    whole = [Decimal(rate) for rate in range(1, 31) if abs(net * rate / HUNDRED - tax) <= CLOSE]
    found = likely or whole
    return found[0] if len(found) == 1 else None
