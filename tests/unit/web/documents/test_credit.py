"""Credit notes from the pages: preview, request, limits, and errors that keep the merchant's input."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

from shopapp.fiscal.order import OrderLine
from shopapp.models import Document, FollowUp
from tests.fakes import World, world
from tests.security.conftest import StoreSession, csrf_token_of, log_in
from tests.unit.web.conftest import page_text

__all__ = ["world"]

LINES = (
    OrderLine("1", "Caneca", Decimal(3), Decimal("12.30"), sku="CAN-1", charged=Decimal(23)),
    OrderLine("2", "Livro", Decimal(1), Decimal("10.60"), sku="LIV-1", charged=Decimal(6)),
)


@dataclass
class Sold:
    """An issued document of 47.50 (three mugs, one book), its world, and a browser with the store's session."""

    world: World
    shop: StoreSession

    @property
    def document(self) -> Document:
        return self.world.document()

    @property
    def path(self) -> str:
        return f"/documents/{self.document.id}/credit"

    def note(self, act: int = 1) -> Document | None:
        self.world.document()
        return Document.find(self.world.store.id, "1001", f"credit:{act}")

    def look(self, mode: str = "all", **more: str) -> Any:
        return self.shop.client.get(self.path, query_string={"what": mode, **more})

    def review(self, page: Any, **changes: str) -> Any:
        """Return the answer to the page's form, posted for another preview."""
        return self.shop.post(self.path, {**fields(page), **changes, "do": "review"})

    def issue(self, page: Any, **changes: str) -> Any:
        """Return the answer to the page's form, posted to issue."""
        return self.shop.post(self.path, {**fields(page), **changes, "do": "issue"})

    def kinds(self) -> list[tuple[str, Decimal]]:
        self.world.run_due_work()
        return [(draft.kind, draft.gross) for _, draft in self.world.provider.ledger]


def fields(page: Any) -> dict[str, str]:
    """Return the fields that the page's form would post unchanged."""
    found = {}
    for tag in re.findall(r"<input[^>]*>", page.get_data(as_text=True)):
        given = dict(re.findall(r'([a-z-]+)="([^"]*)"', tag))
        is_chosen = given.get("type") not in ("radio", "checkbox") or " checked" in tag
        if "name" in given and given["name"] != "csrf_token" and is_chosen:
            found[unescape(given["name"])] = unescape(given.get("value", ""))
    return found


@pytest.fixture
def sold(app: Flask, db: SQLAlchemy, world: World) -> Sold:
    series = {"FR": "2026FR", "NC": "2026NC"}
    world.account.settings = {**world.account.settings, "series": series}
    db.session.commit()
    world.pay_order("1001", lines=LINES, total=Decimal("47.50"))
    world.run_due_work()
    client = log_in(app, world.store)
    return Sold(world, StoreSession(world.store, {}, client, csrf_token_of(client, "/setup/keys/fakebooks")))


# The preview


def test_the_document_offers_a_credit_note_and_lists_earlier_ones(sold: Sold) -> None:
    page = page_text(sold.shop.client.get(f"/documents/{sold.document.id}"))
    assert "Tudo: 47,50 €" in page and "Tudo, e emitir de novo com dados corrigidos" in page
    sold.issue(sold.review(sold.look("lines", way="money"), amount="7,50"))
    sold.world.run_due_work()
    page = page_text(sold.shop.client.get(f"/documents/{sold.document.id}"))
    assert "Tudo o que falta: 40,00 €" in page and "emitir de novo" not in page
    assert "−7,50 € NC 2026NC/2" in page and "Falta creditar 40,00 €" in page
    assert "Saiu a nota de crédito NC 2026NC/2. 7,50 €" in page


def test_a_preview_requests_no_credit_note(sold: Sold) -> None:
    page = sold.look()
    assert page.status_code == 200
    text = page_text(page)
    assert "Creditar 47,50 € da fatura-recibo FR 2026FR/1" in text and "Devolução do cliente" in text
    assert "Depois desta nota não fica nada por creditar." in text
    for way in ("lines", "again", "nonsense"):
        assert sold.look(way).status_code == 200
    sold.review(sold.look("lines", way="money"), amount="5")
    assert sold.note() is None and sold.kinds() == [("FR", Decimal("47.50"))]


