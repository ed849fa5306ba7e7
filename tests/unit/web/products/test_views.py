"""The list of products: its rows and search, the progress of runs, and the creation of missing articles."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from dev.factories import make_account
from dev.stock_factories import (
    NAMES,
    make_article,
    make_catalogue,
    make_product,
    make_sync_run,
    make_synced_sku,
)
from shopapp.models import Account, Product, SyncRun, db, now
from shopapp.models.queries import products
from shopapp.models.sync_run import CATALOGUE_RUN, CREATE_RUN, FAILED, OPEN, STOCK_RUN, UNDO_RUN
from tests.security.conftest import StoreSession
from tests.unit.web.conftest import page_text


@pytest.fixture
def stocked_shop(shop: StoreSession, articles_enabled: None) -> StoreSession:
    """Return a store whose products are in every state."""
    account = account_of(shop)
    shop.known = make_catalogue(shop.store, account)
    return shop


def account_of(shop: StoreSession) -> Account:
    found = Account.find_current(shop.store)
    assert found is not None
    return found


def listed(shop: StoreSession, query: str = "") -> list[str]:
    """Return the names in the list, from the top."""
    page = shop.client.get(f"/products?{query}").get_data(as_text=True)
    body = page.split('class="list fold products"')[1] if "fold products" in page else ""
    return re.findall(r'href="/products/\d+">([^<]+)<', body)


def todo_text(shop: StoreSession, query: str = "estado=espera") -> str:
    """Return the text of the list of things that need the merchant."""
    page = shop.client.get(f"/products?{query}").get_data(as_text=True)
    return words_in("".join(re.findall(r'<ul class="todo">.*?</ul>', page, re.S)))


def words_in(html: str) -> str:
    from html import unescape

    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).replace("\xa0", " ").split())


def test_the_list_is_sorted_by_name(stocked_shop: StoreSession) -> None:
    names = listed(stocked_shop)
    assert set(NAMES) <= set(names) and len(names) == 20
    assert names.index(NAMES[0]) < names.index("Pires de café") < names.index(NAMES[7])


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("q=OLA-0003", 1),
        ("q=ola-0003", 1),
        ("q=boiao", 1),
        ("q=azulejo cravo", 1),
        ("q=cravo azulejo", 1),
        ("q=%25", 0),
        ("q=' or 1=1 --", 0),
        ("estado=ligados", 13),
        ("estado=por-criar", 2),
        ("estado=nada", 20),
        ("depois=x&antes=y", 20),
        ("depois=999999999999999999", 20),
    ],
)
def test_products_are_found_by_name_or_sku(stocked_shop: StoreSession, query: str, expected: int) -> None:
    assert len(listed(stocked_shop, query)) == expected


@pytest.mark.parametrize(
    ("query", "offered"),
    [("", True), ("estado=por-criar", True), ("estado=ligados", False), ("q=tigela", False)],
)
def test_missing_articles_can_be_created_from_the_list(
    stocked_shop: StoreSession, query: str, offered: bool
) -> None:
    page = page_text(stocked_shop.client.get(f"/products?{query}"))
    assert ("2 produtos ainda não existem no iGEST" in page and "Criar os que faltam" in page) is offered


def test_pages_follow_one_another_without_gap_or_repeat(
    stocked_shop: StoreSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = listed(stocked_shop)
    monkeypatch.setattr("shopapp.models.queries.products.list_products.__defaults__", (7,))
    seen, address = [], "/products"
    for _ in range(3):
        page = stocked_shop.client.get(address).get_data(as_text=True)
        seen.append(listed(stocked_shop, address.partition("?")[2]))
        following = re.search(r'href="([^"]*depois=\d+)" rel="next"', page)
        address = following.group(1) if following else ""
    assert [name for names in seen for name in names] == whole and not address
    back = re.search(r'href="([^"]*antes=\d+)" rel="prev"', page)
    assert back is not None
    assert listed(stocked_shop, back.group(1).partition("?")[2]) == seen[1]


def test_another_stores_products_are_neither_listed_nor_a_page_cursor(stocked_shop: StoreSession) -> None:
    from dev.factories import make_store

    other = make_store("quintadaserra")
    foreign = make_product(other, "ZZZ-1", "Aaa de outra loja")
    assert foreign.name not in listed(stocked_shop, f"depois={foreign.id}")
    assert len(listed(stocked_shop, f"depois={foreign.id}")) == 20
    assert stocked_shop.client.get(f"/products/{foreign.id}").status_code == 404


def test_what_needs_the_merchant_says_why_and_has_a_button(stocked_shop: StoreSession) -> None:
    shown = todo_text(stocked_shop)
    for sentence in (
        "SKU repetido CAN-0210 está em 2 produtos: o stock deles não é atualizado.",
        "Caneca vidrada azul-cobalto, 300 ml",
        "edição de Natal",
        "Sem SKU Sem SKU não há ligação ao iGEST. A venda é faturada com a descrição da loja. Vale-oferta 25 €",
        "Recusado",
        "Referência com mais de 18 caracteres",
        "Diferente A loja tem 3 e o iGEST tem 0. Acertámos três vezes e mudou sempre de novo: parámos.",
        "Stock recusado A loja conta o stock deste produto por local e não aceitou um número para todos. Diga nas",
    ):
        assert sentence in shown, sentence
    for button in ("Abrir na loja", "Ligar a um artigo", "Escolher o certo", "Tentar de novo"):
        assert button in shown
    assert "Tigela" not in shown and NAMES[0] not in shown and "Copo" not in shown


def test_a_repeated_sku_is_one_line_however_many_have_it(stocked_shop: StoreSession) -> None:
    make_product(stocked_shop.store, "CAN-0210", "Caneca, terceira")
    shown = todo_text(stocked_shop)
    assert shown.count("CAN-0210 está em 3 produtos") == 1 and "Caneca, terceira" in shown


def test_what_only_the_shop_can_fix_links_to_the_product_in_its_admin(stocked_shop: StoreSession) -> None:
    page = stocked_shop.client.get("/products?estado=espera").get_data(as_text=True)
    number = stocked_shop.known["no-sku"].product_id
    assert re.search(rf'<a class="btn" href="http[^"]+/admin/products/edit/{number}" target="_blank"', page)


def test_the_count_is_of_what_needs_the_merchant(stocked_shop: StoreSession) -> None:
    assert "Precisam de si 5" in page_text(stocked_shop.client.get("/products"))
    account = account_of(stocked_shop)
    account.settings = {**account.settings, "no_sku": "generic", "generic_article": "DIV"}
    db.session.commit()
    assert "Precisam de si 4" in page_text(stocked_shop.client.get("/products"))
    assert "Sem SKU não há" not in todo_text(stocked_shop)


def test_a_deleted_product_is_neither_listed_nor_a_duplicate(stocked_shop: StoreSession) -> None:
    again: Product = stocked_shop.known["again"]
    again.gone_at = now()
    db.session.commit()
    assert "CAN-0210" not in todo_text(stocked_shop) and again.name not in listed(stocked_shop)
    assert stocked_shop.client.get(f"/products/{again.id}").status_code == 404


def test_the_head_shows_the_direction_and_the_last_comparison(stocked_shop: StoreSession) -> None:
    page = page_text(stocked_shop.client.get("/products"))
    assert "13 produtos ligados pelo SKU." in page
    assert "O stock segue do iGEST (armazém Setúbal) para a loja." in page
    assert "Última comparação" in page and "Comparar agora" in page
    assert re.search(r"A próxima é (hoje|\d\d/\d\d/\d{4}) às \d\d:\d\d\.", page)


@pytest.mark.parametrize("how", ["due", "off", "refused"])
def test_the_head_shows_no_next_comparison_that_is_not_scheduled(
    stocked_shop: StoreSession, how: str
) -> None:
    account = account_of(stocked_shop)
    if how == "due":
        make_sync_run(account, STOCK_RUN, at=now() - timedelta(seconds=400))
    elif how == "off":
        account.settings = {**account.settings, "stock": ""}
    else:
        account.refused_at = now()
    db.session.commit()
    page = page_text(stocked_shop.client.get("/products"))
    assert "Última comparação" in page and "A próxima é" not in page


@pytest.mark.parametrize(
    ("chosen", "sentence"),
    [
        ({"stock": ""}, "O stock não segue: cada lado conta o seu."),
        ({"stock": "to-provider"}, "O stock segue da loja para o iGEST (armazém Setúbal)."),
        (
            {"stock": "to-shop", "stock_places": [["SET", "7"], ["EST", "8"]]},
            "O stock segue do iGEST para a loja.",
        ),
    ],
)
def test_the_head_names_the_direction(
    stocked_shop: StoreSession, chosen: dict[str, Any], sentence: str
) -> None:
    account = account_of(stocked_shop)
    account.settings = {**account.settings, **chosen}
    db.session.commit()
    assert sentence in page_text(stocked_shop.client.get("/products"))


def test_a_row_shows_both_levels_and_the_last_change(stocked_shop: StoreSession) -> None:
    page = words_in(stocked_shop.client.get("/products?q=OLA-0002").get_data(as_text=True))
    assert "OLA-0002 Loja 1 iGEST 1 7 → 1 Mudou no iGEST" in page
    assert "no iGEST: PRATO28" in page_text(stocked_shop.client.get("/products?q=PRT-28"))


# Runs


@pytest.mark.parametrize(
    ("kind", "how", "text", "bar"),
    [
        (
            CATALOGUE_RUN,
            {"phase": "reading", "seen": 90, "total": 10000},
            "A ler os produtos da loja: 90 de 10 000",
            90,
        ),
        (CATALOGUE_RUN, {"phase": "reading", "seen": 50}, "A ler os produtos da loja: 50", None),
        (
            CATALOGUE_RUN,
            {"phase": "matching", "seen": 100, "total": 400},
            "A procurar os SKU no iGEST: 100 de 400",
            100,
        ),
        (STOCK_RUN, {"phase": "reading", "seen": 200}, "A ler o stock do iGEST: 200", None),
        (STOCK_RUN, {"phase": "settling", "seen": 200, "differing": 3}, "A acertar o stock: faltam 0 produtos", 3),
        (CREATE_RUN, {"seen": 1, "total": 2}, "A criar artigos no iGEST: 1 de 2", 1),
        (UNDO_RUN, {"seen": 20, "total": 40}, "A desfazer alterações: 20 de 40", 20),
    ],
)  # fmt: skip
def test_a_run_shows_its_step_and_progress(
    stocked_shop: StoreSession, kind: str, how: dict[str, Any], text: str, bar: int | None
) -> None:
    make_sync_run(account_of(stocked_shop), kind, OPEN, **how)
    for path in ("/products", "/products/now"):
        answer = stocked_shop.client.get(path)
        page = answer.get_data(as_text=True)
        assert text in page_text(answer), path
        assert (f'value="{bar}"' in page) is (bar is not None), path
    assert "progress.js" in stocked_shop.client.get("/products").get_data(as_text=True)
    assert "Comparar agora" not in page_text(stocked_shop.client.get("/products"))


def test_a_paused_run_says_why_and_when_it_continues(stocked_shop: StoreSession) -> None:
    make_sync_run(
        account_of(stocked_shop),
        STOCK_RUN,
        OPEN,
        reason="unreachable",
        not_before=now() + timedelta(minutes=2),
    )
    assert re.search(
        r"Não conseguimos falar com a loja ou com o iGEST\. Continuamos às \d\d:\d\d\.",
        page_text(stocked_shop.client.get("/products")),
    )


def test_without_a_run_the_progress_is_204(stocked_shop: StoreSession) -> None:
    assert stocked_shop.client.get("/products/now").status_code == 204
    assert "progress.js" not in stocked_shop.client.get("/products").get_data(as_text=True)


def test_a_failed_run_is_shown_with_its_cause_until_another_ends(stocked_shop: StoreSession) -> None:
    account = account_of(stocked_shop)
    make_sync_run(account, STOCK_RUN, FAILED, reason="unreachable", at=now())
    shown = page_text(stocked_shop.client.get("/products"))
    assert (
        "A última comparação parou a meio" in shown
        and "Não conseguimos falar com a loja ou com o iGEST." in shown
        and "Comparamos de novo sozinhos" in shown
    )
    make_sync_run(account, STOCK_RUN)
    assert "parou a meio" not in page_text(stocked_shop.client.get("/products"))


def test_compare_now_starts_both_runs_once(stocked_shop: StoreSession) -> None:
    for _ in range(2):
        assert stocked_shop.post("/products/compare").status_code == 303
    db.session.rollback()
    runs = [
        (run.kind, run.cause)
        for run in db.session.query(SyncRun).filter_by(state=OPEN).order_by(SyncRun.kind)
    ]
    assert runs == [(CATALOGUE_RUN, "hand"), (STOCK_RUN, "hand")]


def test_without_stock_sync_only_the_catalogue_is_read(stocked_shop: StoreSession) -> None:
    account = account_of(stocked_shop)
    account.settings = {**account.settings, "stock": ""}
    db.session.commit()
    stocked_shop.post("/products/compare")
    db.session.rollback()
    assert [run.kind for run in db.session.query(SyncRun).filter_by(state=OPEN)] == [CATALOGUE_RUN]


# Creating missing articles


def test_the_page_of_missing_articles_asks_for_the_rate(stocked_shop: StoreSession) -> None:
    page = stocked_shop.client.get("/products/missing")
    assert "Criar 2 artigos no iGEST" in page_text(page) and "Tigela de arroz" in page_text(page)
    assert re.findall(r'<option value="([^"]*)"', page.get_data(as_text=True))[:4] == [
        "", "normal", "intermediate", "reduced",
    ]  # fmt: skip
    assert "23%, taxa normal" in page_text(page)


def test_hidden_products_are_not_created_with_the_others(stocked_shop: StoreSession) -> None:
    hidden: Product = stocked_shop.known["missing"]
    hidden.active = False
    db.session.commit()
    assert "Criar 1 artigo no iGEST" in page_text(stocked_shop.client.get("/products/missing"))
    assert hidden.name in listed(stocked_shop, "estado=por-criar")


@pytest.mark.parametrize("chosen", ["", "zero", "M05"])
def test_no_article_is_created_without_a_listed_rate(stocked_shop: StoreSession, chosen: str) -> None:
    answer = stocked_shop.post("/products/missing", {"treatment": chosen})
    assert answer.status_code == 422 and "Escolha a taxa de IVA." in page_text(answer)
    db.session.rollback()
    assert SyncRun.last(account_of(stocked_shop).id, CREATE_RUN) is None


def test_the_workers_create_missing_articles_at_the_chosen_rate(stocked_shop: StoreSession) -> None:
    assert stocked_shop.post("/products/missing", {"treatment": "reduced"}).status_code == 303
    db.session.rollback()
    run = SyncRun.last(account_of(stocked_shop).id, CREATE_RUN, OPEN)
    assert run is not None and (run.mark, run.total, run.cause) == ("reduced", 2, "hand")


# Empty lists


def test_a_catalogue_that_was_never_read_says_so_and_offers_it(
    shop: StoreSession, articles_enabled: None
) -> None:
    page = page_text(shop.client.get("/products"))
    assert "Ainda não lemos os produtos da loja" in page and page.count("Comparar agora") == 1


def test_a_shop_without_products_and_one_being_read_say_so(
    shop: StoreSession, articles_enabled: None
) -> None:
    run = make_sync_run(account_of(shop), CATALOGUE_RUN, OPEN)
    assert "Estamos a ler os produtos da loja" in page_text(shop.client.get("/products"))
    run.end("done")
    assert "A loja não tem produtos" in page_text(shop.client.get("/products"))


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("q=ninguem", "Nenhum produto com «ninguem»"),
        ("estado=espera", "Nenhum produto precisa de si"),
        ("estado=por-criar", "Não falta criar nada"),
    ],
)
def test_an_empty_list_says_which_filter_found_nothing(
    shop: StoreSession, articles_enabled: None, query: str, sentence: str
) -> None:
    make_product(shop.store, "A-1")
    make_article(account_of(shop), "A-1")
    assert sentence in page_text(shop.client.get(f"/products?{query}"))


def test_an_account_without_article_access_sees_why(shop: StoreSession) -> None:
    assert "Aqui não há produtos a ligar" in page_text(shop.client.get("/products"))
    for path in ("/products/compare", "/products/missing"):
        assert shop.post(path, {"treatment": "normal"}).headers["Location"] == "/products"
    assert db.session.query(SyncRun).count() == 0


def test_before_the_set_up_is_done_the_list_redirects_to_it(new: StoreSession) -> None:
    assert new.client.get("/products").headers["Location"] == "/setup/resume"


def test_the_first_page_says_when_a_product_needs_the_merchant(stocked_shop: StoreSession) -> None:
    home = page_text(stocked_shop.client.get("/"))
    assert "5 produtos precisam de si" in home and "As encomendas estão em ordem" in home
    assert "Está tudo em ordem" not in home


def test_the_first_page_is_silent_about_products_in_order(shop: StoreSession, articles_enabled: None) -> None:
    make_product(shop.store, "A-1")
    make_article(account_of(shop), "A-1")
    make_synced_sku(account_of(shop), "A-1")
    assert "produto" not in page_text(shop.client.get("/")).lower().replace("produtos", "", 1)


def test_ten_thousand_rows_are_counted_by_the_database(shop: StoreSession, articles_enabled: None) -> None:
    rows = [
        {"product_id": str(n), "variant_id": "", "sku": f"S-{n // 2 if n < 10 else n}", "name": f"Peça {n:05d}",
         "kind": "goods", "stock": 1, "active": True}
        for n in range(10_000)
    ]  # fmt: skip
    for at in range(0, len(rows), 500):
        Product.upsert(shop.store.id, rows[at : at + 500])
    db.session.commit()
    counted = products.count_products(account_of(shop))
    assert (counted.of(products.DUPLICATE), counted.waiting, counted.of(products.UNKNOWN)) == (10, 5, 9_990)
    assert len(listed(shop)) == 50


def test_a_second_account_does_not_see_the_articles_of_the_first(stocked_shop: StoreSession) -> None:
    make_account(stocked_shop.store, fingerprint="another")
    account = account_of(stocked_shop)
    account.choices = {**account.choices, "articles": True}
    db.session.commit()
    assert "0 produtos ligados" in page_text(stocked_shop.client.get("/products"))


def test_creating_articles_explains_that_sync_begins_once_they_have_stock(
    stocked_shop: StoreSession,
) -> None:
    missing = stocked_shop.known["missing"].id
    for path in ("/products/missing", f"/products/{missing}"):
        assert "a loja fica como está até" in page_text(stocked_shop.client.get(path))
    account = account_of(stocked_shop)
    account.settings = {**account.settings, "stock": "to-provider"}
    db.session.commit()
    for path in ("/products/missing", f"/products/{missing}"):
        assert "a loja fica como está até" not in page_text(stocked_shop.client.get(path))
