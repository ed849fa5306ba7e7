"""Set-up: credentials, settings, the setup check, and disconnecting."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

from dev.factories import make_account, make_document, make_store
from shopapp.errors import CredentialsError, UnreachableError
from shopapp.models import Account, now, set_clock
from shopapp.models.account_settings import AccountSettings
from shopapp.models.provider_lists import ListedSeries, ProviderLists
from shopapp.platforms.base import ShopTax
from shopapp.providers.base import CredentialField
from shopapp.web.setup.check import check_series, check_tax_rates
from tests.fakes import PROVIDER_STATE
from tests.security.conftest import StoreSession, csrf_token_of, log_in
from tests.unit.web.conftest import FakeIgest, page_text, reload

GOOD = {"key": "a" * 36 + "7c41", "code": "b" * 36 + "9d52", "nif": "509 999 990", "entity": "4711"}
CHOSEN = {
    "kind": "FR", "series_FR": "2026FR", "series_FT": "2026FT", "series_NC": "2026NC", "exemption": "M07",
    "warehouse": "EST", "ship_from": "PT", "regime": "normal", "gift_cards": "", "automatic": "yes", "retailer": "yes",
    "alert": "yes", "alert_email": "geral@olaria.example", "moves_stock": "yes",
}  # fmt: skip


def chosen(**changes: Any) -> dict[str, Any]:
    today = now().astimezone(ZoneInfo("Europe/Lisbon")).date().isoformat()
    return {name: value for name, value in {**CHOSEN, "starts_on": today, **changes}.items() if value != "-"}


def the_account(new: StoreSession) -> Account | None:
    return Account.find_current(new.store)


@contextmanager
def logged_in_at(instant: datetime, shop: StoreSession) -> Iterator[StoreSession]:
    """Stop the clock at this instant, and log a browser in."""
    set_clock(lambda: instant)
    try:
        client = log_in(shop.client.application, shop.store)
        yield StoreSession(shop.store, {}, client, csrf_token_of(client))
    finally:
        set_clock(None)


def test_a_new_store_is_led_from_step_to_step(new: StoreSession) -> None:
    for path, expected in (("/", "/setup/resume"), ("/setup/resume", "/setup"), ("/setup/choices", "/setup")):
        assert new.client.get(path).headers["Location"] == expected
    assert "Que programa de faturação usa?" in page_text(new.client.get("/setup"))
    assert new.client.get("/setup/keys?provider=igest").headers["Location"] == "/setup/keys/igest"
    assert new.client.get("/setup/keys?provider=other").status_code == 404


def test_accepted_keys_are_encrypted_and_lead_to_the_settings(new: StoreSession, db: SQLAlchemy) -> None:
    answer = new.post("/setup/keys/igest", GOOD)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/setup/choices")
    account = the_account(new)
    assert account is not None
    assert account.credentials == {**GOOD, "nif": "509999990"}
    assert GOOD["key"].encode() not in (account.credentials_sealed or b"")
    assert account.tails["key"][0] == "7c41" and account.tails.keys() == {"key", "code"}
    assert (account.label, account.fingerprint) == ("Olaria do Sado, Lda.", "entity 4711")
    assert new.client.get("/").headers["Location"] == "/setup/resume"
    assert new.client.get("/setup/resume").headers["Location"] == "/setup/choices"


def test_refused_keys_mark_the_field_quote_the_provider_and_store_nothing(
    new: StoreSession, db: SQLAlchemy
) -> None:
    PROVIDER_STATE.check_errors = [
        CredentialsError("keys-refused", field="code", kind="wrong-code", answer="Código errado <b>")
    ]
    answer = new.post("/setup/keys/igest", GOOD)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "O código de segurança não corresponde" in page and 'href="#f-code"' in page
    assert "«Código errado &lt;b&gt;»" in page and "apoio@igest.pt" in page
    assert 'id="f-code-e"' in page and 'aria-invalid="true"' in page
    assert GOOD["key"] not in page and "509999990" in page
    assert the_account(new) is None


def test_an_unreachable_provider_is_not_a_refusal(new: StoreSession) -> None:
    PROVIDER_STATE.check_errors = [UnreachableError("unreachable")]
    answer = new.post("/setup/keys/igest", GOOD)
    assert answer.status_code == 503 and "não as guardámos" in page_text(answer)
    assert the_account(new) is None


def test_wrong_keys_are_tried_three_times_in_ten_minutes_and_no_more(new: StoreSession) -> None:
    PROVIDER_STATE.check_errors = [CredentialsError("keys-refused", field="code", answer="")] * 3
    for _ in range(3):
        assert new.post("/setup/keys/igest", GOOD).status_code == 422
    tried = len(FakeIgest.tried_credentials)
    answer = new.post("/setup/keys/igest", GOOD)
    assert answer.status_code == 429 and len(FakeIgest.tried_credentials) == tried
    assert "espere 10 minutos" in page_text(answer) and "Nada se perdeu" in page_text(answer)
    assert "509999990" in answer.get_data(as_text=True)
    instant = now()
    set_clock(lambda: instant + timedelta(minutes=10, seconds=1))
    assert new.post("/setup/keys/igest", GOOD).status_code == 303


def test_attempts_are_counted_for_each_store_alone(app: Flask, new: StoreSession) -> None:
    PROVIDER_STATE.check_errors = [CredentialsError("keys-refused", field="code", answer="")] * 3
    for _ in range(4):
        answer = new.post("/setup/keys/igest", GOOD)
    assert answer.status_code == 429
    store = make_store("quintadaserra", ready=False)
    client = log_in(app, store)
    other = StoreSession(store, {}, client, csrf_token_of(client, "/setup/keys/igest"))
    assert other.post("/setup/keys/igest", GOOD).status_code == 303


def test_accepted_keys_and_an_unreachable_provider_use_up_no_attempt(new: StoreSession) -> None:
    for _ in range(5):
        PROVIDER_STATE.check_errors = [UnreachableError("unreachable")]
        assert new.post("/setup/keys/igest", GOOD).status_code == 503
    PROVIDER_STATE.check_errors = [CredentialsError("keys-refused", field="code", answer="")] * 2
    for expected in (422, 422, 303, 303):
        assert new.post("/setup/keys/igest", GOOD).status_code == expected


def test_of_a_password_nothing_is_shown(
    new: StoreSession, db: SQLAlchemy, monkeypatch: pytest.MonkeyPatch
) -> None:
    password = CredentialField("password", "Password", "", secret=True)
    monkeypatch.setattr(FakeIgest, "credential_fields", (*FakeIgest.credential_fields, password))
    assert new.post("/setup/keys/igest", {**GOOD, "password": "olaria1234"}).status_code == 303
    account = the_account(new)
    assert account is not None and account.tails["password"][0] == ""
    page = new.client.get("/setup/keys/igest").get_data(as_text=True)
    assert page.count("termina em") == 2 and "1234" not in page and page.count("Guardado em") == 3


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("key", "", "Falta preencher"), ("key", "xyz", "São 40 letras e algarismos"), ("nif", "12", "São 9 algarismos"),
        ("entity", "abc", "Só algarismos"), ("code", "g" * 40, "São 40 letras"),
    ],
)  # fmt: skip
def test_an_invalid_value_is_never_sent(new: StoreSession, field: str, value: str, sentence: str) -> None:
    answer = new.post("/setup/keys/igest", {**GOOD, field: value})
    assert answer.status_code == 422 and sentence in page_text(answer)
    assert not FakeIgest.tried_credentials


def test_a_blank_secret_keeps_the_stored_one(shop: StoreSession, db: SQLAlchemy) -> None:
    kept = the_account(shop)
    assert kept is not None
    # The fingerprint of the entity posted below; the keys of another entity would create a new account.
    kept.fingerprint = "entity 4711"
    page = shop.client.get("/setup/keys/igest").get_data(as_text=True)
    assert "termina em 7c41" in page and "Guardado em 20/11/2026" in page
    before = dict(kept.credentials)
    # 00:30 of the 2nd in Lisbon
    with logged_in_at(datetime(2030, 7, 1, 23, 30, tzinfo=UTC), shop) as then:
        answer = then.post("/setup/keys/igest", {**before, "key": "", "code": "c" * 40})
    assert answer.status_code == 303
    account = the_account(shop)
    assert account is not None and account.id == kept.id
    assert reload(db, account).credentials == {**before, "code": "c" * 40}
    assert account.tails == {"key": ["7c41", "2026-11-20"], "code": ["cccc", "2030-07-02"]}


def test_another_entity_is_another_account_and_the_old_one_is_closed(
    shop: StoreSession, db: SQLAlchemy
) -> None:
    old = the_account(shop)
    assert old is not None
    shop.post("/setup/keys/igest", {**GOOD, "entity": "99"})
    present = the_account(shop)
    assert present is not None and present.id != old.id and present.settings == {}
    assert reload(db, old).active_until is not None


def test_accepted_keys_release_the_documents_that_waited_for_them(shop: StoreSession, db: SQLAlchemy) -> None:
    account = the_account(shop)
    assert account is not None
    stopped = make_document(shop.store, "blocked", reason="keys-refused")
    other = make_document(shop.store, "blocked")
    account.fingerprint, account.refused_at, account.refused_code = "entity 4711", now(), "keys-refused"
    db.session.commit()
    assert "A emissão está parada" in page_text(shop.client.get("/"))
    shop.post("/setup/keys/igest", GOOD)
    assert reload(db, stopped).state == "pending" and reload(db, other).state == "blocked"
    assert reload(db, account).refused_at is None


# Settings


def test_the_form_shows_what_the_account_has(new: StoreSession) -> None:
    new.post("/setup/keys/igest", GOOD)
    page = new.client.get("/setup/choices").get_data(as_text=True)
    assert '<option value="2026FR" selected>' in page and "2025FR" not in page
    assert "M07: Isento artigo 9.º do CIVA" in page and "Nenhum: bloquear e perguntar" in page
    assert '<option value="SET" selected>' in page
    assert "Fatura simplificada" not in page.split("Impostos")[0]


def test_an_entity_without_warehouses_is_not_asked_for_one(
    new: StoreSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    monkeypatch.setattr(FakeIgest, "lists", replace(FakeIgest.lists, warehouses=()))
    new.post("/setup/keys/igest", GOOD)
    assert "Armazém" not in page_text(new.client.get("/setup/choices"))


def test_settings_are_stored_in_the_terms_of_the_fiscal_core(new: StoreSession, db: SQLAlchemy) -> None:
    new.post("/setup/keys/igest", GOOD)
    answer = new.post("/setup/choices", chosen(email_buyer="yes"))
    assert (answer.status_code, answer.headers["Location"]) == (303, "/setup/check")
    account = the_account(new)
    assert account is not None
    settings = account.fiscal_settings("rate_group")
    assert (settings.kind, settings.series["FR"], settings.exemption) == ("FR", "2026FR", "M07")
    assert (settings.warehouse, settings.moves_stock, settings.retailer) == ("EST", True, True)
    assert account.settings["automatic"] is True and account.settings["email_buyer"] is True
    assert account.settings["oss_registered"] is False
    assert abs((reload(db, new.store).ready_at - now()).total_seconds()) < 60


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"kind": "XX"}, "kind"), ({"kind": "FS"}, "kind"), ({"kind": "-"}, "kind"), ({"series_FR": ""}, "series_FR"),
        ({"series_FR": "2025FR"}, "series_FR"), ({"series_FR": "2026FT"}, "series_FR"),
        ({"exemption": "M05"}, "exemption"),
        ({"warehouse": "XXX"}, "warehouse"), ({"ship_from": "ES"}, "ship_from"), ({"regime": "none"}, "regime"),
        ({"gift_cards": "yes"}, "gift_cards"), ({"starts_on": "2020-01-01"}, "starts_on"),
        ({"starts_on": "x"}, "starts_on"),
        ({"alert_email": "nobody"}, "alert_email"), ({"alert_email": "a@b"}, "alert_email"),
        ({"alert_email": "a@b.pt\r\nBcc: c@d.pt"}, "alert_email"),
    ],
)  # fmt: skip
def test_an_invalid_setting_is_refused_and_nothing_typed_is_lost(
    new: StoreSession, db: SQLAlchemy, changes: dict[str, str], field: str
) -> None:
    new.post("/setup/keys/igest", GOOD)
    answer = new.post("/setup/choices", chosen(**{"gift_cards": "multi-purpose", **changes}))
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert f'id="f-{field}-e"' in page or f'href="#f-{field}"' in page
    assert "gift_cards" in changes or 'value="multi-purpose" checked' in page
    account = the_account(new)
    assert account is not None and account.settings == {} and reload(db, new.store).ready_at is None


def test_a_later_start_begins_at_midnight_where_the_store_is(new: StoreSession, db: SQLAlchemy) -> None:
    new.post("/setup/keys/igest", GOOD)
    day = now().astimezone(ZoneInfo("Atlantic/Azores")).date() + timedelta(days=30)
    new.post("/setup/choices", chosen(starts_on=day.isoformat(), ship_from="PT-AC"))
    began = reload(db, new.store).ready_at.astimezone(ZoneInfo("Atlantic/Azores"))
    assert (began.date(), began.hour, began.minute) == (day, 0, 0)


def test_today_as_the_page_shows_it_begins_now_although_it_is_yesterday_in_the_azores(
    new: StoreSession, db: SQLAlchemy
) -> None:
    new.post("/setup/keys/igest", GOOD)
    after_midnight = datetime(2026, 12, 1, 0, 30, tzinfo=UTC)
    with logged_in_at(after_midnight, new) as merchant:
        merchant.post("/setup/choices", chosen(starts_on="2026-12-01", ship_from="PT-AC"))
    assert reload(db, new.store).ready_at == after_midnight


def test_saving_again_moves_the_start_only_when_the_date_was_changed(
    new: StoreSession, db: SQLAlchemy
) -> None:
    new.post("/setup/keys/igest", GOOD)
    new.post("/setup/choices", chosen())
    first, typed = reload(db, new.store).ready_at, chosen()["starts_on"]
    with logged_in_at(now() + timedelta(days=3), new) as later:
        assert later.post("/setup/choices", chosen(starts_on=typed, exemption="")).status_code == 303
    assert reload(db, new.store).ready_at == first


def test_a_choice_releases_the_documents_that_waited_for_it(shop: StoreSession, db: SQLAlchemy) -> None:
    stopped = make_document(shop.store, "blocked", reason="exemption-missing", detail={"line": "x"})
    other = make_document(shop.store, "blocked")
    assert shop.post("/setup/choices", chosen()).status_code == 303
    assert reload(db, stopped).state == "pending" and reload(db, other).state == "blocked"


def test_while_the_provider_is_down_the_last_known_lists_are_shown(
    shop: StoreSession, db: SQLAlchemy
) -> None:
    account = the_account(shop)
    assert account is not None
    account.choices = {**account.choices, "at": (now() - timedelta(hours=2)).isoformat()}
    db.session.commit()
    PROVIDER_STATE.check_errors = [UnreachableError("unreachable")]
    page = page_text(shop.client.get("/setup/choices"))
    assert (
        "Não conseguimos falar com a loja ou com o iGEST." in page
        and "Mostramos as listas lidas" in page
        and "2026FR" in page
    )


def test_where_the_provider_lists_no_series_they_are_typed(
    new: StoreSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    monkeypatch.setattr(FakeIgest, "lists", replace(FakeIgest.lists, series=()))
    new.post("/setup/keys/igest", GOOD)
    assert '<input class="in in-short" id="f-series_FR"' in new.client.get("/setup/choices").get_data(
        as_text=True
    )
    assert new.post("/setup/choices", chosen(series_FR="MINHA")).status_code == 303
    account = the_account(new)
    assert account is not None and account.settings["series"]["FR"] == "MINHA"


# Disconnecting


def test_disconnecting_takes_two_steps_and_closes_the_account(shop: StoreSession, db: SQLAlchemy) -> None:
    account = the_account(shop)
    assert shop.post("/setup/disconnect").status_code == 303
    assert the_account(shop) is not None
    shop.post("/setup/disconnect", {"sure": "yes"})
    assert the_account(shop) is None
    assert reload(db, account).credentials is not None
    assert shop.client.get("/").headers["Location"] == "/setup/resume"


def test_two_stores_never_share_an_account(shop: StoreSession, db: SQLAlchemy) -> None:
    other = make_store("quinta")
    theirs = make_account(other, fingerprint="entity 4711")
    shop.post("/setup/keys/igest", GOOD)
    mine = the_account(shop)
    assert mine is not None and mine.id != theirs.id
    assert reload(db, theirs).active_until is None


# The setup check

TODAY = datetime(2026, 11, 20, tzinfo=UTC).date()


def tax(rate: str, country: str = "PT", **more: Any) -> ShopTax:
    return ShopTax(f"IVA {rate}%", Decimal(rate), more.get("fixed", False), country, "", False)


def found(shop: list[ShopTax] | None, account: list[str]) -> list[tuple[str, str]]:
    return [
        (one.severity, one.code) for one in check_tax_rates(shop, [Decimal(rate) for rate in account], TODAY)
    ]


@pytest.mark.parametrize(
    ("shop", "account", "expected"),
    [
        (["23", "13", "6"], ["23", "13", "6"], [("ok", "rates-agree")]),
        (["23", "21"], ["23"], [("stop", "rate-nowhere"), ("ok", "rates-agree")]),
        (["22"], ["23", "13", "6"], [("warn", "rate-not-in-account")]),
        (["23"], [], [("ok", "rates-agree")]),
        ([], ["23"], [("warn", "taxes-none")]),
        (None, ["23"], []),
        (["0"], ["23"], []),
    ],
)
def test_the_check_names_the_rates_that_will_fail(
    shop: list[str] | None, account: list[str], expected: Any
) -> None:
    assert found(None if shop is None else [tax(rate) for rate in shop], account) == expected


def test_a_fixed_tax_will_fail_and_a_foreign_rate_is_not_judged() -> None:
    assert found([tax("2", fixed=True)], ["23"]) == [("stop", "tax-fixed")]
    assert found([tax("21", "ES")], ["23"]) == []


def test_the_check_sees_a_series_that_was_closed() -> None:
    lists = ProviderLists(series=(ListedSeries("A", "FR"), ListedSeries("B", "FT", open=False)))
    settings = AccountSettings(series={"FR": "A", "FT": "B", "NC": "C"})
    codes = [one.code for one in check_series(settings, lists)]
    assert codes == ["series-open", "series-closed", "series-closed"]
    unlisted = check_series(AccountSettings(series={"FR": "A"}), ProviderLists())
    assert [one.code for one in unlisted] == ["series-unlisted"]