def test_the_reason_is_the_merchants_or_a_default(sold: Sold) -> None:
    assert fields(sold.look(why="Artigo  partido"))["why"] == "Artigo partido"
    assert fields(sold.look("lines"))["why"] == "Devolução parcial"
    sold.world.cancel_order()
    sold.world.run_due_work()
    assert fields(sold.look())["why"] == "Venda cancelada"


# By lines, by an amount


def test_a_whole_document_is_credited(sold: Sold) -> None:
    answer = sold.issue(sold.look(), why="Devolução do cliente")
    note = sold.note()
    assert note is not None
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/documents/{note.id}")
    assert sold.kinds() == [("FR", Decimal("47.50")), ("NC", Decimal("47.50"))]
    page = page_text(sold.shop.client.get(f"/documents/{note.id}"))
    assert "Corrige FR 2026FR/1" in page and "Devolução do cliente" in page and "Creditar" not in page
    listing = page_text(sold.shop.client.get("/documents"))
    assert "NC 2026NC/2 Corrige FR 2026FR/1" in listing and "−47,50 €" in listing


def test_returned_pieces_are_credited_at_their_price(sold: Sold) -> None:
    page = sold.review(sold.look("lines"), **{"quantity-1": "2", "quantity-2": "0"})
    assert page.status_code == 200
    assert "24,60 €" in page_text(page) and "Depois desta nota ficam por creditar 22,90 €." in page_text(page)
    assert sold.issue(page).status_code == 303
    assert sold.kinds()[1] == ("NC", Decimal("24.60"))
    note = sold.note()
    assert note is not None
    assert [(line.sku, line.quantity, line.gross) for line in note.lines] == [
        ("CAN-1", Decimal(2), Decimal("24.60")),
    ]  # fmt: skip


def test_part_of_the_price_of_returned_pieces_may_be_kept(sold: Sold) -> None:
    page = sold.review(sold.look("lines"), **{"quantity-1": "1", "refund": "10,00"})
    assert "Livro" not in page_text(page).split("como vai sair")[1] and "10,00 €" in page_text(page)
    sold.issue(page)
    assert sold.kinds()[1] == ("NC", Decimal("10.00"))


def test_money_without_pieces_reduces_the_price_of_all_lines_or_of_some(sold: Sold) -> None:
    page = sold.review(sold.look("lines", way="money"), amount="10")
    assert "Redução de preço: Caneca" in page_text(page) and fields(page)["why"] == "Redução de preço"
    page = sold.review(sold.look("lines", way="money"), **{"gross-2": "5,30"})
    sold.issue(page)
    sold.world.run_due_work()
    note = sold.note()
    assert note is not None
    assert [(line.description, line.kind, line.gross) for line in note.lines] == [
        ("Redução de preço: Livro", "reduction", Decimal("5.30")),
    ]
    assert "10,60" not in page_text(sold.look("lines")) and "5,30 €" in page_text(sold.look("lines"))


def test_an_amount_in_the_address_is_previewed(sold: Sold) -> None:
    page = sold.look("lines", way="money", amount="3.00")
    assert fields(page)["amount"] == "3.00" and "ficam por creditar 44,50 €" in page_text(page)
    assert sold.issue(page).status_code == 303 and sold.kinds()[1] == ("NC", Decimal("3.00"))
    assert fields(sold.look("lines", way="money", amount="<x>"))["amount"] == ""


def test_only_the_chosen_way_counts(sold: Sold) -> None:
    page = sold.review(sold.look("lines"), **{"quantity-1": "1", "amount": "5", "gross-2": "1"})
    assert "Redução" not in page_text(page).split("como vai sair")[1]


# Stock


@pytest.fixture
def sold_from_stock(sold: Sold, db: SQLAlchemy) -> Sold:
    sold.world.account.settings = {**sold.world.account.settings, "moves_stock": True}
    db.session.commit()
    return sold


