"""The first page: its headline, the tasks for the merchant, the reconciliation to the cent; and the health check."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from flask import Flask, g
from flask_sqlalchemy import SQLAlchemy

from dev.factories import make_document, make_store
from shopapp.messages.formats import ago, count_word, figure, money, month, percent, price
from shopapp.models import Account, Document, Heartbeat, Sale, UnreadableOrder, Webhook, now, set_clock
from shopapp.models.account_settings import AccountSettings
from shopapp.models.document import BLOCKED, ISSUED, PENDING, REVIEW, VOID, WAITING
from shopapp.models.queries import reconciliation
from shopapp.web.setup import check
from tests.security.conftest import StoreSession
from tests.unit.web.conftest import page_text, reload


def home(shop: StoreSession) -> str:
    answer = shop.client.get("/")
    assert answer.status_code == 200
    return page_text(answer)


@pytest.mark.parametrize(
    ("count", "headline"),
    [
        (0, "Está tudo em ordem"),
        (1, "Uma encomenda precisa de si"),
        (4, "Quatro encomendas precisam"),
        (12, "12 encomendas precisam"),
    ],
)
def test_the_headline_counts_the_orders_that_need_the_merchant(
    shop: StoreSession, count: int, headline: str
) -> None:
    for _ in range(count):
        make_document(shop.store, BLOCKED)
    assert headline in home(shop)


def test_waiting_orders_are_listed_oldest_first_with_cause_and_remedy(shop: StoreSession) -> None:
    make_document(shop.store, REVIEW, order_id="1")
    make_document(shop.store, BLOCKED, order_id="2", reason="exemption-missing", detail={"line": "Oficina"})
    make_document(shop.store, ISSUED, order_id="3", alarm="cancelled-after")
    page = home(shop).split("À sua espera")[1].split("As contas batem certo?")[0]
    places = [
        page.index(text)
        for text in ("Esclarecer", "«Oficina» está a 0%", "Escolher motivo", "Ver e creditar")
    ]
    assert places == sorted(places)


def test_the_difference_is_explained_by_linked_orders(noon: None, shop: StoreSession) -> None:
    make_document(shop.store, order_id="1", total="100.10")
    stopped = make_document(shop.store, BLOCKED, order_id="3", total="64.90")
    make_document(shop.store, VOID, order_id="5", total="11.00")
    page = home(shop)
    assert "Diferença explicada até ao cêntimo: duas encomendas." in page
    assert "Encomendas pagas 3 176,00 3 176,00 Documentos emitidos 1 100,10 1 100,10" in page
    assert "Notas de crédito 0 0,00 0 0,00 Diferença 2 75,90 2 75,90" in page
    why = page.split("O que explica a diferença")[1]
    assert "Precisam de si #3" in why and "Postas de parte #5" in why
    assert f'href="/documents/{stopped.id}">#3</a>' in shop.client.get("/").get_data(as_text=True)


def test_what_cannot_be_read_is_never_called_explained(
    noon: None, shop: StoreSession, db: SQLAlchemy
) -> None:
    sale = Sale.get_or_create(shop.store.id, "9")
    sale.status, sale.paid_at = "paid", now()
    page = home(shop)
    assert "Diferença por explicar há encomendas pagas que não conseguimos ler." in page
    assert "Encomendas pagas 1 0,00" in page and "Não conseguimos ler #9" in page


def test_a_closed_day_and_its_month_can_be_chosen(shop: StoreSession, db: SQLAlchemy) -> None:
    make_document(shop.store, order_id="1", total="10.00", at=datetime(2026, 9, 29, 12, tzinfo=UTC))
    make_document(
        shop.store, BLOCKED, order_id="2", total="5.00", at=datetime(2026, 9, 30, 22, 30, tzinfo=UTC)
    )
    # half past midnight of the first of October in Lisbon
    make_document(shop.store, order_id="3", total="1.00", at=datetime(2026, 9, 30, 23, 30, tzinfo=UTC))
    shop.store.installed_at = datetime(2026, 1, 1, tzinfo=UTC)
    page = page_text(shop.client.get("/?dia=2026-09-30"))
    assert "30/09/2026 Setembro" in page and "Encomendas pagas 1 5,00 2 15,00" in page
    assert "Documentos emitidos 0 0,00 1 10,00" in page and "Só conhecemos" not in page
    for none in ("2099-01-01", "x", "2026-13-01"):
        assert "Hoje" in page_text(shop.client.get(f"/?dia={none}"))
    shop.store.installed_at = datetime(2026, 11, 20, tzinfo=UTC)
    page = page_text(shop.client.get("/?dia=2026-09-30"))
    assert "Só conhecemos as encomendas da loja desde 20/10/2026." in page


def test_orders_that_wait_for_a_click_have_one_line_and_one_button(noon: None, shop: StoreSession) -> None:
    for number in range(30):
        make_document(shop.store, WAITING, order_id=str(100 + number), total="2.00")
    page = home(shop)
    assert "30 encomendas esperam que carregue em Emitir" in page and "seguem sozinhas" not in page
    assert "30 encomendas pagas esperam que carregue em Emitir: 60,00 €. Ver e emitir" in page
    why = page.split("O que explica a diferença")[1].split("Documentos por dia")[0]
    assert why.count("#1") == 50 and "Ver todas as 30" in why


def test_orders_that_wait_past_their_day_are_marked(noon: None, shop: StoreSession) -> None:
    make_document(shop.store, BLOCKED, order_id="1", at=now() - timedelta(hours=2))
    assert "desde ontem ou antes" not in home(shop)
    make_document(shop.store, BLOCKED, order_id="2", at=now() - timedelta(days=1))
    make_document(shop.store, order_id="3", at=now() - timedelta(days=2))
    assert "1 encomenda paga espera desde ontem ou antes." in home(shop)


def test_rows_of_the_shop_that_cannot_be_read_are_shown(shop: StoreSession, db: SQLAlchemy) -> None:
    row = {
        "order_id": "",
        "status": "paid",
        "total": Decimal("12.30"),
        "fields": "id date",
        "created_at": now(),
    }
    UnreadableOrder.record(shop.store.id, "row-1", row)
    page = home(shop)
    assert "1 encomenda que não conseguimos ler" in page
    assert "Sem número · sem número, sem data que se leia · 12,30 €" in page
    assert "Encomendas pagas 1 12,30" in page


def test_an_old_list_of_the_shop_is_not_called_compared(shop: StoreSession, db: SQLAlchemy) -> None:
    shop.store.reconciled_at = now() - timedelta(minutes=50)
    assert "Desde então a loja" not in home(shop)
    shop.store.reconciled_at = now() - timedelta(hours=2)
    assert "Desde então a loja não nos voltou a dar a lista" in home(shop)


def test_another_stores_sales_are_not_counted(shop: StoreSession) -> None:
    make_document(make_store("quinta"), total="999.00")
    sums = reconciliation.period_totals(shop.store, now() - timedelta(days=1), now() + timedelta(days=1))
    assert (sums.paid, sums.issued) == (0, 0)


def test_refused_keys_stop_the_page_with_what_waits(noon: None, shop: StoreSession, db: SQLAlchemy) -> None:
    make_document(shop.store, PENDING, total="58.90")
    account = Account.find_current(shop.store)
    assert account is not None
    account.refused_at, account.refused_code = now(), "keys-refused"
    account.refused_detail = {"kind": "inactive", "answer": "Integração inativa"}
    db.session.commit()
    page = home(shop)
    assert "A emissão está parada desde hoje às" in page and "A integração está desativada no iGEST." in page
    assert "Há 1 encomenda paga à espera, no valor de 58,90 €." in page and "«Integração inativa»" in page
    assert 'href="/setup/keys/igest"' in shop.client.get("/").get_data(as_text=True)


def test_a_store_that_took_back_its_access_is_asked_again(shop: StoreSession, db: SQLAlchemy) -> None:
    shop.store.state = "reauthorise"
    db.session.commit()
    assert "A loja deixou de nos dar acesso" in home(shop)
    assert 'href="/authorise"' in shop.client.get("/").get_data(as_text=True)
    assert "Yes, Authorize" in page_text(shop.client.get("/authorise"))


def test_unreadable_webhooks_and_repaired_subscriptions_are_shown(
    noon: None, shop: StoreSession, db: SQLAlchemy
) -> None:
    Webhook.record(shop.store.id, "order_paid", "x", b"[[[")
    db.session.query(Webhook).update({"state": "quarantined", "reason": "not-json"})
    shop.store.hooks_problem, shop.store.hooks_problem_at = "paused", now()
    db.session.commit()
    page = home(shop)
    assert "Um aviso da loja não se conseguiu ler." in page
    assert "A loja tinha posto os avisos em pausa e criámo-los de novo. Foi hoje às" in page


def test_subscriptions_repaired_long_ago_are_not_shown(shop: StoreSession, db: SQLAlchemy) -> None:
    shop.store.hooks_problem, shop.store.hooks_problem_at = "silent", now() - timedelta(days=8)
    db.session.commit()
    assert "criámos os avisos de novo" not in home(shop)
    shop.store.hooks_problem_at = now() - timedelta(days=6)
    db.session.commit()
    assert "criámos os avisos de novo" in home(shop)


def test_a_provider_that_is_down_is_shown_with_since_and_until(
    noon: None, shop: StoreSession, db: SQLAlchemy
) -> None:
    account = Account.find_current(shop.store)
    assert account is not None
    account.down_since, account.failures = now() - timedelta(minutes=20), 1
    db.session.commit()
    assert "não responde" not in home(shop)
    account.pauses, account.paused_until = 2, now() + timedelta(minutes=2)
    db.session.commit()
    page = home(shop)
    assert "O iGEST não responde desde hoje às" in page and "Voltamos a tentar sozinhos às" in page
    assert "Está tudo em ordem" not in page and "Não responde" in page
    account.paused_until = now() - timedelta(seconds=1)
    db.session.commit()
    assert "Estamos a tentar agora" in home(shop)


def test_an_issuing_hold_is_shown_on_the_page_and_in_the_health_check(
    shop: StoreSession, db: SQLAlchemy
) -> None:
    Heartbeat.beat("clock", pid=1)
    assert "suspensa" not in home(shop) and shop.client.get("/healthz").status_code == 200
    Heartbeat.beat("hold")
    assert "A emissão está suspensa por nós" in home(shop)
    answer = shop.client.get("/healthz")
    assert (answer.status_code, answer.json["held"]) == (503, True)


def test_the_connections_show_their_state_and_last_events(shop: StoreSession) -> None:
    make_document(shop.store, number="FR 2026FR/1188")
    page = home(shop)
    assert "Loja Jumpseller Ligada" in page and "iGEST Ligado Série 2026FR" in page
    assert "FR 2026FR/1188" in page and "há 10 minutos" in page


# Amounts and days


def test_money_and_days_are_written_as_in_portugal(noon: None, app: Flask) -> None:
    with app.test_request_context():
        g.store = g.account = None
        assert money(Decimal("1284.6")) == "1284,60\xa0€" and figure(Decimal("19418.70")) == "19\xa0418,70"
        assert money(Decimal("-36.90")) == "\u221236,90\xa0€" and money(None) == "" and money("x") == ""
        assert (
            percent("23") == "23%"
            and percent("5.5") == "5,5%"
            and price("10") == "10,00"
            and price("1.234567") == "1,234567"
        )
        assert [count_word(n) for n in (1, 4, 9, 10)] == ["Uma", "Quatro", "Nove", "10"]
        assert ago(now() - timedelta(minutes=4)) == "há 4 minutos"
        assert month(datetime(now().year, 11, 20, tzinfo=UTC)) == "Novembro"
        assert month(datetime(2019, 3, 1, tzinfo=UTC)) == "Março de 2019"


# The health check


def test_health_reports_the_clock_and_overdue_work(app: Flask, shop: StoreSession, db: SQLAlchemy) -> None:
    client = app.test_client()
    assert client.get("/healthz").status_code == 503
    Heartbeat.beat("clock")
    well = client.get("/healthz")
    assert (well.status_code, well.json) == (
        200,
        {"database": True, "held": False, "clock": True, "overdue_seconds": 0, "proxies": True},
    )
    document = make_document(shop.store, PENDING)
    document.changed_at = now() - timedelta(hours=1)
    db.session.commit()
    late = client.get("/healthz")
    assert late.status_code == 503 and 3590 < late.json["overdue_seconds"] < 3700  # type: ignore[index]
    account = Account.find_current(shop.store)
    assert account is not None
    account.refused_at = now()
    db.session.commit()
    assert client.get("/healthz").status_code == 200
    set_clock(lambda: datetime.now(UTC) + timedelta(hours=1))
    try:
        assert client.get("/healthz").status_code == 503
    finally:
        set_clock(None)
    assert reload(db, document).state == PENDING


def test_a_yearly_limit_that_is_near_is_shown_here_and_in_the_setup_check(
    noon: None, shop: StoreSession, db: SQLAlchemy
) -> None:
    assert "perto do limite" not in home(shop)
    document = make_document(shop.store, total="8400.00", is_distance_sale=True, net=Decimal("8400.00"))
    sentence = "estão perto do limite: 8400,00 € de 10 000,00 €."
    assert document.net and sentence in home(shop)
    found = check.check_thresholds(shop.store, AccountSettings(), today_of(document))
    assert [(one.severity, one.code) for one in found] == [("warn", "distance-near")]
    assert check.check_thresholds(shop.store, AccountSettings(oss_registered=True), today_of(document)) == []


def today_of(document: Document) -> date:
    assert document.issued_on is not None
    return document.issued_on
