"""The product lines of a Shopkit order: what each says, and every way in which it may be meant. Pure.

Source: the vendor's own sample (API text of 2025-09-26): `price` is one piece, without VAT where the shop's prices are;
`subtotal_with_tax` is after the discount and `subtotal_without_tax` before it, so neither is used. *Unconfirmed*:
whether `discount` is for the line or for one piece (the sample has one), whether `price_extras` (seen in themes, which
add it to the line) is in the price already, and tax-inclusive orders, of which no sample is public.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from shopapp.errors import OrderError
from shopapp.fiscal.money import ONE, ZERO
from shopapp.fiscal.order import LineKind, OrderLine

from ..fields import Json, object_field, objects_field, required_field, text_field
from .terms import amount, is_flag_set, line_kind, percent, unreadable

CLOSE = Decimal("0.0051")
"""Half a cent, and the noise of a shop's own arithmetic."""


@dataclass(frozen=True, slots=True)
class PayloadLine:
    """A line as it is in the payload."""

    name: str
    sku: str
    kind: LineKind
    quantity: Decimal
    price: Decimal | None
    net: Decimal
    gross: Decimal
    rate: Decimal | None
    """The percentage by which `gross` is more than `net`; None where it is not."""
    discount: Decimal
    extras: Decimal

    @property
    def is_price_inclusive(self) -> bool | None:
        """Whether the price that the shop shows includes VAT; None where that cannot be told."""
        if self.rate is None or self.price is None:
            return None
        is_gross, is_net = (abs(self.price - each) <= CLOSE for each in (self.gross, self.net))
        return is_gross if is_gross != is_net else None


def payload_lines(order: Json, with_hidden: bool) -> list[PayloadLine]:
    """Return the product lines of the order; hidden are those that its themes leave out (`is_product` false).

    Raises OrderError `order-unreadable` or `tax-unclear`.
    """
    return [
        _payload_line(product)
        for product in objects_field(order, "products")
        if with_hidden or not is_hidden(product)
    ]


def is_hidden(product: Json) -> bool:
    """Return whether the shop does not show the line as a product."""
    return product.get("is_product") not in (None, "") and not is_flag_set(product["is_product"])


def _payload_line(product: Json) -> PayloadLine:
    name = _name(product)
    rate = percent(product, "tax")
    net, gross = _prices(product, rate)
    return PayloadLine(
        name=name,
        sku=str(product.get("reference") or "").strip(),
        kind=line_kind(product),
        quantity=amount(product, "quantity"),
        price=amount(product, "price") if product.get("price") not in (None, "") else None,
        net=net,
        gross=gross,
        rate=_charged_rate(name, net, gross, rate),
        discount=amount(product, "discount", ZERO),
        extras=amount(product, "price_extras", ZERO),
    )


def _name(product: Json) -> str:
    """Return the title with the variant and the extras that were chosen."""
    title, option = text_field(product, "title"), text_field(product, "option")
    title = title or text_field(product, "reference") or str(required_field(product, "id"))
    if option and option not in title:
        title = f"{title} ({option})"
    extras = [": ".join(filter(None, (text_field(each, "title"), text_field(each, "value"))))
              for each in objects_field(product, "extras")]  # fmt: skip
    return f"{title} [{'; '.join(extras)}]" if any(extras) else title


def _prices(product: Json, rate: Decimal) -> tuple[Decimal, Decimal]:
    """Return the price of one piece without and with VAT; one that is missing follows from the other."""
    factor = ONE + rate / 100
    has_net, has_gross = (
        product.get(name) not in (None, "") for name in ("price_without_tax", "price_with_tax")
    )
    if not has_net and not has_gross:
        raise unreadable("price_with_tax")
    net = amount(product, "price_without_tax") if has_net else amount(product, "price_with_tax") / factor
    gross = amount(product, "price_with_tax") if has_gross else net * factor
    return net, gross


def _charged_rate(name: str, net: Decimal, gross: Decimal, rate: Decimal) -> Decimal | None:
    """Return the rate of the line, or None where its prices show that nothing was charged.

    Either price may have been rounded to cents. Raises OrderError `tax-unclear` where they show another rate.
    """
    if rate > ZERO and abs(gross - net * (ONE + rate / 100)) <= CLOSE * (2 + rate / 100):
        return rate
    if abs(gross - net) <= CLOSE:
        return None
    raise OrderError("tax-unclear", line=name, tax=str(gross - net), rate=str(rate))


def price_bases(order: Json, lines: Sequence[PayloadLine]) -> tuple[bool, bool]:
    """Return whether discounts and extras include VAT in both readings, the likelier first.

    The likelier is how the lines show their prices, else what the order states. Raises OrderError `prices-mixed` when
    the lines disagree.
    """
    shown = {each.is_price_inclusive for each in lines} - {None}
    if len(shown) > 1:
        raise OrderError("prices-mixed")
    stated = object_field(order, "tax_settings").get("included")
    likelier = shown.pop() if shown else stated in (None, "") or is_flag_set(stated)
    return bool(likelier), not likelier


@dataclass(frozen=True, slots=True)
class LineReading:
    """One way to read the product lines; `discount` is the sum of their discounts."""

    inclusive: bool
    lines: tuple[OrderLine, ...]
    discount: Decimal
    is_gross_exact: bool
    """Whether its prices are round with VAT and repeating fractions without: then the shop keeps them with VAT."""


def line_readings(
    lines: Sequence[PayloadLine], bases: Sequence[bool], may_be_exempt: bool
) -> Iterator[LineReading]:
    """Yield every reading of the lines, the likeliest first.

    `may_be_exempt` says that the order shows no VAT: then its lines may have been sold without it, whatever rate they
    name.
    """
    taxed = (True, False) if may_be_exempt and any(each.rate for each in lines) else (True,)
    extras = _EXTRAS if any(each.extras for each in lines) else _EXTRAS[:1]
    for inclusive, is_taxed, by_piece, extra in itertools.product(bases, taxed, (False, True), extras):
        read = [
            _order_line(at, line, inclusive, is_taxed, by_piece, extra) for at, line in enumerate(lines, 1)
        ]
        discount = sum((each.discount for each in read), ZERO)
        yield LineReading(inclusive, tuple(read), discount, any(map(_is_gross_exact, lines)))


def _is_gross_exact(line: PayloadLine) -> bool:
    net, gross = (-int(each.as_tuple().exponent) for each in (line.net, line.gross))
    return net > _ROUND_DECIMALS >= gross


_ROUND_DECIMALS = 6
_EXTRAS = (("line", True), ("piece", True), ("in-price", True), ("line", False), ("piece", False))
"""For what the price of the extras is, and whether it includes VAT where the discounts do."""


def _order_line(
    position: int,
    line: PayloadLine,
    inclusive: bool,
    is_taxed: bool,
    by_piece: bool,
    extras: tuple[str, bool],
) -> OrderLine:
    price = line.gross if inclusive and is_taxed else line.net
    factor = ONE + (line.rate or ZERO) / 100
    what, is_alike = extras
    extra = line.extras
    if not is_alike:
        extra = extra * factor if inclusive else extra / factor
    if what == "line" and line.quantity:
        price += extra / line.quantity
    elif what == "piece":
        price += extra
    return OrderLine(
        ref=str(position),
        description=line.name,
        quantity=line.quantity,
        unit_price=price,
        kind=line.kind,
        sku=line.sku,
        discount=line.discount * line.quantity if by_piece else line.discount,
        charged=line.rate if is_taxed else None,
    )