def test_the_merchant_says_which_pieces_are_put_back(sold_from_stock: Sold) -> None:
    page = sold_from_stock.look("lines")
    assert fields(page)["restock-1"] == "1" and "Repor em stock" in page_text(page)
    typed = {**fields(page), "quantity-1": "1", "quantity-2": "1"}
    del typed["restock-1"]
    path, shop = sold_from_stock.path, sold_from_stock.shop
    page = shop.post(path, {**typed, "do": "review"})
    assert "restock-1" not in fields(page)
    shop.post(path, {**fields(page), "do": "issue"})
    sold_from_stock.world.run_due_work()
    draft = sold_from_stock.world.provider.ledger[1][1]
    assert [(line.kind, line.sku) for line in draft.lines] == [("unstocked", ""), ("goods", "LIV-1")]
    assert draft.moves_stock


def test_a_whole_credit_may_leave_stock_alone(sold_from_stock: Sold) -> None:
    typed = fields(sold_from_stock.look())
    del typed["restock"]
    page = sold_from_stock.shop.post(sold_from_stock.path, {**typed, "do": "review"})
    assert "restock" not in fields(page)
    sold_from_stock.shop.post(sold_from_stock.path, {**fields(page), "do": "issue"})
    sold_from_stock.world.run_due_work()
    draft = sold_from_stock.world.provider.ledger[1][1]
    assert draft.gross == Decimal("47.50") and not draft.moves_stock


def test_without_stock_nothing_is_asked_about_it(sold: Sold) -> None:
    for page in (sold.look(), sold.look("lines")):
        assert "stock" not in page_text(page)


def test_pieces_come_back_without_money_and_without_a_document(sold: Sold, db: SQLAlchemy) -> None:
    sold.world.account.settings = {**sold.world.account.settings, "stock": "to-shop"}
    db.session.commit()
    page = sold.look("lines", way="stock")
    empty = sold.shop.post(sold.path, {**fields(page), "do": "return"})
    assert empty.status_code == 422 and "Diga quantos artigos voltaram." in page_text(empty)
    typed = {**fields(page), "quantity-1": "2", "do": "return"}
    assert sold.shop.post(sold.path, typed).status_code == 303
    again = sold.shop.client.get(sold.shop.post(sold.path, typed).headers["Location"])
    assert "Este regresso já tinha sido registado; nada se repetiu." in page_text(again)
    (done,) = FollowUp.query.filter_by(kind="return").all()
    assert done.detail["pieces"] == {"1": "2"} and sold.note() is None
    done.end("done")
    timeline = page_text(sold.shop.client.get(f"/documents/{sold.document.id}"))
    assert "Artigos devolvidos repostos em stock. 2 × Caneca" in timeline
    again = sold.shop.post(sold.path, {**typed, "return-act": "2"})
    assert "De «Caneca» só podem voltar 1, e escreveu 2." in page_text(again)


def test_what_was_credited_already_is_not_offered_again(sold: Sold) -> None:
    sold.issue(sold.review(sold.look("lines"), **{"quantity-1": "2"}))
    sold.world.run_due_work()
    text = page_text(sold.look("lines"))
    assert "12,30 €" in text and "de 1" in text
    sold.issue(sold.look())
    assert sold.kinds()[2] == ("NC", Decimal("22.90"))
    assert "já está todo creditado" in page_text(sold.look())
    assert "Creditar" not in page_text(sold.shop.client.get(f"/documents/{sold.document.id}"))


# One request


def test_the_same_request_sent_twice_makes_one_note(sold: Sold) -> None:
    page = sold.review(sold.look("lines", way="money"), amount="5")
    first = sold.issue(page)
    sold.world.run_due_work()
    second = sold.issue(page)
    assert (second.status_code, second.headers["Location"]) == (303, first.headers["Location"])
    assert sold.kinds() == [("FR", Decimal("47.50")), ("NC", Decimal("5.00"))]


def test_only_the_note_that_was_shown_is_issued(sold: Sold) -> None:
    seen = sold.review(sold.look("lines", way="money"), amount="5")
    other = sold.issue(seen, amount="6")
    assert other.status_code == 422 and "A escolha mudou depois da última revisão" in page_text(other)
    assert sold.note() is None
    assert sold.issue(other).status_code == 303
    assert sold.kinds()[1] == ("NC", Decimal("6.00"))


def test_an_invalid_request_number_requests_no_note(sold: Sold) -> None:
    page = sold.look()
    for act in ("7", "0", "-1", "x", "999999999999"):
        assert sold.issue(page, act=act).status_code == 409
    assert sold.kinds() == [("FR", Decimal("47.50"))]


