"""The document options: shown when the provider has them, refused when the account can't have them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from dev.factories import make_account, make_document
from shopapp.connections import api_usage
from shopapp.fiscal.party import Address
from shopapp.models import Account, ApiUsage, FollowUp, db, now
from shopapp.platforms import PLATFORMS
from shopapp.platforms.base import StoreInfo
from shopapp.providers import PROVIDERS
from shopapp.providers.base import Capabilities, Choices, Series, SupportsEmail
from tests.security.conftest import StoreSession
from tests.unit.web.conftest import FakeIgestDocuments, page_text
from tests.unit.web.setup.test_keys import chosen


class Rich(FakeIgestDocuments, SupportsEmail):
    """A provider with every option."""

    label = "PHC GO"
    capabilities = Capabilities(
        drafts_before_payment=True, order_notes=True, order_note_drafts=True, transport=True, metered=True,
        credit_notes=True,
    )  # fmt: skip
    lists = Choices(
        ("FT", "FR", "FS", "NC", "ND", "GT", "PF", "NE"),
        (
            Series("12", "FR", label="Fatura-recibo loja", drafts=True), Series("14", "FR", label="Loja antiga"),
            Series("13", "FT", label="Fatura"), Series("16", "NC", label="Nota de crédito"),
            Series("17", "ND"), Series("21", "GT", label="Guia de transporte"), Series("22", "PF"),
            Series("3", "NE", label="Encomenda de cliente", drafts=True), Series("4", "NE", label="Encomenda balcão"),
        ),
        (), (), (),
    )  # fmt: skip

    def choices(self) -> Choices:
        self._http.before_call()
        return type(self).lists

    def email(self, provider_id: str, to: str) -> None:
        raise AssertionError("nothing is mailed here")


CHOSEN = {
    "series_FR": "12", "series_FT": "13", "series_NC": "16", "exemption": "", "warehouse": "", "drafts": "yes",
    "notes": "yes", "note_drafts": "yes", "series_NE": "3", "transport": "yes", "guide": "yes", "series_GT": "21",
    "loading_street": "Rua da Olaria 7", "loading_postal_code": "2900-100", "loading_city": "Setúbal",
    "leaves_at": "17:30", "allowance": "2 000",
}  # fmt: skip


def all_of_it(**changes: str) -> dict[str, str]:
    """Return a form in which everything is chosen."""
    return chosen(**{**CHOSEN, **changes})


@pytest.fixture
def rich(new: StoreSession, monkeypatch: pytest.MonkeyPatch) -> Iterator[StoreSession]:
    """Return a store with that provider, its settings not chosen yet."""
    monkeypatch.setitem(PROVIDERS, "igest", Rich)
    account = make_account(new.store, choices={})
    account.settings = {}
    db.session.commit()
    monkeypatch.setattr(PLATFORMS["jumpseller"], "store_info", _store_info)
    yield new


def _store_info(self: Any) -> StoreInfo:
    at = Address("Rua da Loja 5", "2900-001", "Setúbal", "PT")
    return StoreInfo("olaria", "Olaria", "EUR", "PT", "Europe/Lisbon", "pt", "", "", at)


def account_of(shop: StoreSession) -> Account:
    db.session.rollback()
    db.session.expire_all()
    found = Account.find_current(shop.store)
    assert found is not None
    return found


def test_the_form_shows_the_providers_options_and_the_shops_address(rich: StoreSession) -> None:
    page = rich.client.get("/setup/choices").get_data(as_text=True)
    for name in ("drafts", "notes", "note_drafts", "transport", "guide", "email_buyer"):
        assert f'name="{name}"' in page
    for name in ("series_NE", "series_GT", "loading_street", "leaves_at", "allowance"):
        assert f'id="f-{name}"' in page
    assert "12: Fatura-recibo loja" in page and 'value="Rua da Loja 5"' in page
    assert "Não serve de fatura" in page and "series_PF" not in page and "series_ND" not in page


def test_a_provider_without_these_options_shows_none(new: StoreSession) -> None:
    make_account(new.store)
    page = new.client.get("/setup/choices").get_data(as_text=True)
    assert 'name="drafts"' not in page and "Antes do pagamento" not in page and "Transporte" not in page
    assert 'name="allowance"' not in page


def test_options_are_stored_and_webhooks_of_unpaid_orders_subscribed(rich: StoreSession) -> None:
    rich.store.hooks_checked_at = now()
    db.session.commit()
    assert rich.post("/setup/choices", all_of_it()).status_code == 303
    kept = account_of(rich).settings
    assert {
        name: kept[name] for name in ("drafts", "notes", "note_drafts", "transport", "guide")
    } == dict.fromkeys(("drafts", "notes", "note_drafts", "transport", "guide"), True)
    assert kept["loading"] == {"street": "Rua da Olaria 7", "postal_code": "2900-100", "city": "Setúbal"}
    assert (kept["leaves_at"], kept["allowance"], kept["series"]["NE"]) == ("17:30", "2000", "3")
    db.session.refresh(rich.store)
    assert rich.store.hooks_checked_at is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"series_FR": "14"}, "drafts"), ({"series_NE": ""}, "series_NE"), ({"series_NE": "4"}, "note_drafts"),
        ({"series_GT": ""}, "series_GT"), ({"loading_city": ""}, "loading_city"), ({"leaves_at": "25:00"}, "leaves_at"),
        ({"allowance": "muitos"}, "allowance"), ({"allowance": "-5"}, "allowance"),
    ],
)  # fmt: skip
def test_an_invalid_option_is_refused_and_nothing_typed_is_lost(
    rich: StoreSession, changes: dict[str, str], field: str
) -> None:
    answer = rich.post("/setup/choices", all_of_it(**changes))
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and f'href="#f-{field}"' in page and f'id="f-{field}-e"' in page
    assert f'id="f-{field}"' in page, "the list of what is wrong leads to its field"
    assert 'value="Rua da Olaria 7"' in page and f'id="f-{field}' in page
    for name in ("drafts", "notes", "note_drafts", "transport", "guide"):
        assert f'id="f-{name}-yes" value="yes" checked' in page
    assert account_of(rich).settings == {}


def test_missing_dossiers_and_drafts_are_explained_on_the_form(
    rich: StoreSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    poor = replace(
        Rich.lists,
        kinds=("FR",),
        series=(Series("14", "FR"),),
        problems=("no-notes", "no-drafts", "no-layout"),
    )
    monkeypatch.setattr(Rich, "lists", poor)
    text = page_text(rich.client.get("/setup/choices"))
    assert "Nenhuma das suas séries de faturação permite rascunhos" in text
    assert "pode não incluir dossiers internos" in text
    assert "não tem um modelo de impressão" in text
    assert "nenhuma série de guias de transporte aberta" in text
    tried = all_of_it(series_FR="14", email_buyer="yes")
    answer = rich.post("/setup/choices", tried)
    assert answer.status_code == 422 and 'href="#f-email_buyer"' in answer.get_data(as_text=True)
    assert rich.post("/setup/choices", {**tried, "email_buyer": ""}).status_code == 303
    kept = account_of(rich).settings
    assert not any(kept[name] for name in ("drafts", "notes", "note_drafts", "guide"))


def test_changed_settings_refresh_the_drafts_of_waiting_orders(rich: StoreSession) -> None:
    waiting = make_document(rich.store, "waiting", "1001", reason="unpaid")
    rich.post("/setup/choices", all_of_it())
    owed = db.session.scalars(db.select(FollowUp).where(FollowUp.document_id == waiting.id)).all()
    assert [one.kind for one in owed] == ["draft"]


def test_the_form_shows_this_months_calls_beside_the_allowance(noon: None, rich: StoreSession) -> None:
    ApiUsage.add(account_of(rich).id, api_usage.current_month(), 1234)
    db.session.commit()
    assert "Este mês fizemos 1234 pedidos." in page_text(rich.client.get("/setup/choices"))


def test_home_warns_before_the_calls_of_the_plan_are_used_up(noon: None, shop: StoreSession) -> None:
    account = account_of(shop)
    account.settings = {**account.settings, "allowance": "100"}
    ApiUsage.add(account.id, api_usage.current_month(), 79)
    db.session.commit()
    assert "do seu plano" not in page_text(shop.client.get("/"))
    ApiUsage.add(account.id, api_usage.current_month(), 1)
    db.session.commit()
    assert "Este mês fizemos 80 dos 100 pedidos ao iGEST do seu plano." in page_text(shop.client.get("/"))


def test_the_page_of_a_waiting_order_mentions_its_draft(shop: StoreSession) -> None:
    waiting = make_document(shop.store, "waiting", "1001", reason="unpaid")
    page = f"/documents/{waiting.id}"
    assert "Há um rascunho" not in page_text(shop.client.get(page))
    waiting.draft_id = "d-1"
    db.session.commit()
    assert "Há um rascunho no iGEST: muda com a encomenda" in page_text(shop.client.get(page))


def test_the_page_of_a_document_shows_its_state_at_the_provider(shop: StoreSession) -> None:
    issued = make_document(shop.store, "issued", "1001")
    issued.provider_state = "annulled"
    db.session.commit()
    assert "No iGEST: anulado" in page_text(shop.client.get(f"/documents/{issued.id}"))


def test_disconnecting_the_provider_refreshes_waiting_drafts(shop: StoreSession) -> None:
    waiting = make_document(shop.store, "waiting", "1001", reason="unpaid")
    waiting.draft_id, waiting.draft_account_id = "d-1", account_of(shop).id
    db.session.commit()
    shop.post("/setup/disconnect", {"sure": "yes"})
    owed = db.session.scalars(db.select(FollowUp).where(FollowUp.document_id == waiting.id)).all()
    assert [one.kind for one in owed] == ["draft"]
