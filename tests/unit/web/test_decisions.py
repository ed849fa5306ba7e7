"""The card with a question on a blocked document's page, and the list of the decisions that were taken."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from flask_sqlalchemy import SQLAlchemy

from dev.factories import make_account, make_document, make_store
from shopapp.models import Account, Decision, Document
from shopapp.models.decision import MERCHANT, SETTINGS_FORM
from tests.security.conftest import StoreSession
from tests.unit.web.conftest import page_text, reload


def account_of(shop: StoreSession) -> Account:
    found = Account.find_current(shop.store)
    assert found is not None
    return found


def asking(shop: StoreSession, reason: str, question: dict[str, Any], **detail: str) -> Document:
    return make_document(shop.store, "blocked", reason=reason, detail={**detail, "question": question})


def gift_card_used(shop: StoreSession) -> Document:
    answers = {"multi-purpose": "50.00", "single-purpose": "30.00", "given": "30.00"}
    question = {"kind": "gift-card-use", "subjects": ["#77", "*"], "answers": answers}
    return asking(shop, "gift-card-use-undecided", question, amount="20.00")


def test_the_card_shows_every_answer_with_its_figure_and_to_what_it_applies(shop: StoreSession) -> None:
    page = page_text(shop.client.get(f"/documents/{gift_card_used(shop).id}"))
    assert "paga em parte com um vale de 20,00 €" in page
    assert "Documento de 50,00 €, pago em parte com o vale" in page
    assert "Foi oferecido, ninguém o pagou: é um desconto Documento de 30,00 €" in page
    assert "Só nesta encomenda" in page and "Em todas as encomendas pagas com vales" in page


def test_an_answer_is_stored_and_the_document_is_drafted_again(shop: StoreSession, db: SQLAlchemy) -> None:
    document, other = gift_card_used(shop), make_document(shop.store, "blocked")
    answer = shop.post(f"/documents/{document.id}/answer", {"answer": "given", "scope": "1"})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/documents/{document.id}")
    assert reload(db, document).state == "pending" and reload(db, other).state == "blocked"
    assert Decision.in_force(account_of(shop).id).answers["gift-card-use"] == {"*": "given"}


def test_without_a_chosen_answer_nothing_is_stored(shop: StoreSession, db: SQLAlchemy) -> None:
    document = gift_card_used(shop)
    answer = shop.post(f"/documents/{document.id}/answer", {"scope": "1"})
    assert answer.status_code == 422 and "Escolha primeiro uma resposta." in page_text(answer)
    assert reload(db, document).state == "blocked" and db.session.query(Decision).count() == 0


@pytest.mark.parametrize("form", [{"answer": "stolen"}, {"answer": "given", "scope": "x"}, {"answer": "*"}])
def test_an_answer_that_was_not_offered_is_refused(
    shop: StoreSession, db: SQLAlchemy, form: dict[str, str]
) -> None:
    document = gift_card_used(shop)
    assert shop.post(f"/documents/{document.id}/answer", form).status_code == 409
    assert reload(db, document).state == "blocked" and db.session.query(Decision).count() == 0


def test_a_product_at_zero_without_a_reason_offers_every_reason_and_rate(shop: StoreSession) -> None:
    answers = {"M01": "0.00", "M07": "0.00", "M99": "0.00", "normal": "9.35", "reduced": "2.83"}
    question = {"kind": "product-tax", "subjects": ["RODA"], "answers": answers}
    document = asking(shop, "exemption-missing", question, line="Oficina de roda")
    page = page_text(shop.client.get(f"/documents/{document.id}"))
    assert "Isento para todos: M07, Isento artigo 9.º do CIVA (IVA: 0,00 €)" in page
    assert "Leva IVA à taxa normal (IVA: 9,35 €, dentro do mesmo total)" in page


def test_a_document_that_an_older_version_blocked_can_still_be_answered(
    shop: StoreSession, db: SQLAlchemy
) -> None:
    detail = {
        "cause": "22>23",
        "charged": "22",
        "lawful": "23",
        "line": "Vaso",
        "vat": "2.28",
        "vat_charged": "2.20",
    }
    document = make_document(shop.store, "blocked", reason="tax-differs", detail=detail)
    assert "IVA: 2,28 €, dentro do mesmo total" in page_text(shop.client.get(f"/documents/{document.id}"))
    assert shop.post(f"/documents/{document.id}/answer", {"answer": "follow-law"}).status_code == 303
    assert reload(db, document).state == "pending"


def test_the_list_says_what_was_decided_when_by_whom_and_for_which_order(
    shop: StoreSession, db: SQLAlchemy
) -> None:
    account, document = account_of(shop), make_document(shop.store, order_id="4711")
    assert "Ainda não decidiu nada" in page_text(shop.client.get("/decisions"))
    Decision.record(account.id, "product-tax", "FOR-1", "M07", SETTINGS_FORM)
    Decision.record(
        account.id, "tax-difference", "22>23 VASO", "follow-law", MERCHANT, document.id, {"line": "Vaso azul"}
    )
    db.session.add(
        Decision(account_id=account.id, kind="gift-card", subject="*", answer="multi-purpose", facts={})
    )
    db.session.commit()
    page = page_text(shop.client.get("/decisions"))
    assert "A loja cobra 22% e a lei diz 23% Vaso azul (VASO) Seguir a lei" in page
    assert "Olaria do Sado, na página da encomenda #4711" in page
    assert "Isento para todos: M07, Isento artigo 9.º do CIVA" in page and "nas escolhas fiscais" in page
    assert "Venda de vales Todas as encomendas" in page and "Antes de haver registo" in page


def test_a_decision_is_taken_back_once_and_only_by_its_store(shop: StoreSession, db: SQLAlchemy) -> None:
    theirs = make_account(make_store("quinta"))
    for account in (account_of(shop), theirs):
        Decision.record(account.id, "product-tax", "FOR-1", "M07", MERCHANT)
    db.session.commit()
    mine, other = db.session.query(Decision).order_by(Decision.id).all()
    assert shop.post(f"/decisions/{other.id}/revoke").status_code == 404
    assert shop.post(f"/decisions/{mine.id}/revoke").status_code == 303
    assert shop.post(f"/decisions/{mine.id}/revoke").status_code == 404
    assert reload(db, mine).revoked_at is not None and reload(db, other).revoked_at is None
    assert "Retirada" in page_text(shop.client.get("/decisions"))


def in_dollars(shop: StoreSession) -> Document:
    question = {"kind": "exchange-rate", "subjects": ["USD 2026-11"], "answers": {}}
    return asking(shop, "currency", question, currency="USD")


def test_the_exchange_rate_of_a_month_is_typed_with_its_source(shop: StoreSession, db: SQLAlchemy) -> None:
    document = in_dollars(shop)
    assert "1 EUR em USD, no mês 2026-11" in page_text(shop.client.get(f"/documents/{document.id}"))
    for rate, source in (("", "BdP"), ("0", "BdP"), ("abc", "BdP"), ("-1", "BdP"), ("1,0834", " ")):
        refused = shop.post(f"/documents/{document.id}/answer", {"rate": rate, "source": source})
        assert refused.status_code == 422
    assert "Escreva de onde vem o câmbio." in page_text(refused)
    shop.post(f"/documents/{document.id}/answer", {"rate": "1,0834", "source": "Banco de Portugal"})
    assert reload(db, document).state == "pending"
    found = Decision.in_force(account_of(shop).id).answers["exchange-rate"]
    assert found == {"USD 2026-11": "1.0834 Banco de Portugal"}
    page = page_text(shop.client.get("/decisions"))
    assert "Câmbio USD 2026-11 1 EUR = 1,0834 (Banco de Portugal)" in page


def upload(shop: StoreSession, table: str) -> Any:
    return shop.post("/decisions/exchange-rates", {"table": (BytesIO(table.encode()), "cambios.csv")})


def test_a_table_of_exchange_rates_releases_the_orders_that_asked(shop: StoreSession, db: SQLAlchemy) -> None:
    document = in_dollars(shop)
    assert upload(shop, "USD;2026-11;1,0834;BdP\n\nGBP;2026-11;0.87;BdP\n").status_code == 303
    assert reload(db, document).state == "pending"
    found = Decision.in_force(account_of(shop).id).answers["exchange-rate"]
    assert found == {"USD 2026-11": "1.0834 BdP", "GBP 2026-11": "0.87 BdP"}


@pytest.mark.parametrize(
    ("table", "line"),
    [("", "1"), ("USD;2026-11;1,0834;BdP\nGBP;2026-13;1;BdP", "2"), ("USD;2026-11;0;BdP", "1"), ("USD;2026-11;1", "1"),
     ("USD;2026-11;1;", "1"), ("dollars", "1")],
)  # fmt: skip
def test_a_wrong_line_of_the_table_is_named_and_nothing_is_stored(
    shop: StoreSession, db: SQLAlchemy, table: str, line: str
) -> None:
    answer = upload(shop, table)
    assert answer.status_code == 422
    assert f"A linha {line} não tem essa forma. Nada foi guardado." in page_text(answer)
    assert db.session.query(Decision).count() == 0


def test_a_reading_of_figures_that_was_accepted_is_listed_and_taken_back(
    shop: StoreSession, db: SQLAlchemy
) -> None:
    document = make_document(shop.store, order_id="4712", alarm="total-differs")
    document.compared = {
        "told": ["total"], "reading": "rounding",
        "differences": [{"code": "total-differs", "ours": "173.12", "theirs": "173.13"}],
    }  # fmt: skip
    account_of(shop).differs_document_id = document.id
    db.session.commit()
    assert shop.post(f"/documents/{document.id}/figures/accept").status_code == 303
    page = page_text(shop.client.get("/decisions"))
    assert "O iGEST arredonda os cêntimos noutro sítio, e está certo" in page
    assert "Olaria do Sado, na página do documento #4712" in page
    assert reload(db, account_of(shop)).proved
    assert shop.post("/decisions/readings/revoke", {"reading": "total-without-vat"}).status_code == 404
    assert shop.post("/decisions/readings/revoke", {"reading": "rounding"}).status_code == 303
    assert shop.post("/decisions/readings/revoke", {"reading": "rounding"}).status_code == 404
    account = reload(db, account_of(shop))
    assert (account.accepted_readings, account.proved, account.proved_at) == ([], [], None)
    page = shop.client.get("/decisions").get_data(as_text=True)
    assert "Retirada" in page and 'value="rounding"' not in page


def test_a_reading_accepted_before_there_was_a_list_is_listed_too(shop: StoreSession, db: SQLAlchemy) -> None:
    account_of(shop).accepted_readings = ["total-without-vat"]
    db.session.commit()
    page = shop.client.get("/decisions").get_data(as_text=True)
    assert "indica é sem IVA" in page and "Antes de haver registo" in page
    assert shop.post("/decisions/readings/revoke", {"reading": "total-without-vat"}).status_code == 303
    assert "Ainda não decidiu nada" in page_text(shop.client.get("/decisions"))