# Errors


REFUSED: list[tuple[str, dict[str, str], str]] = [
    ("money", {"amount": "47,51"}, "O reembolso de 47,51 € é maior do que falta creditar (47,50 €)."),
    ("lines", {"quantity-1": "4"}, "De «Caneca» só podem voltar 3, e escreveu 4."),
    ("money", {"gross-2": "10,61"}, "é maior do que falta creditar"),
    ("lines", {"quantity-9": "1"}, "Uma das linhas não é deste documento."),
    ("money", {"gross-1": "12,30", "amount": "1"}, "é menor do que as linhas escolhidas"),
    ("lines", {}, "Diga quantos artigos voltaram."),
    ("money", {}, "Escreva quanto devolve"),
    ("lines", {"quantity-1": "dois"}, "Escreva quantos artigos voltaram"),
    ("lines", {"quantity-1": "-1"}, "Escreva quantos artigos voltaram"),
    ("lines", {"quantity-1": "1,5"}, "«Caneca» vende-se à unidade"),
    ("lines", {"quantity-1": "1e3"}, "Escreva quantos artigos voltaram"),
    ("money", {"gross-1": "-1"}, "Escreva um valor em euros"),
    ("money", {"amount": "0,001"}, "Escreva um valor em euros"),
    ("lines", {"quantity-1": "1", "refund": "x"}, "Escreva um valor em euros"),
    ("all", {"why": "x" * 51}, "O motivo tem no máximo 50 caracteres."),
    ("again", {}, "Corrija o NIF ou o nome"),
    ("again", {"tax_id": "123456780"}, "Este NIF não é válido."),
    ("again", {"name": ""}, "Escreva o nome do cliente."),
]


@pytest.mark.parametrize(("way", "typed", "sentence"), REFUSED)
def test_invalid_input_is_explained_and_nothing_typed_is_lost(
    sold: Sold, way: str, typed: dict[str, str], sentence: str
) -> None:
    for send in (sold.review, sold.issue):
        mode = "lines" if way == "money" else way
        answer = send(sold.look(mode, way=way), **typed)
        assert answer.status_code == 422 and sentence in page_text(answer)
        kept = fields(answer)
        assert {name: kept.get(name) for name in typed if name != "quantity-9"} == {
            name: value for name, value in typed.items() if name != "quantity-9"
        }
    assert sold.note() is None and sold.kinds() == [("FR", Decimal("47.50"))]


def test_a_second_note_waits_for_the_first(sold: Sold) -> None:
    sold.issue(sold.look())
    assert "Já há uma nota de crédito deste documento por concluir." in page_text(sold.look("lines"))
    page = page_text(sold.shop.client.get(f"/documents/{sold.document.id}"))
    assert "Creditar" not in page and "Notas de crédito" in page


def test_only_an_issued_invoice_can_be_credited(sold: Sold) -> None:
    sold.issue(sold.look())
    sold.world.run_due_work()
    note = sold.note()
    assert note is not None
    path = f"/documents/{note.id}/credit"
    for way in ("all", "lines", "again"):
        answer = sold.shop.client.get(path, query_string={"what": way})
        assert "não é uma fatura que se credite" in page_text(answer) and "act" not in fields(answer)
    sold.world.pay_order("1002", total=Decimal("1.00"))
    sold.world.run_due_work()
    blocked = sold.world.document("1002")
    answer = sold.shop.client.get(f"/documents/{blocked.id}/credit")
    assert blocked.state == "blocked" and "Não há documento emitido para creditar." in page_text(answer)


def test_a_missing_credit_note_series_links_to_the_settings(sold: Sold, db: SQLAlchemy) -> None:
    sold.world.account.settings = {**sold.world.account.settings, "series": {"FR": "2026FR"}}
    db.session.commit()
    page = sold.look()
    assert "Não há série escolhida" in page_text(page) and 'href="/setup/choices"' in page.get_data(
        as_text=True
    )


# Issuing the sale again


