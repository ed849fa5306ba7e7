"""The stock options: offered when the account can have them, refused with a reason when not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from flask_sqlalchemy import SQLAlchemy

from dev.factories import make_account, make_document
from shopapp.errors import UnreachableError
from shopapp.models import Account, db, now
from shopapp.platforms import PLATFORMS
from shopapp.platforms.base import Location, Platform
from shopapp.providers import PROVIDERS
from shopapp.providers.articles import ProviderArticle
from shopapp.providers.base import Capabilities, Choice, Choices, Series
from tests.fakes import PROVIDER_STATE, FakeProvider, FakeStockReader
from tests.security.conftest import StoreSession
from tests.unit.web.conftest import FakeIgest, FakeIgestDocuments, page_text, reload
from tests.unit.web.setup.test_keys import chosen

PLACES = (Choice("SET", "Setúbal", True), Choice("EST", "Estremoz"))
SERIES = (Series("2026FR", "FR"), Series("2026FT", "FT"), Series("2026NC", "NC"))


class Reader(FakeIgestDocuments, FakeStockReader):
    """A provider that has articles and reports their stock."""

    find_documents = True
    warehouses = PLACES

    def choices(self) -> Choices:
        self._http.before_call()
        kind = type(self)
        return Choices(
            ("FT", "FR", "NC"), SERIES, (Choice("M07", "Isento"),), kind.warehouses, (), articles=kind.find_documents,
            stock_changes=True,
        )  # fmt: skip

    def articles_by_code(self, codes: Sequence[str]) -> Mapping[str, ProviderArticle]:
        self._http.before_call()
        if PROVIDER_STATE.check_errors:
            raise PROVIDER_STATE.check_errors.pop(0)
        return {code: ProviderArticle(f"id-{code}", code, "Diversos") for code in codes if code == "DIV"}


class Stocker(Reader, FakeProvider):
    """A provider that also accepts stock movements."""


class Locked(Stocker):
    """A provider whose account has no access to articles."""

    find_documents = False


class Metered(Stocker):
    """A provider whose plans limit the calls per month."""

    capabilities = Capabilities(credit_notes=True, metered=True)


class Single(Stocker):
    """A provider whose account has one warehouse."""

    warehouses = PLACES[:1]


class ShopWithoutStock(Platform):
    """A platform that does not report stock."""

    def __init__(self, *given: Any, **settings: Any) -> None:
        pass

    def admin_origins(self, code: str = "") -> tuple[str, ...]:
        return ()


ShopWithoutStock.__abstractmethods__ = frozenset()


@pytest.fixture
def program() -> type[FakeIgest]:
    return Stocker


@pytest.fixture(autouse=True)
def shop_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the shop two locations."""
    places = (Location("7", "Loja Setúbal", True), Location("8", "Feira"))
    monkeypatch.setattr(PLATFORMS["jumpseller"], "locations", lambda _: places)


@pytest.fixture
def stocked(
    new: StoreSession, program: type[FakeIgest], monkeypatch: pytest.MonkeyPatch
) -> Iterator[StoreSession]:
    """Return a store with that provider, whose form was opened once."""
    monkeypatch.setitem(PROVIDERS, "igest", program)
    make_account(new.store, choices={})
    assert new.client.get("/setup/choices").status_code == 200
    yield new


def with_program(program: type[FakeIgest]) -> Any:
    return pytest.mark.parametrize("program", [program])


def account_of(shop: StoreSession) -> Account:
    db.session.rollback()
    db.session.expire_all()
    found = Account.find_current(shop.store)
    assert found is not None
    return found


def save(shop: StoreSession, **changes: str) -> Any:
    return shop.post("/setup/choices", chosen(**{"warehouse": "SET", **changes}))


def form_of(shop: StoreSession) -> str:
    return str(shop.client.get("/setup/choices").get_data(as_text=True))


def test_nothing_is_synced_until_the_merchant_chooses_it(stocked: StoreSession) -> None:
    assert save(stocked).status_code == 303
    kept = account_of(stocked).settings
    assert (kept["stock"], kept["no_sku"], kept["stock_places"]) == ("", "", [["SET", ""]])


@pytest.mark.parametrize("way", ["to-shop", "to-provider"])
def test_a_direction_is_stored_and_product_webhooks_subscribed(stocked: StoreSession, way: str) -> None:
    stocked.store.hooks_checked_at = now()
    db.session.commit()
    assert save(stocked, stock=way, place_7="SET", place_8="EST").status_code == 303
    kept = account_of(stocked).settings
    assert (kept["stock"], kept["stock_places"]) == (way, [["SET", "7"], ["EST", "8"]])
    assert fresh_store(stocked).hooks_checked_at is None
    assert f'value="{way}" checked' in form_of(stocked)


