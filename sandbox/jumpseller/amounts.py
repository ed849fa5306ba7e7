"""The shop's own arithmetic: the price of an order, and the VAT in it.

It shares no code with the application, which tests judge by these amounts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

from sandbox.core.storage import Json

CENT = Decimal("0.01")
ZERO = Decimal(0)


def cents(amount: Decimal) -> Decimal:
    """Return the amount rounded half up to cents."""
    return amount.quantize(CENT, ROUND_HALF_UP)


@dataclass(frozen=True)
class LineAmounts:
    """A line's own discount, its share of the coupon and its VAT after and before both, not rounded."""

    qty: int
    price: Decimal
    own_discount: Decimal
    coupon: Decimal
    tax: Decimal
    tax_before: Decimal


@dataclass(frozen=True)
class Amounts:
    """The amounts of an order; `total` is what remains to be paid after gift cards."""

    lines: tuple[LineAmounts, ...]
    subtotal: Decimal
    discount: Decimal
    tax: Decimal
    tax_before: Decimal
    shipping: Decimal
    shipping_discount: Decimal
    shipping_tax: Decimal
    gift_cards: Decimal
    total: Decimal


def allocate_cents(whole: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    """Split the amount by the weights; cents left over go to the largest remainders."""
    total = sum(weights, ZERO)
    if not total:
        return [ZERO for _ in weights]
    exact = [whole * weight / total for weight in weights]
    parts = [part.quantize(CENT, ROUND_DOWN) for part in exact]
    left = int((whole - sum(parts, ZERO)) / CENT)
    by_remainder = sorted(range(len(parts)), key=lambda at: (parts[at] - exact[at], at))
    for at in by_remainder[:left]:
        parts[at] += CENT
    return parts


def vat(amount: Decimal, qty: int, taxes: Sequence[Json], inclusive: bool) -> Decimal:
    """Return the VAT in (inclusive) or on the amount, not rounded; fixed taxes apply once per unit."""
    percent = sum((Decimal(tax["rate"]) for tax in taxes if not tax["fixed"]), ZERO) / 100
    fixed = sum((Decimal(tax["rate"]) for tax in taxes if tax["fixed"]), ZERO) * qty
    if not inclusive:
        return amount * percent + fixed
    return amount - (amount - fixed) / (1 + percent)


def coupon_by_line(lines: Sequence[Json], coupon: Json | None) -> list[Decimal]:
    """Return the coupon's discount for each line in cents; it does not apply to gift cards."""
    weights = [
        Decimal(line["price"]) * line["qty"] - Decimal(line["discount"])
        if coupon and line["type"] != "gift_card" and line["sku"] in (coupon.get("skus") or [line["sku"]])
        else ZERO
        for line in lines
    ]
    if not coupon:
        return weights
    if coupon.get("percent") is not None:
        return [cents(weight * Decimal(coupon["percent"]) / 100) for weight in weights]
    return allocate_cents(min(Decimal(coupon["amount"]), sum(weights, ZERO)), weights)


def round_tax(lines: Sequence[Json], taxes: Sequence[Decimal], rounding: str) -> Decimal:
    """Return the VAT of all lines in cents, rounded per line, per group of equal taxes, or once."""
    if rounding == "line":
        return sum((cents(tax) for tax in taxes), ZERO)
    if rounding == "document":
        return cents(sum(taxes, ZERO))
    groups: dict[tuple[str, ...], Decimal] = {}
    for line, tax in zip(lines, taxes, strict=True):
        key = tuple(sorted(f"{one['rate']}{one['fixed']}" for one in line["taxes"]))
        groups[key] = groups.get(key, ZERO) + tax
    return sum((cents(group) for group in groups.values()), ZERO)


def calculate_amounts(spec: Json, rounding: str) -> Amounts:
    """Return the amounts of an order from its complete specification."""
    inclusive: bool = spec["prices_include_tax"]
    lines, shipping = spec["lines"], spec["shipping"]
    line_amounts = []
    for line, part in zip(lines, coupon_by_line(lines, spec.get("coupon")), strict=True):
        qty, price, own = line["qty"], Decimal(line["price"]), Decimal(line["discount"])
        whole = price * qty
        after = vat(whole - own - part, qty, line["taxes"], inclusive)
        line_amounts.append(
            LineAmounts(qty, price, own, part, after, vat(whole, qty, line["taxes"], inclusive))
        )
    tax = round_tax(lines, [line.tax for line in line_amounts], rounding)
    shipping_price, shipping_discount = Decimal(shipping["price"]), Decimal(shipping["discount"])
    shipping_tax = cents(vat(shipping_price - shipping_discount, 1, shipping["taxes"], inclusive))
    subtotal = sum((line.price * line.qty for line in line_amounts), ZERO)
    discount = sum((line.own_discount + line.coupon for line in line_amounts), ZERO) + shipping_discount
    due = cents(subtotal + shipping_price - discount + (ZERO if inclusive else tax + shipping_tax))
    gift_cards = min(Decimal(spec["gift_card"]), due)
    return Amounts(
        lines=tuple(line_amounts),
        subtotal=cents(subtotal),
        discount=cents(discount),
        tax=tax,
        tax_before=round_tax(lines, [line.tax_before for line in line_amounts], rounding),
        shipping=cents(shipping_price),
        shipping_discount=cents(shipping_discount),
        shipping_tax=shipping_tax,
        gift_cards=gift_cards,
        total=due - gift_cards + Decimal(spec["total_differs"]),
    )