def test_a_wrong_nif_is_corrected_by_credit_and_reissue(sold: Sold) -> None:
    assert sold.issue(sold.look("again"), tax_id="123 456 789").status_code == 303
    assert sold.kinds() == [(kind, Decimal("47.50")) for kind in ("FR", "NC", "FR")]
    again = sold.world.provider.ledger[2][1].customer
    assert (again.tax_id, again.name) == ("123456789", "Ana Exemplo")
    note = sold.note()
    assert note is not None
    assert "Correção dos dados do cliente" in page_text(sold.shop.client.get(f"/documents/{note.id}"))


def test_a_wrong_name_is_corrected_even_for_a_company(
    app: Flask, db: SQLAlchemy, world: World, sold: Sold
) -> None:
    assert sold.issue(sold.look("again"), name="Ana Maria Exemplo").status_code == 303
    sold.world.run_due_work()
    assert sold.world.provider.ledger[2][1].customer.name == "Ana Maria Exemplo"


def test_a_partly_credited_document_cannot_be_reissued(sold: Sold) -> None:
    page = sold.look("again")
    sold.issue(sold.review(sold.look("lines", way="money"), amount="5"))
    sold.world.run_due_work()
    assert "Para emitir de novo é preciso creditar o documento todo." in page_text(sold.look("again"))
    answer = sold.issue(page, act="2", tax_id="123456789")
    assert answer.status_code == 422 and len(sold.kinds()) == 2


# A cancelled order


def test_the_alarm_of_a_cancelled_order_links_to_its_credit_note(sold: Sold) -> None:
    sold.world.cancel_order()
    sold.world.run_due_work()
    home = sold.shop.client.get("/").get_data(as_text=True)
    assert f'href="{sold.path}"' in home
    assert f'href="{sold.path}"' in sold.shop.client.get(f"/documents/{sold.document.id}").get_data(
        as_text=True
    )
    sold.issue(sold.look())
    assert sold.kinds()[1] == ("NC", Decimal("47.50")) and sold.document.alarm == ""


def test_an_unusual_line_reference_survives_the_form(
    sold: Sold, db: SQLAlchemy, monkeypatch: pytest.MonkeyPatch
) -> None:
    for line in sold.document.lines:
        line.ref = f'<"{line.ref}">&'
    db.session.commit()
    page = sold.review(sold.look("lines"), **{'quantity-<"1">&': "1"})
    assert page.status_code == 200 and "12,30 €" in page_text(page)
    assert sold.issue(page).status_code == 303 and sold.kinds()[1] == ("NC", Decimal("12.30"))


def edit_order(sold: Sold) -> None:
    """Add a mug to the order in the shop, which is then worth 59.80."""
    lines = (replace(LINES[0], quantity=Decimal(4)), LINES[1])
    sold.world.shop.orders["1001"] = replace(
        sold.world.shop.orders["1001"], lines=lines, total=Decimal("59.80")
    )
    sold.world.receive_webhook("1001", "order_updated", more="edited")
    sold.world.run_due_work()
    assert sold.document.alarm == "changed-after"


def test_an_edited_order_is_issued_again_although_its_buyer_is_the_same(sold: Sold) -> None:
    edit_order(sold)
    page = sold.look("again")
    assert "Creditamos 47,50 € deste documento" in page_text(page) and "vale 59,80 €" in page_text(page)
    assert sold.issue(page).status_code == 303
    assert sold.kinds()[1:] == [("NC", Decimal("47.50")), ("FR", Decimal("59.80"))]
    assert sold.document.alarm == ""
    assert sold.note().draft.references[0].reason == "Alteração da encomenda"  # type: ignore[union-attr]


def test_an_order_credited_in_part_and_then_edited_is_one_click_from_being_right(sold: Sold) -> None:
    page = sold.look("lines", way="money", amount="10.00")
    assert sold.issue(sold.review(page)).status_code == 303
    sold.world.run_due_work()
    refused = sold.look("again")
    assert "é preciso creditar o documento todo" in page_text(refused)
    edit_order(sold)
    document = page_text(sold.shop.client.get(f"/documents/{sold.document.id}"))
    assert "Creditar 37,50 € e emitir 59,80 €" in document
    assert sold.issue(sold.look("again")).status_code == 303
    assert sold.kinds() == [
        ("FR", Decimal("47.50")), ("NC", Decimal("10.00")), ("NC", Decimal("37.50")), ("FR", Decimal("59.80")),
    ]  # fmt: skip
    assert sold.document.alarm == ""
