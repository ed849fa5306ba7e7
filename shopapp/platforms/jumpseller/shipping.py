"""The shipping of a Jumpseller order as lines: one for each of its rates. Pure.

*Unconfirmed*: how a shop splits shipping that has several taxes; the VAT that it charged says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from shopapp.errors import OrderError
from shopapp.fiscal.money import CENT, ONE, ZERO, allocate, round_to_cents, sum_amounts
from shopapp.fiscal.order import OrderLine

from ..fields import Json, amount_field, objects_field, text_field
from .taxes import charge_on_top, percentages, with_charges_named

_TOLERANCE = CENT * 11 / 10


def shipping_lines(inner: Json, inclusive: bool, products: Sequence[OrderLine]) -> list[OrderLine]:
    """Return the shipping by its rates, or no line where it was free; prices with or without tax as the others."""
    price = amount_field(inner, "shipping", ZERO)
    if not price:
        return []
    name = text_field(inner, "shipping_method_name") or "Portes de envio"
    taxes = objects_field(inner, "shipping_taxes")
    parts: dict[Decimal, Decimal] = {}
    is_inclusive = inclusive
    if percentages(taxes) and not _is_shipping_untaxed(inner):
        is_inclusive = all(bool(tax.get("tax_on_shipping_price")) for tax in taxes if not tax.get("fixed"))
        parts = _parts_by_rate(inner, taxes, products, is_inclusive)
    line = OrderLine(
        "shipping",
        with_charges_named(name, taxes),
        Decimal(1),
        price,
        "shipping",
        discount=_shipping_discount(inner),
        fixed_charge=charge_on_top(taxes, "tax_on_shipping_price"),
    )
    if not parts:
        return [line]
    lines = [
        _shipping_part(line, rate, fraction, is_inclusive, inclusive)
        for rate, fraction in parts.items()
        if fraction
    ]
    if len(lines) > 1:
        lines = [replace(part, ref=f"{part.ref}-{number}") for number, part in enumerate(lines, 1)]
    return lines


def _parts_by_rate(
    inner: Json, taxes: Sequence[Json], products: Sequence[OrderLine], inclusive: bool
) -> dict[Decimal, Decimal]:
    rates = list(dict.fromkeys(percentages(taxes)))
    paid = amount_field(inner, "shipping", ZERO) - _shipping_discount(inner)
    if len(rates) == 1 or not paid:
        return {rates[0]: Decimal(1)}
    values: dict[Decimal, Decimal] = {}
    for line in products:
        values[line.charged or ZERO] = values.get(line.charged or ZERO, ZERO) + max(line.value, ZERO)
    tax = amount_field(inner, "shipping_tax", ZERO)
    return _split(rates, paid, tax, values, inclusive=inclusive)


def _shipping_part(
    line: OrderLine, rate: Decimal, fraction: Decimal, is_inclusive: bool, inclusive: bool
) -> OrderLine:
    """Return the part of the shipping at that rate, on the basis of the other prices."""
    tax_factor = 1 + rate / 100
    factor = fraction
    if is_inclusive != inclusive:
        factor = fraction * tax_factor if inclusive else fraction / tax_factor
    return replace(
        line,
        unit_price=line.unit_price * factor,
        discount=line.discount * factor,
        fixed_charge=line.fixed_charge * fraction,
        charged=rate,
    )


def _is_shipping_untaxed(inner: Json) -> bool:
    """Return whether shipping was charged without tax although a tax is named."""
    price = amount_field(inner, "shipping", ZERO)
    return amount_field(inner, "shipping_tax", ZERO) == ZERO and price > _shipping_discount(inner)


def _shipping_discount(inner: Json) -> Decimal:
    return min(amount_field(inner, "shipping_discount", ZERO), amount_field(inner, "shipping", ZERO))


def _split(
    rates: Sequence[Decimal],
    paid: Decimal,
    tax: Decimal,
    values: Mapping[Decimal, Decimal],
    *,
    inclusive: bool,
) -> dict[Decimal, Decimal]:
    """Return the part of the shipping at each of its rates, in fractions of one, as the shop split it.

    `paid` is the price after its discount, `tax` the VAT on it, `values` the value of the goods by rate. The split by
    the goods is taken where it has that VAT; else two rates have only one split that does. Raises OrderError
    `two-taxes`.
    """
    by_goods = allocate(paid, [values.get(rate, ZERO) for rate in rates])
    vats = [_vat(part, rate, inclusive) for part, rate in zip(by_goods, rates, strict=True)]
    if abs(sum_amounts(vats) - tax) <= _TOLERANCE:
        return {rate: part / paid for rate, part in zip(rates, by_goods, strict=True)}
    if len(rates) == 2:
        high, low = (_vat(paid, rate, inclusive) for rate in rates)
        first = round_to_cents(paid * (tax - low) / (high - low))
        if ZERO <= first <= paid:
            return {rates[0]: first / paid, rates[1]: ONE - first / paid}
    raise OrderError("two-taxes", line="Portes de envio", rates=[str(rate) for rate in rates])


def _vat(value: Decimal, rate: Decimal, inclusive: bool) -> Decimal:
    return value * rate / (100 + rate) if inclusive else value * rate / 100
