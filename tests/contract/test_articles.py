"""One suite for the articles and stock of every invoicing provider that has them, live against their stand-ins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from shopapp.errors import (
    AppError,
    CredentialsError,
    RefusedError,
    ThrottledError,
    TransientError,
    UncertainError,
)
from shopapp.providers import PROVIDERS
from shopapp.providers.articles import NewArticle
from shopapp.providers.base import Provider
from shopapp.providers.stock import StockLevel, StockMovement, SupportsStock, SupportsStockMovements
from tests.contract.accounts import ACCOUNTS
from tests.contract.broken_transport import LOST_OUTCOMES
from tests.contract.cassette import also_replayed
from tests.contract.drafts import line
from tests.contract.provider_account import ProviderAccount
from tests.contract.test_providers import drafted, over, sent

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

TACA, OFICINA = "TAC-002", "OFI-001"
NEW = NewArticle("JARRO-7", "Jarro de barro", Decimal(23), "PT")
FREE = NewArticle("AULA-1", "Aula de olaria", Decimal(0), "PT", exemption_code="M07", goods=False)
KEEPERS = [
    name for name in PROVIDERS if issubclass(PROVIDERS[name], SupportsStock) and ACCOUNTS[name].stock_places
]
MOVERS = [name for name in KEEPERS if issubclass(PROVIDERS[name], SupportsStockMovements)]
movers = pytest.mark.parametrize("name", MOVERS)


def of_each(names: list[str], what: Callable[[type[ProviderAccount]], Any]) -> Any:
    """Run the test for each (provider, scene)."""
    scenes = [(name, scene) for name in names for scene in what(ACCOUNTS[name])]
    return pytest.mark.parametrize(
        ("name", "scene"), scenes, ids=[f"{name}-{scene}" for name, scene in scenes]
    )


def lost(account: type[ProviderAccount]) -> list[str]:
    """Return the scenes that lose or spoil the answer to any call that changes something."""
    return [scene for scene in account.uncertain_scenes if scene not in ("no-number", "no-result")]


@pytest.fixture(params=KEEPERS)
def name(request: pytest.FixtureRequest) -> str:
    """Return the name of the provider under test."""
    return str(request.param)


# --- look-up -------------------------------------------------------------------------------------------


@also_replayed
def test_articles_are_found_by_exactly_their_reference(account: ProviderAccount) -> None:
    found = account.provider().articles_by_code([TACA, OFICINA, TACA.lower(), "TAC-00", "NADA"])
    assert {code: article.code for code, article in found.items()} == {TACA: TACA, OFICINA: OFICINA}
    assert all(article.article_id and article.name for article in found.values())
    assert (found[TACA].goods, found[OFICINA].goods) == (True, False)


def test_an_unknown_reference_is_not_found(account: ProviderAccount) -> None:
    provider = account.provider()
    assert provider.articles_by_code(["NADA"]) == {}
    assert provider.articles_by_code(["NADA", "NEM ISTO"]) == {}
    assert provider.articles_by_code([]) == {}
    assert provider.article_by_id("0") is None


def test_fifty_are_looked_up_together(account: ProviderAccount) -> None:
    codes = [f"NADA-{n}" for n in range(49)]
    assert set(account.provider().articles_by_code([*codes[:20], TACA, *codes[20:]])) == {TACA}


def test_an_article_renamed_by_hand_is_found_by_its_id(account: ProviderAccount) -> None:
    provider = account.provider()
    before = provider.articles_by_code([TACA])[TACA]
    account.edit_by_hand(TACA, to="TACA-9")
    assert provider.articles_by_code([TACA]) == {}
    after = provider.article_by_id(before.article_id)
    assert after is not None
    assert (after.article_id, after.code) == (before.article_id, "TACA-9")


def test_an_article_no_longer_in_use_is_not_there(account: ProviderAccount) -> None:
    provider = account.provider()
    before = provider.articles_by_code([TACA])[TACA]
    account.edit_by_hand(TACA, withdrawn=True)
    assert provider.articles_by_code([TACA]) == {}
    assert provider.article_by_id(before.article_id) is None


# --- creation -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scene", ["goods", "service", "markup", "long", "empty"])
def test_an_article_is_created_once_and_found_afterwards(account: ProviderAccount, scene: str) -> None:
    new = {
        "goods": NEW,
        "service": FREE,
        "markup": replace(NEW, code="AÇO&<'>%7", name="Aço <b>&amp;</b> ]]> €"),
        "long": replace(NEW, name="Ã€😀< " * 60),
        "empty": replace(NEW, name=""),
    }[scene]
    provider = account.provider()
    made = provider.create_article(new)
    assert (made.code, made.goods) == (new.code, new.goods)
    assert provider.articles_by_code([new.code])[new.code].article_id == made.article_id
    found = provider.article_by_id(made.article_id)
    assert found is not None
    assert (found.code, found.goods) == (new.code, new.goods)
    assert account.created_articles() == [new.code]


def test_an_existing_article_is_not_created_again(account: ProviderAccount) -> None:
    provider = account.provider()
    before = provider.articles_by_code([TACA])
    try:
        assert provider.create_article(replace(NEW, code=TACA)) == before[TACA]
    except RefusedError as error:
        assert error.code == "article-refused"
    assert provider.articles_by_code([TACA]) == before
    assert account.created_articles() == []


@pytest.mark.parametrize("scene", ["reference", "rate", "control"])
def test_an_impossible_article_is_refused(account: ProviderAccount, scene: str) -> None:
    new = {
        "reference": replace(NEW, code="X" * 200),
        "rate": replace(NEW, vat_rate=Decimal("17.3")),
        "control": replace(NEW, code="A\x01\nB"),
    }[scene]
    with pytest.raises(RefusedError) as raised:
        account.provider().create_article(new)
    # A provider with a documented limit for references reports it.
    too_long = {"article-too-long"} if scene == "reference" else set()
    assert raised.value.code in {"article-refused"} | too_long
    assert account.created_articles() == []


@of_each(KEEPERS, lost)
def test_a_lost_answer_to_creating_an_article_is_uncertain(account: ProviderAccount, scene: str) -> None:
    provider, there = account.provider(), account.uncertain_scenes[scene]
    account.plan_fault("create_article", scene)
    try:
        made = provider.create_article(NEW)
    except AppError as error:
        # The adapter looked and saw that nothing was created, or it does not know.
        assert isinstance(error, UncertainError) or (account.resolves_at_once and not there)
        assert not any(secret in str(error.detail) for secret in account.secrets())
    else:
        assert account.resolves_at_once and there
        assert made.code == NEW.code
    assert set(provider.articles_by_code([NEW.code])) == ({NEW.code} if there else set())
    assert account.created_articles() == [NEW.code] * there


def test_a_line_names_the_article_that_was_looked_up(account: ProviderAccount) -> None:
    provider = account.provider()
    account.edit_by_hand(TACA, to="TACA-9")
    matched = line("10", sku=TACA, article="TACA-9"), line("5", sku="NADA")
    moves = not account.names_articles_always
    sent(provider, drafted(account, *matched, matched=True, moves_stock=moves), "QI-1")
    documents = account.documents()
    assert [one["ref"] for one in documents[-1]["lines"]] == ["TACA-9", ""]
    assert account.created_articles() == []


# --- stock levels -----------------------------------------------------------------------------------------------


def counted(found: tuple[StockLevel, ...], code: str) -> dict[str, Decimal]:
    """Return the levels of one article by warehouse, without zeros."""
    return {level.warehouse: level.quantity for level in found if level.code == code and level.quantity}


def reading(provider: Provider, sync_token: str = "") -> tuple[tuple[StockLevel, ...], str]:
    """Read all pages; return the levels and the sync token of the next reading."""
    page = provider.changed_stock_levels(sync_token)
    found = page.levels
    while page.after:
        page = provider.changed_stock_levels(sync_token, page.after)
        found += page.levels
    return found, page.sync_token


def as_set_up(provider: Provider) -> Provider:
    """Give the provider the features that its lists name, as set-up does."""
    choices = provider.choices()
    provider.features = replace(
        provider.features, articles=choices.articles, stock_changes=choices.stock_changes
    )
    return provider


def test_levels_are_listed_by_warehouse(account: ProviderAccount) -> None:
    provider = account.provider()
    main, other = account.stock_places
    account.edit_by_hand(TACA, level="7", warehouse=main)
    account.edit_by_hand(TACA, level="2.5", warehouse=other)
    found = provider.stock_levels([TACA, OFICINA, "NADA"])
    assert counted(found, TACA) == {main: Decimal(7), other: Decimal("2.5")}
    assert counted(found, OFICINA) == counted(found, "NADA") == {}
    assert counted(provider.stock_levels([TACA]), TACA) == {main: Decimal(7), other: Decimal("2.5")}
    assert provider.stock_levels([]) == ()


def test_all_levels_are_read_and_then_only_what_changed(account: ProviderAccount) -> None:
    provider = as_set_up(account.provider())
    main, other = account.stock_places
    account.edit_by_hand(TACA, level="7", warehouse=main)
    everything, sync_token = reading(provider)
    assert counted(everything, TACA)[main] == Decimal(7)
    assert len({(level.code, level.warehouse) for level in everything}) == len(everything)
    account.edit_by_hand(TACA, level="0", warehouse=main)
    account.edit_by_hand(TACA, level="-3", warehouse=other)
    changed, next_token = reading(provider, sync_token)
    assert {level.warehouse: level.quantity for level in changed if level.code == TACA} == {
        main: Decimal(0),
        other: Decimal(-3),
    }
    if provider.features.stock_changes:
        assert {level.code for level in changed} == {TACA}
        assert reading(provider, next_token)[0] == ()
    else:
        assert len(changed) == len(everything)


@of_each(KEEPERS, lambda account: account.feature_scenes)
def test_what_the_account_may_do_is_learned_from_its_lists(account: ProviderAccount, scene: str) -> None:
    choices = account.provider(scene).choices()
    assert (choices.articles, choices.stock_changes) == account.feature_scenes[scene]


# --- stock movements -----------------------------------------------------------------------------------------------


@movers
def test_stock_is_moved_once_and_found_by_exactly_its_reference(account: ProviderAccount) -> None:
    provider = account.provider()
    main, other = account.stock_places
    for place, quantity in ((main, "-3"), (other, "2.5")):
        before = counted(provider.stock_levels([TACA]), TACA).get(place, Decimal(0))
        provider.move_stock(
            StockMovement(TACA, place, Decimal(quantity), f"QI-S{place}", "Encomenda 1001 <&> €")
        )
        assert counted(provider.stock_levels([TACA]), TACA).get(place, Decimal(0)) == before + Decimal(
            quantity
        )
    assert provider.has_stock_movement(f"QI-S{main}") in (True, None)
    assert provider.has_stock_movement(f"QI-S{main[:-1]}") in (False, None)
    assert provider.has_stock_movement("QI-S0") in (False, None)
    assert account.stock_movements() == [(TACA, main, Decimal(-3)), (TACA, other, Decimal("2.5"))]


@movers
@pytest.mark.parametrize("scene", ["article", "service", "warehouse"])
def test_an_impossible_movement_is_refused(account: ProviderAccount, scene: str) -> None:
    main = account.stock_places[0]
    good = StockMovement(TACA, main, Decimal(-1), "QI-S1")
    move = {
        "article": replace(good, code="NADA"),
        "service": replace(good, code=OFICINA),
        "warehouse": replace(good, warehouse="999"),
    }[scene]
    with pytest.raises(RefusedError) as raised:
        account.provider().move_stock(move)
    assert raised.value.code == "stock-refused"
    assert not account.stock_movements()


@of_each(MOVERS, lost)
def test_a_lost_answer_to_moving_stock_is_uncertain(account: ProviderAccount, scene: str) -> None:
    provider, there = account.provider(), account.uncertain_scenes[scene]
    main = account.stock_places[0]
    account.plan_fault("move_stock", scene)
    with pytest.raises(UncertainError) as raised:
        provider.move_stock(StockMovement(TACA, main, Decimal(-1), "QI-S1"))
    assert not any(secret in str(raised.value.detail) for secret in account.secrets())
    assert provider.has_stock_movement("QI-S1") in (bool(there), None)
    assert account.stock_movements() == [(TACA, main, Decimal(-1))] * there


# --- a network that fails -----------------------------------------------------------------------------------

LOOK_UPS: dict[str, Callable[[Provider], Any]] = {
    "articles": lambda provider: provider.articles_by_code([TACA]),
    "article": lambda provider: provider.article_by_id("7"),
    "levels": lambda provider: provider.stock_levels([TACA]),
    "changed_levels": lambda provider: provider.changed_stock_levels(),
}


@pytest.mark.parametrize("outcome", [*LOST_OUTCOMES, 200, 204, 404], ids=str)
@pytest.mark.parametrize("look_up", LOOK_UPS.values(), ids=LOOK_UPS)
def test_a_failed_look_up_never_means_that_nothing_exists(
    name: str, look_up: Callable[[Provider], Any], outcome: Exception | int
) -> None:
    silent = outcome == 200 and ACCOUNTS[name].empty_login_means_refused
    with over(name, outcome) as provider, pytest.raises(CredentialsError if silent else TransientError):
        look_up(provider)


@pytest.mark.parametrize("scene", ["another-service"])
def test_another_service_at_that_address_never_means_that_no_article_exists(
    account: ProviderAccount, scene: str
) -> None:
    provider = account.provider(scene)
    for look_up in LOOK_UPS.values():
        with pytest.raises(TransientError):
            look_up(provider)


def test_too_many_calls_are_throttled(name: str, tmp_path: Path) -> None:
    with over(name, 429, {"Retry-After": "120"}) as provider:
        for verb in (*LOOK_UPS.values(), lambda provider: provider.create_article(NEW)):
            with pytest.raises(ThrottledError) as raised:
                verb(provider)
            assert raised.value.retry_after == 120


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_caller_blames_the_credentials(name: str, status: int) -> None:
    with over(name, status) as provider:
        for verb in (*LOOK_UPS.values(), lambda provider: provider.create_article(NEW)):
            with pytest.raises(CredentialsError):
                verb(provider)
