"""The stock history: the details of each change, and undo for one change and for a run."""

from __future__ import annotations

import re
from typing import Any

import pytest

from dev.factories import make_document, make_store
from dev.stock_factories import make_catalogue, make_stock_change, make_sync_run, make_synced_sku
from shopapp.models import Account, StockChange, SyncedSku, SyncRun, db
from shopapp.models.sync_run import CATALOGUE_RUN, OPEN, UNDO_RUN
from tests.security.conftest import StoreSession
from tests.unit.web.conftest import page_text


@pytest.fixture
def stocked_shop(shop: StoreSession, articles_enabled: None) -> StoreSession:
    """Return a store whose history has a change of every kind."""
    account = account_of(shop)
    sale = make_document(shop.store, order_id="10488")
    shop.known = {**make_catalogue(shop.store, account, sale), "sale": sale}
    return shop


def account_of(shop: StoreSession) -> Account:
    found = Account.find_current(shop.store)
    assert found is not None
    return found


def row_of(stocked_shop: StoreSession, change: StockChange) -> str:
    """Return the row of a change as text."""
    page = stocked_shop.client.get("/products/changes").get_data(as_text=True)
    found = re.search(rf'<tr id="c{change.id}">.*?</tr>', page, re.S)
    if found is None:
        return ""
    return " ".join(re.sub(r"<[^>]+>", " ", found.group()).replace("\xa0", " ").split())


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("sold", ["Painel de azulejo", "OLA-0006", "Venda #10488", "7", "6", "loja atualizada"]),
        ("by-hand", ["Pedido por si", "9", "2", "Desfazer"]),
        ("undone", ["Mudou no iGEST", "Desfeita"]),
        ("undoing", ["Desfeita por si"]),
        ("going", ["Mudou na loja", "na loja", "A alterar"]),
        ("doubtful", ["Por confirmar", "no iGEST, Setúbal"]),
    ],
)
def test_a_change_shows_its_levels_and_cause(stocked_shop: StoreSession, name: str, shown: list[str]) -> None:
    row = row_of(stocked_shop, stocked_shop.known[name])
    for text in shown:
        assert text in row, (name, text, row)


def test_a_change_that_never_arrived_is_not_in_the_history(stocked_shop: StoreSession) -> None:
    assert row_of(stocked_shop, stocked_shop.known["lost"]) == ""


def test_a_sale_links_to_its_document_and_a_run_to_its_changes(stocked_shop: StoreSession) -> None:
    page = stocked_shop.client.get("/products/changes").get_data(as_text=True)
    assert f'href="/documents/{stocked_shop.known["sale"].id}">Venda #10488<' in page
    run = stocked_shop.known["run"]
    assert f'href="/products/changes?run={run.id}"' in page
    one = page_text(stocked_shop.client.get(f"/products/changes?run={run.id}"))
    assert "Comparação de" in one and "Alterou 3 stocks que ainda estão como ficaram." in one
    assert "Venda #10488" not in one


@pytest.mark.parametrize(
    ("name", "can"),
    [("by-hand", True), ("sold", False), ("undone", False), ("undoing", False), ("going", False)],
)
def test_only_changes_still_in_place_can_be_undone(stocked_shop: StoreSession, name: str, can: bool) -> None:
    assert ("Desfazer" in row_of(stocked_shop, stocked_shop.known[name])) is can
    asked = stocked_shop.client.get(f"/products/changes/{stocked_shop.known[name].id}/undo")
    assert asked.status_code == (200 if can else 409)


def test_a_change_is_undone_in_two_steps(stocked_shop: StoreSession) -> None:
    level = make_synced_sku(account_of(stocked_shop), "ALG-1", "9", 9)
    change = make_stock_change(level, "15", "9", name="Alguidar")
    page = page_text(stocked_shop.client.get(f"/products/changes/{change.id}/undo"))
    assert "Desfazer esta alteração?" in page and "Alguidar · ALG-1" in page and "15 (agora 9)" in page
    assert fresh_level("ALG-1").due_at is None, "asking has done nothing"
    assert stocked_shop.post(f"/products/changes/{change.id}/undo").status_code == 303
    assert (fresh_level("ALG-1").undoes_id, fresh_level("ALG-1").cause) == (change.id, "undo")


def fresh_level(sku: str) -> SyncedSku:
    db.session.rollback()
    db.session.expire_all()
    return db.session.query(SyncedSku).filter_by(sku=sku).one()


def test_a_change_with_a_later_one_is_not_undone(stocked_shop: StoreSession) -> None:
    level = make_synced_sku(account_of(stocked_shop), "ALG-1", "9", 9)
    first = make_stock_change(level, "15", "9")
    make_stock_change(level, "9", "8")
    answer = stocked_shop.post(f"/products/changes/{first.id}/undo")
    assert answer.status_code == 409 and "Esta alteração já não se desfaz" in page_text(answer)
    assert fresh_level("ALG-1").due_at is None


