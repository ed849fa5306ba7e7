"""One product's page in each state, and its actions; creating many articles at once."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from dev.stock_factories import make_article, make_catalogue, make_product, make_synced_sku
from shopapp.errors import RefusedError, UncertainError, UnreachableError
from shopapp.inventory import line_articles
from shopapp.models import Account, Article, Decision, SyncedSku, SyncRun, db
from shopapp.models.decision import MERCHANT
from shopapp.models.sync_run import CREATE_RUN
from tests.fakes import PROVIDER_STATE
from tests.security.conftest import StoreSession
from tests.unit.web.conftest import page_text


@pytest.fixture
def stocked_shop(shop: StoreSession, articles_enabled: None) -> StoreSession:
    """Return a store whose products are in every state."""
    account = Account.find_current(shop.store)
    assert account is not None
    shop.known = make_catalogue(shop.store, account)
    return shop


def page_of(stocked_shop: StoreSession, name: str) -> str:
    answer = stocked_shop.client.get(f"/products/{stocked_shop.known[name].id}")
    assert answer.status_code == 200
    return page_text(answer)


def act(stocked_shop: StoreSession, name: str, verb: str, **form: str) -> Any:
    return stocked_shop.post(f"/products/{stocked_shop.known[name].id}/{verb}", form)


def article_of(stocked_shop: StoreSession, sku: str) -> Article | None:
    db.session.rollback()
    db.session.expire_all()
    account = Account.find_current(stocked_shop.store)
    assert account is not None
    return Article.find_by_sku(account.id, [sku]).get(sku)


@pytest.mark.parametrize(
    ("name", "sentences"),
    [
        ("OLA-0002", ["Ligado", "Encontrado pelo SKU", "Últimas alterações de stock", "7 → 1"]),
        ("bound", ["Ligado à mão", "PRATO28, Prato raso 28", "Feita por si", "Esquecer a ligação"]),
        ("missing", ["Por criar", "Criar no iGEST", "Ligar a um que já existe", "23%, taxa normal"]),
        ("refused", ["Recusado", "Resposta do iGEST: «Referência com mais de 18", "Ligar a um que"]),
        ("no-sku", ["Sem SKU", "Dar-lhe um SKU", "Abrir na loja"]),
        ("twice", ["SKU repetido", "Dar a cada um o seu SKU", "edição de Natal"]),
        ("contested", ["Diferente", "Qual é o certo?", "Pôr na loja o stock do iGEST", "acerte-o no iGEST"]),
        ("stuck", ["Stock recusado", "O novo stock não foi aceite", "Rever escolhas", "Tentar de novo"]),
        ("unsure", ["A confirmar", "Enviámos um acerto e a resposta não voltou"]),
        ("unlimited", ["Ligado", "Ilimitado", "Stock ilimitado na loja: não muda."]),
        ("unknown", ["Por procurar", "Ainda não foi procurado no iGEST."]),
    ],
)  # fmt: skip
def test_every_state_has_a_page_that_says_it(
    stocked_shop: StoreSession, name: str, sentences: list[str]
) -> None:
    page = page_of(stocked_shop, name)
    for sentence in sentences:
        assert sentence in page, (name, sentence)


def test_a_sku_is_linked_to_an_existing_article(stocked_shop: StoreSession) -> None:
    article = PROVIDER_STATE.add_article("TIGELA-GRES", "Tigela de grés")
    assert act(stocked_shop, "missing", "bind", code=" TIGELA-GRES ").status_code == 303
    kept = article_of(stocked_shop, "TIG-0033")
    assert kept is not None
    assert (kept.state, kept.code, kept.article_id) == ("bound", "TIGELA-GRES", article.article_id)
    assert db.session.query(SyncedSku).filter_by(sku="TIG-0033").count() == 1, "its stock follows from now on"
    assert not PROVIDER_STATE.created_articles


@pytest.mark.parametrize("code", ["", "   ", "tigela-gres"])
def test_an_unknown_article_code_is_not_linked(stocked_shop: StoreSession, code: str) -> None:
    PROVIDER_STATE.add_article("TIGELA-GRES")
    answer = act(stocked_shop, "missing", "bind", code=code)
    assert answer.status_code == 422 and ('id="f-code-e"' in answer.get_data(as_text=True))
    kept = article_of(stocked_shop, "TIG-0033")
    assert kept is not None and kept.state == "absent"


def test_an_unreachable_provider_does_not_count_as_a_missing_article(stocked_shop: StoreSession) -> None:
    PROVIDER_STATE.errors["articles"] = [UnreachableError("unreachable")]
    answer = act(stocked_shop, "missing", "bind", code="TIGELA-GRES")
    assert answer.status_code == 422 and "Não conseguimos falar com a loja ou com o iGEST." in page_text(
        answer
    )
    assert "não tem nenhum artigo" not in page_text(answer)


def test_a_manual_link_can_be_removed(stocked_shop: StoreSession) -> None:
    assert act(stocked_shop, "bound", "unbind").status_code == 303
    kept = article_of(stocked_shop, "PRT-28")
    assert kept is None or kept.state not in ("bound", "made")


def test_a_missing_article_is_created_with_the_chosen_rate(stocked_shop: StoreSession) -> None:
    assert act(stocked_shop, "missing", "create", treatment="reduced").status_code == 303
    [made] = PROVIDER_STATE.created_articles
    assert (made.code, made.vat_rate, made.region, made.exemption_code) == ("TIG-0033", Decimal(6), "PT", "")
    assert made.name == "Tigela de sopa em grés, 18 cm" and made.unit == "UN"
    kept = article_of(stocked_shop, "TIG-0033")
    assert kept is not None and kept.state == "made"
    act(stocked_shop, "missing", "create", treatment="reduced")
    assert len(PROVIDER_STATE.created_articles) == 1, "it is there: nothing is made twice"


def test_an_article_that_exists_after_all_is_used(stocked_shop: StoreSession) -> None:
    PROVIDER_STATE.add_article("TIG-0033")
    assert act(stocked_shop, "missing", "create", treatment="M07").status_code == 303
    kept = article_of(stocked_shop, "TIG-0033")
    assert kept is not None and kept.state == "found" and not PROVIDER_STATE.created_articles


def test_an_article_is_created_with_an_exemption(stocked_shop: StoreSession) -> None:
    assert act(stocked_shop, "also-missing", "create", treatment="M07").status_code == 303
    [made] = PROVIDER_STATE.created_articles
    assert (made.vat_rate, made.exemption_code) == (Decimal(0), "M07")


@pytest.mark.parametrize("chosen", ["", "zero", "M05"])
def test_no_article_is_created_without_a_listed_rate(stocked_shop: StoreSession, chosen: str) -> None:
    answer = act(stocked_shop, "missing", "create", treatment=chosen)
    assert answer.status_code == 422 and "Escolha a taxa de IVA." in page_text(answer)
    assert not PROVIDER_STATE.created_articles


def test_a_refused_article_is_shown_with_the_providers_answer(stocked_shop: StoreSession) -> None:
    PROVIDER_STATE.errors["create_article"] = [RefusedError("article-refused", answer="Família em falta")]
    answer = act(stocked_shop, "missing", "create", treatment="normal")
    assert answer.status_code == 422 and "Família em falta" in page_text(answer)
    assert "Recusado" in page_of(stocked_shop, "missing")


def test_a_creation_without_an_answer_is_not_repeated(stocked_shop: StoreSession) -> None:
    PROVIDER_STATE.errors["create_article"] = [UncertainError("outcome-unknown")]
    answer = act(stocked_shop, "missing", "create", treatment="normal")
    assert answer.status_code == 422
    act(stocked_shop, "missing", "create", treatment="normal")
    assert not PROVIDER_STATE.created_articles


@pytest.mark.parametrize("name", ["contested", "stuck"])
def test_levels_left_different_can_be_synced_again(stocked_shop: StoreSession, name: str) -> None:
    sku = stocked_shop.known[name].sku
    assert act(stocked_shop, name, "right").status_code == 303
    db.session.rollback()
    db.session.expire_all()
    row = db.session.query(SyncedSku).filter_by(sku=sku).one()
    assert (row.cause, row.reason) == ("hand", "") and row.due_at is not None


@pytest.mark.parametrize("verb", ["bind", "unbind", "create", "right"])
def test_a_product_without_sku_has_no_actions(stocked_shop: StoreSession, verb: str) -> None:
    assert act(stocked_shop, "no-sku", verb, code="A", treatment="normal").status_code == 404


@pytest.mark.parametrize("verb", ["bind", "unbind", "create", "right"])
def test_an_account_without_article_access_has_no_actions(shop: StoreSession, verb: str) -> None:
    goods = make_product(shop.store, "A-1")
    assert shop.client.get(f"/products/{goods.id}").status_code == 404
    assert shop.post(f"/products/{goods.id}/{verb}", {"code": "A"}).status_code == 404


def test_levels_by_location_show_the_names_of_both_sides(stocked_shop: StoreSession) -> None:
    account = Account.find_current(stocked_shop.store)
    assert account is not None
    account.settings = {**account.settings, "stock_places": [["SET", "7"], ["EST", "8"]]}
    account.choices = {**account.choices, "locations": [["7", "Loja Setúbal"], ["8", "Feira"]]}
    db.session.commit()
    goods = make_product(stocked_shop.store, "DOIS-1", "Em dois sítios", 12)
    make_article(account, "DOIS-1")
    make_synced_sku(account, "DOIS-1", "8", 8, warehouse="SET", location="7")
    make_synced_sku(account, "DOIS-1", "4", 4, warehouse="EST", location="8")
    page = page_text(stocked_shop.client.get(f"/products/{goods.id}"))
    assert "Loja Setúbal Setúbal 8 8" in page and "Feira Estremoz 4 4" in page and "12 · DOIS-1" in page


# Creating many articles


def work(stocked_shop: StoreSession) -> SyncRun:
    """Work on the run that creates articles until it ends."""
    from shopapp.inventory import bulk_create

    account = Account.find_current(stocked_shop.store)
    assert account is not None
    run = SyncRun.last(account.id, CREATE_RUN)
    for _ in range(20):
        assert run is not None
        if run.state != "open":
            return run
        bulk_create.run_bulk_create_page(run, account)
        db.session.expire_all()
        run = SyncRun.last(account.id, CREATE_RUN)
    raise AssertionError("it does not end")


def excepted(stocked_shop: StoreSession, exceptions: dict[str, str]) -> Account:
    """Return the account, with these tax exceptions by SKU and no others."""
    account = Account.find_current(stocked_shop.store)
    assert account is not None
    former = Decision.in_force(account.id).answers["product-tax"]
    Decision.apply_form(account.id, "product-tax", exceptions, former.keys(), MERCHANT)
    db.session.commit()
    return account


def test_missing_articles_are_created_once_with_their_own_tax_exceptions(
    stocked_shop: StoreSession,
) -> None:
    excepted(stocked_shop, {"TIG-0034": "M07"})
    stocked_shop.post("/products/missing", {"treatment": "intermediate"})
    assert work(stocked_shop).state == "done"
    made = {one.code: (one.vat_rate, one.exemption_code) for one in PROVIDER_STATE.created_articles}
    assert made == {"TIG-0033": (Decimal(13), ""), "TIG-0034": (Decimal(0), "M07")}
    stocked_shop.post("/products/missing", {"treatment": "intermediate"})
    work(stocked_shop)
    assert len(PROVIDER_STATE.created_articles) == 2


def test_one_refused_article_does_not_stop_the_others(stocked_shop: StoreSession) -> None:
    PROVIDER_STATE.errors["create_article"] = [RefusedError("article-refused", answer="Família em falta")]
    stocked_shop.post("/products/missing", {"treatment": "normal"})
    assert work(stocked_shop).seen == 2
    assert [one.code for one in PROVIDER_STATE.created_articles] == ["TIG-0034"]
    assert "Recusado" in page_of(stocked_shop, "missing")


def test_an_article_with_an_unlawful_treatment_says_why_and_what_to_do(stocked_shop: StoreSession) -> None:
    account = excepted(stocked_shop, {"TIG-0034": "M98"})
    stocked_shop.post("/products/missing", {"treatment": "normal"})
    assert work(stocked_shop).state == "done"
    assert [one.code for one in PROVIDER_STATE.created_articles] == ["TIG-0033"]
    said = "O motivo de isenção M98 já não está em vigor. Escolha outro nas escolhas fiscais."
    assert said in page_of(stocked_shop, "also-missing") and said in page_text(
        stocked_shop.client.get("/products?estado=espera")
    )
    line_articles.look_up_articles(account, ["TIG-0034"])
    assert said in page_of(stocked_shop, "also-missing"), "looked up again it is as it was"
    excepted(stocked_shop, {})
    stocked_shop.post("/products/missing", {"treatment": "normal"})
    work(stocked_shop)
    assert said not in page_of(stocked_shop, "also-missing") and len(PROVIDER_STATE.created_articles) == 2


def test_a_sku_that_is_too_long_says_its_length_and_the_limit(stocked_shop: StoreSession) -> None:
    PROVIDER_STATE.errors["create_article"] = [
        RefusedError("article-too-long", answer="", length=22, limit=18)
    ]
    stocked_shop.post("/products/missing", {"treatment": "normal"})
    work(stocked_shop)
    page = page_of(stocked_shop, "missing")
    assert "tem 22 carateres, e a referência de um artigo do iGEST leva no máximo 18. Encurte o SKU" in page
