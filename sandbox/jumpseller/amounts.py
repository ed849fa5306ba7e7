"""The shop's own arithmetic: the price of an order, and the VAT in it, in each position of the switches.

It shares no code with the application, which tests judge by these amounts.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

from sandbox.core.storage import Json

CENT = Decimal("0.01")
ZERO = Decimal(0)
Positions = Mapping[str, str]


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
    fixed: Decimal
    """The part of the tax that is a fixed amount."""


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
    shipping_taxes: tuple[Decimal, ...]
    gift_cards: Decimal
    total: Decimal


@dataclass(frozen=True)
class _Part:
    """What is rounded: a line or (a rate's part of) the shipping, after discounts, not rounded."""

    qty: int
    unit_gross: Decimal
    discount_gross: Decimal
    value: Decimal
    """As the shop writes its prices, with or without VAT."""
    tax: Decimal
    key: Hashable
    inclusive: bool
    is_apart: bool = False
    """Whether it is the shipping of a shop that rounds that apart."""

    @property
    def rounded_by_piece(self) -> Decimal:
        return cents(self.unit_gross) * self.qty - cents(self.discount_gross)

    @property
    def gross(self) -> Decimal:
        return self.value if self.inclusive else self.value + self.tax

    @property
    def net(self) -> Decimal:
        return self.gross - self.tax


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


def _fixed_tax(qty: int, taxes: Sequence[Json], positions: Positions) -> Decimal:
    times = 1 if positions["fixed-tax"] == "line" else qty
    return sum((Decimal(tax["rate"]) for tax in taxes if tax["fixed"]), ZERO) * times


def _vat(amount: Decimal, qty: int, taxes: Sequence[Json], inclusive: bool, positions: Positions) -> Decimal:
    """Return the taxes in (inclusive) or on the amount, not rounded, fixed ones among them."""
    percent = sum((Decimal(tax["rate"]) for tax in taxes if not tax["fixed"]), ZERO) / 100
    fixed = _fixed_tax(qty, taxes, positions)
    taxed_charge = fixed * percent if positions["fixed-tax"] == "unit-taxed" else ZERO
    if not inclusive:
        return amount * percent + fixed + taxed_charge
    return amount - (amount - fixed - taxed_charge) / (1 + percent)


def coupon_by_line(lines: Sequence[Json], coupon: Json | None, positions: Positions) -> list[Decimal]:
    """Return the coupon's discount for each line in cents; it does not apply to gift cards."""
    weights = [
        max(ZERO, Decimal(line["price"]) * line["qty"] - Decimal(line["discount"]))
        if coupon and line["type"] != "gift_card" and line["sku"] in (coupon.get("skus") or [line["sku"]])
        else ZERO
        for line in lines
    ]
    if not coupon:
        return weights
    if coupon.get("percent") is not None:
        parts = [cents(weight * Decimal(coupon["percent"]) / 100) for weight in weights]
    else:
        parts = allocate_cents(min(Decimal(coupon["amount"]), sum(weights, ZERO)), weights)
    if positions["coupon"] == "pieces":
        return [
            cents(part / (line["qty"] or 1)) * line["qty"] for line, part in zip(lines, parts, strict=True)
        ]
    return parts


def _coupon_on_shipping(spec: Json, on_lines: Sequence[Decimal], positions: Positions) -> Decimal:
    """Return what is left of a coupon that is larger than the goods, at most the shipping."""
    coupon, shipping = spec.get("coupon"), spec["shipping"]
    if not coupon or coupon.get("amount") is None or positions["coupon-rest"] == "lost":
        return ZERO
    free = Decimal(shipping["price"]) - Decimal(shipping["discount"])
    return max(ZERO, min(Decimal(coupon["amount"]) - sum(on_lines, ZERO), free))


def _line_amounts(
    line: Json, coupon: Decimal, inclusive: bool, positions: Positions
) -> tuple[LineAmounts, _Part, _Part]:
    """Return the line with what is rounded of it, after and before discounts."""
    qty, price, own = line["qty"], Decimal(line["price"]), Decimal(line["discount"])
    after, before = (
        _part(qty, price, discount, line["taxes"], inclusive, positions) for discount in (own + coupon, ZERO)
    )
    by_piece = positions["shop-rounding"] == "piece"
    tax, tax_before = (part.rounded_by_piece - part.net if by_piece else part.tax for part in (after, before))
    fixed = _fixed_tax(qty, line["taxes"], positions)
    return LineAmounts(qty, price, own, coupon, tax, tax_before, fixed), after, before


def _part(
    qty: int, price: Decimal, discount: Decimal, taxes: Sequence[Json], inclusive: bool, positions: Positions
) -> _Part:
    def gross(value: Decimal, pieces: int) -> Decimal:
        return value if inclusive else value + _vat(value, pieces, taxes, False, positions)

    value = price * qty - discount
    return _Part(
        qty=qty,
        unit_gross=gross(price, 1),
        discount_gross=gross(discount, 0),
        value=value,
        tax=_vat(value, qty, taxes, inclusive, positions),
        key=tuple(sorted(f"{one['rate']}{one['fixed']}" for one in taxes)),
        inclusive=inclusive,
    )


def _shipping_parts(spec: Json, discount: Decimal, positions: Positions) -> list[_Part]:
    """Return the shipping: once for each of its taxes where each takes its share of the goods, else once."""
    inclusive = {
        "as-products": spec["prices_include_tax"],
        "with-tax": True,
        "without-tax": False,
    }[positions["shipping-price"]]
    price, taxes = Decimal(spec["shipping"]["price"]), spec["shipping"]["taxes"]
    if len(taxes) < 2 or positions["shipping-taxes"] == "added":
        parts = [_part(1, price, discount, taxes, inclusive, positions)]
    else:
        weights = [_value_at(spec["lines"], tax) for tax in taxes]
        weights = weights if sum(weights, ZERO) else [Decimal(1)] * len(taxes)
        shares = zip(taxes, allocate_cents(price, weights), allocate_cents(discount, weights), strict=True)
        parts = [_part(1, share, less, [tax], inclusive, positions) for tax, share, less in shares]
    if positions["shipping-rounding"] == "apart":
        return [replace(part, key=("shipping", part.key), is_apart=True) for part in parts]
    return parts


def _value_at(lines: Sequence[Json], tax: Json) -> Decimal:
    rate = Decimal(tax["rate"])
    return sum(
        (
            Decimal(line["price"]) * line["qty"] - Decimal(line["discount"])
            for line in lines
            if rate in [Decimal(one["rate"]) for one in line["taxes"]]
        ),
        ZERO,
    )


def _rounded(parts: Sequence[_Part], positions: Positions) -> tuple[Decimal, Decimal]:
    """Return what these parts cost together with VAT, and the VAT in it, as this shop rounds."""
    rounding = positions["shop-rounding"]
    if rounding == "piece":
        gross = sum((part.rounded_by_piece for part in parts), ZERO)
        return gross, cents(gross - sum((part.net for part in parts), ZERO))
    groups: dict[Hashable, list[_Part]] = {}
    for at, part in enumerate(parts):
        key = {"line": at, "rate": part.key, "line-net": part.key}.get(rounding, part.is_apart)
        groups.setdefault(key, []).append(_net_in_cents(part) if rounding == "line-net" else part)
    gross = vat = ZERO
    for group in groups.values():
        tax = cents(sum((part.tax for part in group), ZERO))
        is_added = rounding == "net-and-vat" and not group[0].inclusive
        whole = sum((part.net if is_added else part.gross for part in group), ZERO)
        gross, vat = gross + cents(whole) + (tax if is_added else ZERO), vat + tax
    return gross, vat


def _net_in_cents(part: _Part) -> _Part:
    """Return the part with its net in cents, where its price is without VAT, and VAT on that."""
    if part.inclusive or not part.value:
        return part
    return replace(part, value=cents(part.value), tax=part.tax * cents(part.value) / part.value)


def calculate_amounts(spec: Json, positions: Positions) -> Amounts:
    """Return the amounts of an order from its complete specification, in these positions of the switches."""
    inclusive: bool = spec["prices_include_tax"]
    coupons = coupon_by_line(spec["lines"], spec.get("coupon"), positions)
    lines, goods, before = zip(
        *(
            _line_amounts(line, coupon, inclusive, positions)
            for line, coupon in zip(spec["lines"], coupons, strict=True)
        ),
        strict=True,
    )
    rest = _coupon_on_shipping(spec, coupons, positions)
    shipping_discount = Decimal(spec["shipping"]["discount"]) + rest
    shipping = _shipping_parts(spec, shipping_discount, positions)
    gross, tax = _rounded([*goods, *shipping], positions)
    taxes = tuple(cents(part.tax) for part in shipping)
    discount = sum((line.own_discount + line.coupon for line in lines), ZERO) + shipping_discount
    due = cents(gross)
    gift_cards = min(Decimal(spec["gift_card"]), due)
    return Amounts(
        lines=lines,
        subtotal=cents(sum((line.price * line.qty for line in lines), ZERO)),
        discount=cents(discount),
        tax=tax - sum(taxes, ZERO),
        tax_before=_rounded(before, positions)[1],
        shipping=cents(Decimal(spec["shipping"]["price"])),
        shipping_discount=cents(shipping_discount - (rest if positions["coupon-rest"] == "order" else ZERO)),
        shipping_tax=sum(taxes, ZERO),
        shipping_taxes=taxes,
        gift_cards=gift_cards,
        total=due - gift_cards + Decimal(spec["total_differs"]),
    )
