"""Orders in the JSON that the API and webhooks send; the switches for uncertain formats are read here."""

from __future__ import annotations

from collections import ChainMap
from typing import Any

from sandbox.core.storage import Json

from .amounts import FeeAmounts, LineAmounts, OrderAmounts, order_amounts, round_half_up
from .state import Shop, ShopkitState

STATUS_NUMBERS = {
    "pending": 1,
    "processing": 2,
    "sent": 3,
    "canceled": 4,
    "waiting_confirmation": 5,
    "waiting_payment": 6,
    "waiting_stock": 7,
    "delivered": 8,
    "returned": 9,
    "pickup_available": 10,
    "waiting_shipment": 11,
    "waiting_return": 12,
}
"""Only 3, 8 and 9 are publicly known."""
STATUS_NAMES = {
    "pending": "Pendente",
    "processing": "Em processamento",
    "sent": "Enviada",
    "canceled": "Cancelada",
    "waiting_confirmation": "A aguardar confirmação",
    "waiting_payment": "A aguardar pagamento",
    "waiting_stock": "A aguardar stock",
    "delivered": "Entregue",
    "returned": "Devolvida",
    "pickup_available": "Pronta a levantar",
    "waiting_shipment": "A aguardar envio",
    "waiting_return": "A aguardar devolução",
}
ISLANDS = {
    "Portugal - Madeira": ("Portugal - Região Autónoma da Madeira", "Portugal - Madeira Islands", "PT-30"),
    "Portugal - Açores": ("Portugal - Região Autónoma dos Açores", "Portugal - Azores", "PT-20"),
}
EXEMPTION_WORDS = {"M05": "export", "M16": "intra_community", "M40": "reverse_charge"}
SHORT_ROW = [
    "client",
    "created_at",
    "currency",
    "hash",
    "id",
    "paid",
    "payment",
    "permalink",
    "products",
    "shipping",
    "status",
    "status_alias",
    "subtotal",
    "total",
    "update_at",
]
SHORT_LINE = ["id", "title", "option", "reference", "price", "quantity"]
Switched = Any


def amounts_of(state: ShopkitState, order: Json) -> OrderAmounts:
    """Return the order's amounts, by its own switches where it has some."""
    return order_amounts(order["spec"], switches_of(state, order))


def switches_of(state: ShopkitState, order: Json) -> Switched:
    """Return the positions in force for this order."""
    return ChainMap(
        order["switches"], {switch.name: state.switches[switch.name] for switch in state.switches}
    )


def order_json(state: ShopkitState, shop: Shop, order: Json) -> Json:
    """Return the order as `GET /order/{id}` answers."""
    return {**_OrderFormat(state, shop, order).as_json(), **order["raw"]}


def order_row(state: ShopkitState, shop: Shop, order: Json) -> Json:
    """Return the order as a row of `GET /order`."""
    whole = order_json(state, shop, order)
    if state.switches["order-rows"] == "short":
        whole = {name: whole[name] for name in SHORT_ROW}
        whole["products"] = [{name: line[name] for name in SHORT_LINE} for line in whole["products"]]
        whole["client"] = {name: whole["client"][name] for name in ("id", "name", "email")}
    row = {**whole, **order["list_row"]}
    return {name: value for name, value in row.items() if not (value is None and name in order["list_row"])}