def test_a_run_is_undone_in_two_steps(stocked_shop: StoreSession) -> None:
    run = stocked_shop.known["run"]
    assert "Desfazer 3 alterações?" in page_text(
        stocked_shop.client.get(f"/products/changes/runs/{run.id}/undo")
    )
    assert SyncRun.last(account_of(stocked_shop).id, UNDO_RUN) is None
    assert stocked_shop.post(f"/products/changes/runs/{run.id}/undo").headers["Location"] == "/products"
    db.session.rollback()
    began = SyncRun.last(account_of(stocked_shop).id, UNDO_RUN, OPEN)
    assert began is not None and began.of_run_id == run.id
    again = stocked_shop.post(f"/products/changes/runs/{run.id}/undo", follow_redirects=True)
    assert "Já se está a desfazer outra comparação" in page_text(again)


def test_pages_follow_one_another(stocked_shop: StoreSession, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = ids(stocked_shop, "")
    monkeypatch.setattr("shopapp.models.queries.products.list_stock_changes.__defaults__", (0, 0, "", 0, 4))
    seen, query = [], ""
    for _ in range(3):
        page = stocked_shop.client.get(f"/products/changes?{query}").get_data(as_text=True)
        seen += ids(stocked_shop, query)
        older = re.search(r'href="[^"]*\?(antes=\d+)" rel="next"', page)
        query = older.group(1) if older else ""
    assert seen == whole and not query
    newer = re.search(r'href="[^"]*\?(depois=\d+)" rel="prev"', page)
    assert newer is not None and ids(stocked_shop, newer.group(1)) == whole[4:8]


def ids(stocked_shop: StoreSession, query: str) -> list[str]:
    page = stocked_shop.client.get(f"/products/changes?{query}").get_data(as_text=True)
    return re.findall(r'<tr id="c(\d+)">', page)


@pytest.mark.parametrize(
    ("query", "rows"), [("q=OLA-0006", 4), ("q=painel", 4), ("q=PAINEL", 4), ("q=%25", 0), ("q=nada", 0), ("run=x", 10)]
)  # fmt: skip
def test_changes_are_found_by_name_or_sku(stocked_shop: StoreSession, query: str, rows: int) -> None:
    assert len(ids(stocked_shop, query)) == rows


def test_an_empty_history_says_why(shop: StoreSession, articles_enabled: None) -> None:
    assert "Ainda não mudámos nenhum stock O stock não segue" in page_text(
        shop.client.get("/products/changes")
    )
    account = account_of(shop)
    account.settings = {**account.settings, "stock": "to-shop"}
    db.session.commit()
    assert "aparece aqui logo que um dos lados mude" in page_text(shop.client.get("/products/changes"))
    assert "Nenhuma alteração com «x»" in page_text(shop.client.get("/products/changes?q=x"))


def test_another_stores_changes_and_runs_are_unknown(stocked_shop: StoreSession, app: Any) -> None:
    from dev.factories import make_account
    from tests.security.conftest import log_in

    other = make_store("quintadaserra")
    make_account(other)
    client = log_in(app, other)
    change, run = stocked_shop.known["by-hand"], stocked_shop.known["run"]
    for path in (f"/products/changes/{change.id}/undo", f"/products/changes/runs/{run.id}/undo"):
        assert client.get(path).status_code == 404
    assert "OLA-0006" not in page_text(client.get(f"/products/changes?run={run.id}"))


@pytest.mark.parametrize(
    ("state", "shown"), [("done", "−3"), ("unsure", "Não sabemos se mexeu: confirme o stock no iGEST.")]
)
def test_a_stock_movement_shows_only_its_difference_and_has_no_undo(
    stocked_shop: StoreSession, state: str, shown: str
) -> None:
    level = make_synced_sku(account_of(stocked_shop), "ALG-1", "9", 9)
    moved = make_stock_change(
        level, "3", "0", "sale", side="provider", state=state, document_id=stocked_shop.known["sale"].id
    )
    moved.stocked_id = None
    db.session.commit()
    row = row_of(stocked_shop, moved)
    where = "iGEST acertado, Setúbal" if state == "done" else "no iGEST, Setúbal"
    assert shown in row and "Desfazer" not in row and where in row
    page = stocked_shop.client.get("/products/changes").get_data(as_text=True)
    assert f'href="/documents/{stocked_shop.known["sale"].id}"' in page
    assert stocked_shop.post(f"/products/changes/{moved.id}/undo").status_code == 409


def test_a_later_change_that_never_arrived_does_not_prevent_undo(stocked_shop: StoreSession) -> None:
    level = make_synced_sku(account_of(stocked_shop), "ALG-1", "9", 9)
    change = make_stock_change(level, "15", "9")
    make_stock_change(level, "9", "8", state="lost")
    assert "Desfazer" in row_of(stocked_shop, change)
    assert stocked_shop.post(f"/products/changes/{change.id}/undo").status_code == 303


def test_the_first_sync_of_a_sku_says_so_and_is_undone_with_its_run(stocked_shop: StoreSession) -> None:
    account = account_of(stocked_shop)
    run = make_sync_run(account, CATALOGUE_RUN)
    level = make_synced_sku(account, "ALG-1", "9", 9)
    change = make_stock_change(level, "15", "9", run_id=run.id)
    alone = make_stock_change(make_synced_sku(account, "ALG-2", "9", 9), "4", "9")
    assert "Começou a seguir" in row_of(stocked_shop, change) and "Começou a seguir" in row_of(
        stocked_shop, alone
    )
    assert "Desfazer 1 alteração?" in page_text(
        stocked_shop.client.get(f"/products/changes/runs/{run.id}/undo")
    )
