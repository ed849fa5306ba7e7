"""What is written on a Shopkit order: looked at first, and nothing of somebody else's is ever replaced."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from shopapp.errors import OrderError, RefusedError
from shopapp.platforms.base import Attachment

from .scripted import open_shopkit

URL = "https://app.test/d/first"


class Order:
    """One order of a shop, which keeps what is put on it; `largest` is the size of the largest file."""

    def __init__(self, largest: int = 10_000, **fields: Any) -> None:
        self.fields: dict[str, Any] = {"id": 7, "invoice_url": "", "note": "", "at_code": "", **fields}
        self.largest, self.writes = largest, 0

    def __call__(self, method: str, path: str, asked: Any) -> Any:
        assert path == "/order/7"
        if method == "PUT":
            asked = dict(asked)
            assert asked.pop("notify_client") is False
            if len(asked.get("invoice_file", "")) > self.largest:
                return 413, {"message": "Too large"}
            self.writes += 1
            if file := asked.pop("invoice_file", ""):
                asked["invoice_url"] = f"https://cdn.shopk.test/{hash(file)}.pdf"
            self.fields |= asked
        return 200, self.fields


def invoice(number: str = "FR 1/1", url: str = URL, pdf: bytes = b"") -> Attachment:
    return Attachment("FR", f"QI-{number}", number, url, pdf)


def test_the_link_is_written_once() -> None:
    order = Order()
    shop, _ = open_shopkit(order)
    for _ in range(2):
        shop.attach_document("7", invoice())
    assert (order.fields["invoice_url"], order.writes) == (URL, 1)


def test_the_file_is_sent_once_and_the_note_says_that_it_is_ours() -> None:
    order = Order(note="Cliente habitual")
    shop, http = open_shopkit(order)
    for _ in range(2):
        shop.attach_document("7", invoice(pdf=b"%PDF-1.4"))
    assert order.writes == 1
    (sent,) = [asked for method, _, asked in http.calls if method == "PUT"]
    assert base64.b64decode(sent["invoice_file"]) == b"%PDF-1.4"
    assert "invoice_url" not in sent
    assert order.fields["note"] == "Cliente habitual\nQuick Invoice: ficheiro da fatura FR 1/1"


def test_a_file_that_is_too_large_is_shown_by_its_link() -> None:
    order = Order(largest=10)
    shop, _ = open_shopkit(order)
    shop.attach_document("7", invoice(pdf=b"%PDF" * 10))
    assert order.fields["invoice_url"] == URL


@pytest.mark.parametrize("pdf", [b"", b"%PDF"])
def test_a_former_invoice_of_ours_is_replaced_and_its_address_kept(pdf: bytes) -> None:
    order = Order(invoice_url="https://app.test/d/former")
    shop, _ = open_shopkit(order)
    shop.attach_document("7", invoice(pdf=pdf))
    assert order.fields["invoice_url"] != "https://app.test/d/former"
    assert "antes https://app.test/d/former" in order.fields["note"]


@pytest.mark.parametrize(
    "url",
    [
        "https://www.app.invoicexpress.com/documents/permalink", "https://app.test.evil.test/d/x", "http://app.test/d/x",
        "https://app.test/other",
    ],
)  # fmt: skip
@pytest.mark.parametrize("pdf", [b"", b"%PDF"])
def test_an_invoice_of_somebody_else_is_never_replaced(url: str, pdf: bytes) -> None:
    order = Order(invoice_url=url, note="FR 1/1")
    shop, _ = open_shopkit(order)
    with pytest.raises(RefusedError) as raised:
        shop.attach_document("7", invoice(pdf=pdf))
    assert (raised.value.code, order.writes) == ("other-invoice", 0)


def test_a_shop_that_keeps_the_former_address_is_reported() -> None:
    def stubborn(method: str, path: str, asked: Any) -> Any:
        return 200, {"id": 7, "invoice_url": "https://app.test/d/former", "note": ""}

    shop, _ = open_shopkit(stubborn)
    with pytest.raises(RefusedError):
        shop.attach_document("7", invoice())


def test_a_line_is_added_to_the_note_once_and_the_merchants_text_stays() -> None:
    order = Order(note="Ligar antes\r\nde enviar")
    shop, _ = open_shopkit(order)
    for text in ("FR 1/1 (10,00 €)", "NC 1/1 (10,00 €)", "FR 1/1 (10,00 €)"):
        shop.add_history_entry("7", text)
    assert order.fields["note"] == "Ligar antes\r\nde enviar\nFR 1/1 (10,00 €)\nNC 1/1 (10,00 €)"
    assert order.writes == 2


def test_the_transport_code_is_written_once() -> None:
    order = Order()
    shop, _ = open_shopkit(order)
    for _ in range(2):
        shop.set_transport_code("7", "AT123")
    assert (order.fields["at_code"], order.writes) == ("AT123", 1)


@pytest.mark.parametrize("gone", ["GET", "PUT"])
def test_an_order_that_is_gone_is_missing(gone: str) -> None:
    order = Order()

    def answer(method: str, path: str, asked: Any) -> Any:
        return (404, {"message": "Not found."}) if method == gone else order(method, path, asked)

    shop, _ = open_shopkit(answer)
    for write in (
        lambda: shop.attach_document("7", invoice()),
        lambda: shop.add_history_entry("7", "x"),
        lambda: shop.set_transport_code("7", "x"),
    ):
        with pytest.raises(OrderError) as raised:
            write()
        assert raised.value.code == "order-missing"