def fresh_store(shop: StoreSession) -> Any:
    db.session.rollback()
    db.session.refresh(shop.store)
    return shop.store


def test_each_location_shows_its_own_warehouse_again(stocked: StoreSession) -> None:
    save(stocked, stock="to-shop", place_7="EST", place_8="")
    assert account_of(stocked).settings["stock_places"] == [["EST", "7"]]
    page = form_of(stocked)
    first, second = page.split('id="f-place_7"')[1].split('id="f-place_8"')
    assert '<option value="EST" selected>' in first and '<option value="" selected>' in second


@pytest.mark.parametrize(
    ("places", "sentence"),
    [
        ({"place_7": "SET", "place_8": "SET"}, "Este armazém já está noutro local"),
        ({"place_7": "", "place_8": ""}, "Escolha o armazém de pelo menos um local."),
        ({"place_7": "LIS"}, "Escolha um armazém da lista."),
    ],
)
def test_pairs_that_sell_stock_twice_or_sync_nothing_are_refused(
    stocked: StoreSession, places: dict[str, str], sentence: str
) -> None:
    before = account_of(stocked).settings
    answer = save(stocked, stock="to-shop", **places)
    assert answer.status_code == 422 and sentence in page_text(answer)
    assert account_of(stocked).settings == before


def test_a_shop_whose_stock_cannot_be_set_is_offered_no_direction(
    stocked: StoreSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PLATFORMS, "jumpseller", ShopWithoutStock)
    page = page_text(stocked.client.get("/setup/choices"))
    assert "A sua loja não nos deixa ler nem acertar o stock dos produtos." in page


@with_program(Single)
def test_pairs_are_not_asked_for_when_one_side_has_only_one(
    stocked: StoreSession, program: type[FakeIgest]
) -> None:
    assert "place_7" not in form_of(stocked)
    assert save(stocked, stock="to-shop").status_code == 303
    assert account_of(stocked).settings["stock_places"] == [["SET", ""]]


@with_program(Reader)
def test_a_provider_without_stock_movements_cannot_follow_the_shop(
    stocked: StoreSession, program: type[FakeIgest]
) -> None:
    assert "O iGEST não aceita acertos de stock" in page_text(stocked.client.get("/setup/choices"))
    answer = save(stocked, stock="to-provider")
    assert answer.status_code == 422 and "não aceita acertos de stock" in page_text(answer)
    assert save(stocked, stock="to-shop", place_7="SET").status_code == 303


@pytest.mark.parametrize(
    ("program", "shown", "not_shown"),
    [(Stocker, "na loja em minutos", "por dia"), (Metered, "na loja algumas vezes por dia", "em minutos")],
)
def test_sync_within_minutes_is_promised_only_without_a_call_allowance(
    stocked: StoreSession, program: type[FakeIgest], shown: str, not_shown: str
) -> None:
    page = page_text(stocked.client.get("/setup/choices"))
    assert shown in page and not_shown not in page


@with_program(Reader)
def test_the_shop_cannot_follow_a_provider_whose_stock_sales_never_reduce(
    stocked: StoreSession, program: type[FakeIgest]
) -> None:
    answer = save(stocked, stock="to-shop", place_7="SET", moves_stock="-")
    assert answer.status_code == 422 and "cada venda tem de baixar lá o stock" in page_text(answer)


@pytest.mark.parametrize(
    ("moves", "shown"), [(True, "cada documento emitido baixa"), (False, "não mexem no stock")]
)
def test_who_moves_stock_is_asked_only_when_the_account_does_not_say(
    stocked: StoreSession, moves: bool, shown: str
) -> None:
    assert 'name="moves_stock"' in form_of(stocked)
    account = account_of(stocked)
    account.facts = {**account.facts, "stock_moves_on_issue": moves}
    db.session.commit()
    page = stocked.client.get("/setup/choices")
    assert 'name="moves_stock"' not in page.get_data(as_text=True) and shown in page_text(page)
    assert save(stocked, moves_stock="-" if moves else "yes").status_code == 303
    assert account_of(stocked).settings["moves_stock"] is moves