class _OrderFormat:
    def __init__(self, state: ShopkitState, shop: Shop, order: Json) -> None:
        self.state, self.shop, self.order, self.spec = state, shop, order, order["spec"]
        self.switches = switches_of(state, order)
        self.amounts = order_amounts(self.spec, self.switches)
        self.is_inclusive = self.spec["prices_include_tax"]

    # --- values --------------------------------------------------------------------------------------------

    def _amount(self, value: float) -> Json:
        return number(value, self.switches["numbers"])

    def _shown(self, value: float) -> Json:
        return self._amount(round_half_up(value, 4) if self.switches["line-digits"] == "four" else value)

    def _id(self, value: int) -> Json:
        return str(value) if self.switches["types"] == "text" else value

    def _flag(self, value: bool) -> Json:
        return ("1" if value else "0") if self.switches["types"] == "text" else value

    # --- the order -----------------------------------------------------------------------------------------

    def as_json(self) -> Json:
        order, spec = self.order, self.spec
        digital = all(line["type"] == "digital" for line in spec["lines"])
        return {
            "id": self._id(order["id"]),
            "hash": order["hash"],
            "currency": spec["currency"],
            **self._totals(),
            "shipping": {
                **self._fee(self.amounts.shipping),
                "discount_percent": 100 if self.amounts.shipping.discount and spec["shipping"]["price"] else 0,
            },
            "payment": self._payment(),
            "status": self._id(STATUS_NUMBERS[order["status_alias"]]),
            "status_alias": order["status_alias"],
            "status_description": STATUS_NAMES[order["status_alias"]],
            "paid": self._flag(order["paid"]),
            "is_new": self._flag(order["is_new"]),
            **{name: order[name] for name in ("created_at", "update_at", "paid_at", "sent_at")},
            "invoice_url": self._invoice_url(),
            "at_code": order["at_code"],
            "tax_exemption": self._exemption(),
            "tax_settings": {"included": self.is_inclusive} if self.switches["tax-settings"] == "told" else None,
            "wholesale": self._flag(spec["wholesale"]),
            "is_digital": self._flag(digital),
            "billing_info_same_delivery": "1" if spec["same_address"] else "0",
            "weight": 0,
            "observations": spec["note"],
            "note": order["note"],
            "client_note": order["client_note"],
            "custom_field": "",
            **self._coupon(),
            "shipment_method": "CTT",
            "shipment_method_id": 7 if self.switches["types"] == "documented" else "7",
            "shipment_type": None,
            **{name: order.get(name, "") for name in ("tracking_code", "tracking_carrier", "tracking_url")},
            "tracking_created_at": "",
            "shipping_url": order.get("shipping_url", ""),
            "expected_arrival_from": None,
            "expected_arrival_until": None,
            "tracking_status": {"event_alias": None, "event_description": None},
            "permalink": f"{self.state.public}/order/{order['hash']}",
            "tags": order["tags"],
            "l10n": {"tax_id_abbr": "NIF/NIPC/VAT ID", "tax_name": "IVA"},
            "client": self._client(),
            "products_count": len(spec["lines"]),
            "products_quantity": sum(line["qty"] for line in spec["lines"]),
            "products": [
                self._line(line, amounts)
                for line, amounts in zip(spec["lines"], self.amounts.lines, strict=True)
            ],
            **self._returned(),
        }  # fmt: skip

    def _totals(self) -> Json:
        amounts, switches = self.amounts, self.switches
        as_net = self.is_inclusive and switches["inclusive-subtotal"] == "net"
        if switches["order-subtotal"] == "before-discount":
            subtotal = sum(line.net_base if as_net else line.base for line in amounts.lines)
        else:
            subtotal = sum(line.net if as_net else line.base - line.discount for line in amounts.lines)
        product_tax = sum(line.tax for line in amounts.lines)
        discount = sum(self._discount(line) for line in amounts.lines)
        if switches["free-shipping"] == "in-discount":
            discount += amounts.shipping.discount
        everything = product_tax + amounts.shipping.tax + amounts.payment.tax
        return {
            "total": self._amount(amounts.total),
            "subtotal": self._shown(subtotal),
            "discount": self._amount(discount),
            "product_tax": self._shown(product_tax),
            "total_tax": self._shown(everything if switches["total-tax"] == "all" else product_tax),
        }

    def _discount(self, amounts: LineAmounts) -> float:
        if self.is_inclusive and self.switches["inclusive-discount"] == "net":
            return amounts.net_base - amounts.net
        return amounts.discount

    def _line(self, line: Json, amounts: LineAmounts) -> Json:
        switches, quantity = self.switches, line["qty"]
        pieces = quantity if switches["line-subtotals"] == "unit" and quantity else 1
        discounted = quantity if switches["line-discount"] == "unit" and quantity else 1
        net = amounts.net if switches["line-net"] == "after-discount" else amounts.net_base
        discount = self._discount(amounts)
        if switches["fixed-coupon"] == "order" and (self.spec["coupon"] or {}).get("type") == "fixed":
            discount = line["discount"]
        gross = self.is_inclusive and switches["inclusive-price"] == "gross"
        extras = sum(extra["price"] for extra in line["extras"])
        factor = 1 + line["tax"] / 100
        hidden = 0.0 if switches["extras"] == "in-price" else extras
        with_tax = amounts.unit_with_tax - hidden * (1 if self.is_inclusive else factor)
        without_tax = amounts.unit_without_tax - hidden / (factor if self.is_inclusive else 1)
        shown: Json = {
            "id": self._id(line["product_id"]),
            "title": line["title"],
            "option": line["option"],
            "reference": line["reference"],
            "barcode": None,
            "quantity": self._id(quantity),
            "price": self._amount(with_tax if gross else without_tax),
            "price_with_tax": self._amount(with_tax),
            "price_without_tax": self._amount(without_tax),
            "tax": self._amount(line["tax"]),
            "discount": self._amount(discount / discounted),
            "discount_percent": self._amount(round_half_up(100 * discount / amounts.base if amounts.base else 0)),
            "subtotal": self._shown(amounts.gross / pieces),
            "subtotal_with_tax": self._shown(amounts.gross / pieces),
            "subtotal_without_tax": self._shown(net / pieces),
            "weight": 0,
            "type": line["type"],
            "origin_country": None,
            "origin_country_alpha_2": None,
            "harmonized_code": None,
            "url": f"{self.state.public}/product/{line['product_id']}",
            "description_short": "",
            "image": {},
            "is_product": self._flag(line["is_product"]),
        }  # fmt: skip
        if line["extras"] and switches["extras"] == "told":
            shown["extras"] = [{**extra, "price": self._amount(extra["price"])} for extra in line["extras"]]
            shown["price_extras"] = self._amount(extras)
        return shown

    def _fee(self, fee: FeeAmounts) -> Json:
        rate = 0 if not fee.tax else round_half_up(100 * fee.tax / fee.net, 0)
        value = fee.gross if self.switches["shipping-value"] == "gross" else fee.net
        if fee.discount and self.switches["free-shipping"] != "value-zero":
            value += fee.discount
        is_told = rate and self.switches["shipping-tax-percent"] == "told"
        return {
            "value": self._amount(value),
            "tax": self._shown(fee.tax),
            "tax_percent": self._amount(rate) if is_told else "",
            "discount": self._amount(fee.discount),
        }

    def _payment(self) -> Json:
        payment, total = self.spec["payment"], self.amounts.total
        data: Json = {}
        if payment["method"] == "multibanco":
            data = {
                "entity": 11111,
                "reference": 900_000_000 + self.order["id"],
                "value": self._amount(total),
            }
        fee = self._fee(self.amounts.payment)
        del fee["discount"]
        return {
            "title": payment["title"],
            "method": payment["method"],
            "type": payment["method"],
            "gateway": payment["gateway"],
            **fee,
            "data": data,
        }

    def _coupon(self) -> Json:
        shown: Json = {"coupon": None}
        if coupon := self.spec["coupon"]:
            shown["coupon"] = {**coupon, "value": self._amount(coupon["value"])}
            if self.switches["coupon-discount"] == "told":
                shown["coupon"]["discount"] = self._amount(self.amounts.discount)
        if self.amounts.loyalty and self.switches["loyalty"] == "told":
            shown["rewards"] = {"discount": self._amount(self.amounts.loyalty)}
        return shown

    def _exemption(self) -> str | None:
        code, how = self.spec["tax_exemption"], self.switches["exemption-code"]
        if not code or how == "null":
            return None
        if how == "words":
            return EXEMPTION_WORDS.get(str(code), "exempt")
        return str(code).lower() if how == "lower" else str(code)

    def _invoice_url(self) -> str:
        if not self.order["invoice_file"]:
            return str(self.order["invoice_url"])
        is_told = self.state.switches["file-address"] == "told"
        return f"{self.state.public}/invoice/{self.order['hash']}.pdf" if is_told else ""

    def _returned(self) -> Json:
        if not self.order["returned"] or self.switches["return-form"] == "nowhere":
            return {}
        return {"return_custom_field": self.order["returned"]}

    # --- the client ----------------------------------------------------------------------------------------

    def _client(self) -> Json:
        spec = self.spec
        delivery = self._address(spec["address"])
        billing = {"same_as_delivery": self._flag(spec["same_address"]), **self._address(spec["billing"])}
        return {
            "id": str(self.order["client_id"]),
            "hash": self.order["client_hash"],
            "name": spec["buyer"]["name"],
            "email": spec["buyer"]["email"],
            "company": spec["company"],
            "fiscal_id": spec["nif"] or "",
            "is_registered": self._flag(False),
            "picture": None,
            "delivery": delivery,
            "billing": billing,
            "address": f"{delivery['address']} {delivery['address_extra']}".strip(),
            "postcode": delivery["zip_code"],
            "town": delivery["city"],
            "country": delivery["country"],
            "country_code": delivery["country_code"],
            "phone": delivery["phone"],
        }

    def _address(self, place: Json) -> Json:
        shown = {"name": self.spec["buyer"]["name"], "phone": "+351910000000", **place}
        how = self.switches["island-names"]
        if place["country"] not in ISLANDS or how == "region":
            return shown
        full, english, code = ISLANDS[place["country"]]
        if how == "code":
            return {**shown, "country_code": code, "country_code_alpha_2": code}
        return {**shown, "country": {"full": full, "english": english, "country": "Portugal"}[how]}


def number(value: float, how: str) -> Json:
    """Return the amount as the API writes it: a whole float without a point, as PHP does, or text."""
    if how == "number":
        return int(value) if value == int(value) else value
    text = f"{value:.2f}" if round(value, 2) == value else repr(value)
    return text.replace(".", ",") if how == "comma" else text
