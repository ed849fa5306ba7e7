"""Which reading of a Shopkit order is the shop's: the one whose sum is the total that the buyer paid. Pure.

Documented by the vendor's sample: total = subtotal - discount + VAT of the products + shipping + payment fee, nothing
rounded but the total. *Unconfirmed*: what the sample does not show (lines.py, charges.py), and where points are taken
off: the shop chooses "before or after VAT" (news.shopk.it, 2025). Nothing is assumed where the figures can tell: where
no reading adds up, or two different ones do, there is no document.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from shopapp.errors import OrderError
from shopapp.fiscal.money import CENT, HUNDRED, ONE, ZERO, round_to_cents, sum_amounts
from shopapp.fiscal.order import OrderLine

from ..fields import Json, object_field, objects_field
from .charges import Charge, fee_readings, shipping_readings
from .lines import CLOSE, LineReading, is_hidden, line_readings, payload_lines, price_bases
from .terms import amount, paid_total, without_noise


@dataclass(frozen=True, slots=True)
class OrderReading:
    """One reading of the figures of an order."""

    goods: LineReading
    charges: tuple[Charge, ...]
    coupon: Decimal
    """A discount over the goods that is on no line, with or without VAT as the prices are."""
    points: Decimal = ZERO
    """A discount that was taken off after VAT."""
    is_explained: bool = True
    """Whether the order says where its discount comes from."""

    def goods_figures(self) -> list[tuple[Decimal, Decimal, Decimal | None]]:
        """Return net, gross and rate of each product line after its discounts, not rounded."""
        lines = self.goods.lines
        value = sum_amounts(max(line.value, ZERO) for line in lines)
        found = []
        for line in lines:
            left = line.value
            if self.coupon and value and left > ZERO:
                left -= self.coupon * left / value
            factor = ONE + (line.charged or ZERO) / HUNDRED
            net, gross = (left / factor, left) if self.goods.inclusive else (left, left * factor)
            found.append((net, gross, line.charged))
        return found

    @property
    def total(self) -> Decimal:
        """The sum of everything, not rounded."""
        return self.goods_total + sum_amounts(each.gross for each in self.charges) - self.points

    @property
    def goods_total(self) -> Decimal:
        """The sum of the product lines with VAT, not rounded, before points that are taken off after it."""
        return sum_amounts(gross for _, gross, _ in self.goods_figures())

    @property
    def product_tax(self) -> Decimal:
        """The VAT of the product lines, not rounded, before points that are taken off after it."""
        return sum_amounts(gross - net for net, gross, _ in self.goods_figures())

    def comes_to_the_same(self, other: OrderReading) -> bool:
        """Return whether both give the same figures to the cent, line by line: then neither is a doubt."""
        ours, theirs = self._final_figures(), other._final_figures()
        return len(ours) == len(theirs) and all(
            rate == their_rate and abs(gross - their_gross) <= CENT
            for (gross, rate), (their_gross, their_rate) in zip(ours, theirs, strict=True)
        )

    def _final_figures(self) -> list[tuple[Decimal, Decimal | None]]:
        """Return gross and rate of every line after all discounts."""
        left = ONE - self.points / (self.goods_total or ONE)
        goods = [(gross * left, rate) for _, gross, rate in self.goods_figures()]
        return goods + [(each.gross, each.rate) for each in self.charges]


def read_figures(order: Json) -> OrderReading:
    """Return the reading of the order that gives its total.

    Lines that the shop does not show count only where the total needs them. Raises OrderError `total-differs` with both
    figures, `tax-unclear`, `discount-unclear`, or what the lines raise.
    """
    try:
        return _read_figures(order, with_hidden=False)
    except OrderError as error:
        if error.code != "total-differs" or not any(map(is_hidden, objects_field(order, "products"))):
            raise
    return _read_figures(order, with_hidden=True)


def _read_figures(order: Json, with_hidden: bool) -> OrderReading:
    readings = list(_readings(order, with_hidden))
    total = paid_total(order)
    matching = [each for each in readings if abs(each.total - total) <= _tolerance(each)]
    matching = [each for each in matching if abs(each.total - total) <= CLOSE] or matching
    if not matching:
        raise OrderError("total-differs", paid=str(total), lines=str(round_to_cents(readings[0].total)))
    taxed = [each for each in matching if _explains_tax(each, order)]
    if not taxed:
        raise _tax_unclear(matching[0], order)
    likely = [each for each in taxed if each.is_explained] or taxed
    if not all(each.comes_to_the_same(likely[0]) for each in likely):
        raise OrderError("discount-unclear", discount=str(amount(order, "discount", ZERO)))
    return next((each for each in likely if round_to_cents(each.total) == total), likely[0])


def _tolerance(reading: OrderReading) -> Decimal:
    """Return how far the sum of a shop that rounds each line may be from ours: half a cent for each figure."""
    return CENT / 2 * (len(reading.goods.lines) + len(reading.charges) + 1)


def _readings(order: Json, with_hidden: bool) -> Iterator[OrderReading]:
    lines = payload_lines(order, with_hidden)
    rates = [each.rate for each in lines if each.rate]
    shipping, fees = shipping_readings(order, rates), fee_readings(order, rates)
    for goods in line_readings(lines, price_bases(order, lines), _shows_no_tax(order)):
        for charge in shipping:
            for fee in fees:
                charges = tuple(each for each in (charge, fee) if each.gross)
                for coupon, points, is_explained in _discounts(order, goods, charge):
                    yield OrderReading(goods, charges, coupon, points, is_explained)


def _discounts(order: Json, goods: LineReading, shipping: Charge) -> Iterator[tuple[Decimal, Decimal, bool]]:
    """Yield (coupon, points, whether it is explained) for each reading of the order's own discount.

    That is the sum of all of them (seen in themes); what is more than those of the lines is points, or was taken off
    the shipping, or is on no line.
    """
    rest = amount(order, "discount", goods.discount) - goods.discount
    rest = ZERO if abs(rest) <= CLOSE else rest
    points = amount(object_field(order, "rewards"), "discount", ZERO)
    known = _coupon_amounts(object_field(order, "coupon"))
    if shipping.waived and abs(rest - shipping.waived) <= CLOSE:
        yield ZERO, ZERO, True
    is_points = points > ZERO and abs(rest - points) <= CLOSE
    if rest < ZERO:
        yield ZERO, ZERO, False
    elif not (is_points and goods.inclusive):
        yield (
            rest,
            ZERO,
            any(abs(rest - each) <= CLOSE for each in (*known, *(points + each for each in known))),
        )
    if points > ZERO and not rest:
        # the order's own discount does not count them
        yield ZERO, points, True
        yield (points, ZERO, True) if not goods.inclusive else (ZERO, points, True)
    elif is_points:
        yield ZERO, points, True


def _coupon_amounts(coupon: Json) -> list[Decimal]:
    """Return what the coupon may have taken off, and nothing."""
    found = [ZERO, amount(coupon, "discount", ZERO)]
    return [*found, amount(coupon, "value", ZERO)] if coupon.get("type") == "fixed" else found


def _shows_no_tax(order: Json) -> bool:
    """Return whether the order shows no VAT at all, or names a reason for exemption."""
    stated = [amount(order, name, ZERO) for name in ("product_tax", "total_tax")]
    return not any(stated) or bool(order.get("tax_exemption"))


def _explains_tax(reading: OrderReading, order: Json) -> bool:
    """Return whether the VAT that the order states is that of the reading, with or without that of its charges.

    A shop with prices that include VAT may state none.
    """
    if order.get("product_tax") in (None, ""):
        return True
    stated = amount(order, "product_tax")
    if reading.goods.inclusive and not stated:
        return True
    of_charges = sum_amounts(each.gross - each.net for each in reading.charges)
    goods = [reading.product_tax]
    if reading.points and reading.goods.inclusive:
        # it may have been calculated before the points were taken off, or after
        goods.append(reading.product_tax * (ONE - reading.points / (reading.goods_total or ONE)))
    expected = [tax + more for tax in goods for more in (ZERO, of_charges)]
    return any(abs(each - stated) <= _tolerance(reading) for each in expected)


def _tax_unclear(reading: OrderReading, order: Json) -> OrderError:
    line = next((each for each in reading.goods.lines if each.charged), reading.goods.lines[0])
    stated = amount(order, "product_tax")
    return OrderError("tax-unclear", line=line.description, tax=str(stated), rate=str(line.charged or ZERO))


def lines_of(reading: OrderReading) -> tuple[bool, tuple[OrderLine, ...], Decimal]:
    """Return whether prices include VAT, the lines, and the discount that is on none of them.

    They do where points were taken off after VAT, and where only prices with VAT are round. A discount in parts of a
    cent is spread over the lines, as the shop calculated with all of it.
    """
    inclusive, lines, discount = reading.goods.inclusive, reading.goods.lines, reading.coupon
    if not inclusive and (reading.points or (reading.goods.is_gross_exact and not reading.coupon)):
        inclusive, lines = True, tuple(map(_with_tax, lines))
    discount += reading.points
    if discount != round_to_cents(discount):
        lines, discount = _with_discount(lines, discount), ZERO
    return inclusive, (*lines, *(each.line(inclusive) for each in reading.charges)), discount


def _with_tax(line: OrderLine) -> OrderLine:
    factor = ONE + (line.charged or ZERO) / HUNDRED
    price, discount = (without_noise(each * factor) for each in (line.unit_price, line.discount))
    return replace(line, unit_price=price, discount=discount)


def _with_discount(lines: Sequence[OrderLine], discount: Decimal) -> tuple[OrderLine, ...]:
    value = sum_amounts(max(line.value, ZERO) for line in lines)
    return tuple(
        replace(line, discount=line.discount + discount * line.value / value) if line.value > ZERO else line
        for line in lines
    )