@with_program(Locked)
def test_an_account_without_article_access_says_so_and_keeps_the_rest(
    stocked: StoreSession, program: type[FakeIgest]
) -> None:
    page = stocked.client.get("/setup/choices")
    assert "não nos deixou procurar artigos" in page_text(page) and 'name="no_sku"' not in page.get_data(
        as_text=True
    )
    assert save(stocked, stock="to-shop").status_code == 422
    assert save(stocked, no_sku="block").status_code == 303
    assert account_of(stocked).settings["no_sku"] == ""


def test_a_generic_article_must_exist_at_the_provider(stocked: StoreSession) -> None:
    empty = save(stocked, no_sku="generic", generic_article="")
    assert empty.status_code == 422 and "Escreva a referência do artigo genérico." in page_text(empty)
    unknown = save(stocked, no_sku="generic", generic_article="OUTRO")
    assert unknown.status_code == 422 and "não tem nenhum artigo com esta referência" in page_text(unknown)
    assert save(stocked, no_sku="generic", generic_article=" DIV ").status_code == 303
    kept = account_of(stocked).settings
    assert (kept["no_sku"], kept["generic_article"]) == ("generic", "DIV")


def test_a_generic_article_that_could_not_be_checked_is_not_stored(
    stocked: StoreSession,
) -> None:
    PROVIDER_STATE.check_errors = [UnreachableError("unreachable")]
    answer = save(stocked, no_sku="generic", generic_article="DIV")
    assert answer.status_code == 422 and "Não conseguimos falar com a loja ou com o iGEST." in page_text(
        answer
    )
    assert "não tem nenhum artigo" not in page_text(answer)
    assert save(stocked, no_sku="generic", generic_article="DIV").status_code == 303
    PROVIDER_STATE.check_errors = [UnreachableError("unreachable")]
    assert save(stocked, no_sku="generic", generic_article="DIV").status_code == 303, (
        "known already: nobody is asked"
    )


def test_a_new_rule_for_missing_skus_retries_blocked_orders(stocked: StoreSession, db: SQLAlchemy) -> None:
    document = make_document(stocked.store, "blocked", reason="sku-missing", detail={"line": "Vale"})
    save(stocked, no_sku="")
    assert reload(db, document).state == "pending"


@pytest.mark.parametrize("form", [{"stock": "both"}, {"no_sku": "all"}])
def test_a_choice_that_the_form_does_not_offer_is_refused(
    stocked: StoreSession, form: dict[str, str]
) -> None:
    answer = save(stocked, **form)
    assert answer.status_code == 422 and "Escolha uma das opções." in page_text(answer)


class Plain(FakeIgestDocuments):
    """A provider without articles."""


@with_program(Plain)
def test_a_provider_without_articles_shows_no_stock_options(
    stocked: StoreSession, program: type[FakeIgest]
) -> None:
    page = form_of(stocked)
    assert 'name="stock"' not in page and 'name="no_sku"' not in page and 'name="moves_stock"' in page


@with_program(Single)
def test_one_location_may_be_synced_when_only_the_shop_has_several(
    stocked: StoreSession, program: type[FakeIgest]
) -> None:
    assert save(stocked, stock="to-shop", place="8").status_code == 303
    assert account_of(stocked).settings["stock_places"] == [["SET", "8"]]
    assert '<option value="8" selected>Feira' in form_of(stocked)
    assert save(stocked, stock="to-shop", place="").status_code == 303
    assert account_of(stocked).settings["stock_places"] == [["SET", ""]]
    answer = save(stocked, stock="to-shop", place="9")
    assert answer.status_code == 422 and "Escolha um local da lista." in page_text(answer)


def test_pairs_are_proposed_by_name_else_the_warehouse_for_the_main_location(
    stocked: StoreSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = form_of(stocked).split('id="f-place_7"')[1].split('id="f-place_8"')
    assert '<option value="" selected>' in first, "no warehouse is chosen yet"
    account = account_of(stocked)
    account.settings = {**account.settings, "warehouse": "EST"}
    db.session.commit()
    first, second = form_of(stocked).split('id="f-place_7"')[1].split('id="f-place_8"')
    assert '<option value="EST" selected>' in first and '<option value="" selected>' in second
    account.choices = {**account_of(stocked).choices, "locations": [["7", "Loja"], ["8", "SETÚBAL"]]}
    db.session.commit()
    first, second = form_of(stocked).split('id="f-place_7"')[1].split('id="f-place_8"')
    assert '<option value="" selected>' in first and '<option value="SET" selected>' in second
