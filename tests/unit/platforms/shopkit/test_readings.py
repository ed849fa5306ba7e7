"""Whatever a shop leaves open, the VAT of each rate is what it charged, or there is no document."""

from __future__ import annotations

import json
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from hypothesis import given, note
from hypothesis import strategies as st

from shopapp.errors import NotYet, OrderError, SettingsError
from shopapp.fiscal.decisions import Decisions
from shopapp.fiscal.document import FiscalSettings
from shopapp.fiscal.invoice import build_invoice
from shopapp.json_text import parse_json
from shopapp.platforms.shopkit.orders import order_from

from .payloads import order, product

CENT = Decimal("0.01")
RATES = (0, 6, 13, 23)
SETTINGS = FiscalSettings(exemption="M07", decisions=Decisions({"tax-difference": {"*": "follow-law"}}))


class Shop:
    """A shop's own arithmetic, in each way that the documentation leaves open."""

    def __init__(self, draw: Any) -> None:
        def amount(most: int) -> Decimal:
            return Decimal(draw(st.integers(0, most))) / 100

        def coin() -> bool:
            return bool(draw(st.booleans()))

        self.inclusive, self.by_piece = coin(), coin()
        self.extras = draw(st.sampled_from(["line", "piece", "in-price"]))
        self.points_after_vat, self.shipping_tax_inside = coin(), coin()
        self.lines = [
            (amount(9900) + 4, draw(st.integers(1, 4)), draw(st.sampled_from(RATES)))
            for _ in range(draw(st.integers(1, 4)))
        ]
        self.percent = draw(st.sampled_from([0, 0, 5, 10, 33]))
        self.extra = amount(500) if coin() else Decimal(0)
        self.shipping, self.shipping_rate = (amount(900) + 1) * coin(), draw(st.sampled_from([0, 23]))
        self.fee = (amount(200) + 1) * coin()
        self.points = (amount(100) + 1) * coin()
        self.states_tax, self.frees_shipping = coin(), coin()
        self.shows_other_price, self.counts_points = coin(), coin()
        self.tells_other_discount = not self.points and coin()

    def payload(self) -> tuple[Any, dict[int, Decimal]]:
        """Return the order, and what was paid for the goods of each rate, VAT included and not rounded."""
        products, paid, discounts = [], dict[int, Decimal](), Decimal(0)
        taxes = Decimal(0)
        for price, pieces, rate in self.lines:
            extra = self.extra if self.extras != "in-price" else Decimal(0)
            value = price * pieces + (extra * pieces if self.extras == "piece" else extra)
            discount = value * self.percent / 100
            factor = 1 + Decimal(rate) / 100
            net = price / factor if self.inclusive else price
            told = discount
            if self.tells_other_discount:
                told = discount / factor if self.inclusive else discount * factor
            products.append(
                product("0", rate, pieces, price_extras=float(self.extra)) | {
                    "price": float(net if self.inclusive is self.shows_other_price else net * factor),
                    "price_without_tax": float(net), "price_with_tax": float(net * factor),
                    "discount": float(told / pieces if self.by_piece else told),
                }
            )  # fmt: skip
            left = value - discount
            gross = left if self.inclusive else left * factor
            discounts += told
            paid[rate] = paid.get(rate, Decimal(0)) + gross
            taxes += gross - gross / factor
        basis = (
            paid
            if self.inclusive
            else {rate: gross / (1 + Decimal(rate) / 100) for rate, gross in paid.items()}
        )
        points = min(self.points, sum(basis.values()))
        whole = sum(paid.values()) if self.points_after_vat else sum(basis.values())
        if points and whole:
            spread = paid if self.points_after_vat else basis
            share = {rate: points * part / whole for rate, part in spread.items()}
            if not self.points_after_vat:
                left_taxes = Decimal(0)
                for rate in paid:
                    factor = 1 + Decimal(rate) / 100
                    paid[rate] -= share[rate] * (1 if self.inclusive else factor)
                    left_taxes += paid[rate] - paid[rate] / factor
                taxes = left_taxes
            else:
                paid = {rate: gross - share[rate] for rate, gross in paid.items()}
        rate = self.shipping_rate
        inside = self.shipping_tax_inside and rate
        tax = self.shipping * rate / (100 + rate) if inside else self.shipping * rate / 100
        charged = self.shipping if inside or not rate else self.shipping + tax
        charged = Decimal(0) if self.frees_shipping else charged
        total = sum(paid.values()) + charged + self.fee
        told_discount = discounts + (points if self.counts_points else 0)
        found = order(
            *products, total=float(Decimal(total).quantize(CENT, ROUND_HALF_UP)), discount=float(told_discount),
            shipping__value=float(self.shipping), shipping__tax=0 if self.frees_shipping else float(tax),
            shipping__tax_percent=rate or "", payment__value=float(self.fee),
            coupon={"code": "X", "type": "shipping" if self.frees_shipping else "percent", "value": 0},
            rewards={"redeemed": bool(points), "discount": float(points)},
            product_tax=float(taxes) if self.states_tax else None,
        )  # fmt: skip
        return parse_json(json.dumps(found, default=float)), paid


@given(st.data())
def test_the_vat_of_each_rate_is_what_the_shop_charged_or_there_is_no_document(data: st.DataObject) -> None:
    payload, paid = Shop(data.draw).payload()
    note(json.dumps(payload, default=float))
    try:
        found = order_from(payload)
    except OrderError as error:
        assert error.code in ("discount-unclear", "total-differs", "tax-unclear", "prices-mixed"), error.code
        return
    goods = [line for line in found.lines if line.kind == "goods"]
    whole = sum(line.value for line in goods)
    for rate, gross in paid.items():
        value = sum(line.value for line in goods if (line.charged or 0) == rate)
        value -= found.discount * value / whole if whole else Decimal(0)
        read = value if found.prices_include_tax else value * (1 + Decimal(rate) / 100)
        assert abs(read - gross) <= Decimal("0.02"), (rate, read, gross)
    try:
        draft = build_invoice(found, SETTINGS, date(2026, 12, 1))
    except (NotYet, OrderError, SettingsError) as error:
        assert error.code in ("free", "exemption-unconfirmed", "shipping-untaxed")
    else:
        assert draft.gross == found.total
