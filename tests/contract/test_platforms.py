"""One suite for all shop platforms: the behaviour required of each, live against its stand-in.

A few tests also run on a cassette (`also_replayed`).
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from shopapp.errors import (
    AppError,
    CredentialsError,
    OrderError,
    RefusedError,
    ThrottledError,
    TransientError,
    UncertainError,
    UnreachableError,
)
from shopapp.platforms import PLATFORMS
from shopapp.platforms.base import (
    Attachment,
    CatalogueItem,
    Platform,
    SupportsOrderDocuments,
    SupportsOrderHistory,
    SupportsProducts,
    SupportsProductStock,
    SupportsTransportCode,
    SupportsWebhookSecret,
    UnreadableWebhook,
)
from shopapp.platforms.oauth import SupportsOAuth
from tests.contract.broken_transport import LOST_OUTCOMES, break_session
from tests.contract.cassette import also_replayed
from tests.contract.platform_shop import REDIRECT, PlatformShop
from tests.contract.shops import SHOPS

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
WEBHOOK_URL = "https://app.test/hooks/a-platform/unguessable"


READS: dict[str, Callable[[Platform], Any]] = {
    "store_info": lambda platform: platform.store_info(),
    "webhook_secret": lambda platform: platform.webhook_secret(),
    "order": lambda platform: platform.read_order("1001"),
    "paid_orders": lambda platform: list(platform.paid_orders(LONG_AGO)),
    "unpaid_orders": lambda platform: list(platform.unpaid_orders(LONG_AGO)),
    "order_summary": lambda platform: platform.order_summary("1001"),
    "taxes": lambda platform: platform.taxes(),
    "attach": lambda platform: platform.attach_document("1001", attachment()),
    "note": lambda platform: platform.add_history_entry("1001", "x"),
    "subscribe": lambda platform: platform.subscribe_webhooks(WEBHOOK_URL, ("order_paid",)),
    "catalogue": lambda platform: platform.catalogue_page(),
    "items_of_product": lambda platform: platform.items_of_product("30416000"),
    "locations": lambda platform: platform.locations(),
    "stock_by_location": lambda platform: platform.stock_by_location([("30416000", "")], ["314011"]),
    "set_stock_at_location": lambda platform: platform.set_stock("30416000", "", 3, "314011"),
}
CONTRACTS: dict[str, type[Platform]] = {
    "webhook_secret": SupportsWebhookSecret,
    "attach": SupportsOrderDocuments,
    "note": SupportsOrderHistory,
    "catalogue": SupportsProducts,
    "items_of_product": SupportsProducts,
    "locations": SupportsProductStock,
    "stock_by_location": SupportsProductStock,
    "set_stock_at_location": SupportsProductStock,
}
"""The contract of each method that not every platform has."""


def each_verb(*verbs: str) -> pytest.MarkDecorator:
    """Run the test for each platform and each of these methods that it has."""
    pairs = [
        (name, verb)
        for name, one in PLATFORMS.items()
        for verb in verbs
        if issubclass(one, CONTRACTS.get(verb, Platform)) and verb not in SHOPS[name].silent_verbs
    ]
    return pytest.mark.parametrize(("name", "verb"), pairs)


def only(contract: type[Platform], **declared: Any) -> pytest.MarkDecorator:
    """Run the test for the platforms that support the contract and declare these values."""
    names = [
        name
        for name, one in PLATFORMS.items()
        if issubclass(one, contract)
        and all(getattr(one, attribute) == value for attribute, value in declared.items())
    ]
    return pytest.mark.parametrize("name", names)


by_location = pytest.mark.parametrize("name", [name for name, one in SHOPS.items() if one.has_locations])
"""Run the test for the platforms that keep stock by location."""


@pytest.fixture(params=list(PLATFORMS))
def name(request: pytest.FixtureRequest) -> str:
    """Return the name of the platform under test."""
    return str(request.param)


@pytest.fixture
def shop(
    request: pytest.FixtureRequest, mode: str, name: str, caplog: pytest.LogCaptureFixture
) -> Iterator[PlatformShop]:
    """Yield a shop; afterwards check that no address and no log line contains a secret."""
    caplog.set_level(logging.DEBUG, logger="shopapp")
    found = SHOPS[name]()
    with found.opened(mode, request.node.originalname.removeprefix("test_")):
        yield found
        for secret in found.secrets():
            assert not any(secret in url for url in found.urls)
            assert secret not in caplog.text


@pytest.fixture
def unplugged(name: str) -> Iterator[Platform]:
    """Return the platform with a token, when nothing answers at its address."""
    found = SHOPS[name]()
    with found.opened("unplugged", ""):
        yield found.platform(lambda refused: "token")


def open_platform(shop: PlatformShop) -> Platform:
    """Open the platform with a valid token of the shop."""
    token = shop.token()
    return shop.platform(lambda refused: token)


def attachment(kind: Any = "FR", number: str = "FR 2026FR/12") -> Attachment:
    return Attachment(kind, f"QI-{number}", number, "https://app.test/d/0123456789abcdef")


def test_every_platform_has_a_shop_in_this_suite() -> None:
    assert set(SHOPS) == set(PLATFORMS)


# --- authorising ----------------------------------------------------------------------------------------


@only(SupportsOAuth)
def test_the_consent_address_has_state_and_challenge_and_no_secret(shop: PlatformShop) -> None:
    url = shop.platform().authorize_url("the-state", CHALLENGE)
    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert asked["response_type"] == "code"
    assert (asked["state"], asked["redirect_uri"]) == ("the-state", REDIRECT)
    assert (asked["code_challenge"], asked["code_challenge_method"]) == (CHALLENGE, "S256")
    assert asked["scope"]
    assert not any(secret in url for secret in shop.secrets())


@only(SupportsOAuth)
def test_a_code_is_exchanged_once(shop: PlatformShop) -> None:
    code = shop.consent_code(CHALLENGE)
    tokens = shop.platform().exchange(code, VERIFIER)
    assert tokens.access
    assert tokens.refresh
    assert tokens.expires_in == 3600
    with pytest.raises(CredentialsError):
        shop.platform().exchange(code, VERIFIER)


@only(SupportsOAuth)
def test_a_code_without_its_verifier_is_worth_nothing(shop: PlatformShop) -> None:
    code = shop.consent_code(CHALLENGE)
    with pytest.raises(CredentialsError):
        shop.platform().exchange(code, "w" * 43)


@only(SupportsOAuth)
@also_replayed
def test_a_refreshed_pair_replaces_the_old_one(shop: PlatformShop) -> None:
    first = shop.platform().exchange(shop.consent_code(CHALLENGE), VERIFIER)
    second = shop.platform().refresh(str(first.refresh))
    assert second.access != first.access
    assert shop.platform(lambda refused: second.access).store_info().code == shop.code
    with pytest.raises(CredentialsError) as raised:
        shop.platform().refresh(str(first.refresh))
    assert raised.value.code == "grant-refused"


def test_a_refused_token_is_asked_for_once_more_and_then_given_up(shop: PlatformShop) -> None:
    asked: list[str | None] = []

    def give(refused: str | None) -> str:
        asked.append(refused)
        return "no-good-token"

    with pytest.raises(CredentialsError) as raised:
        shop.platform(give).store_info()
    assert raised.value.code == "store-access"
    assert asked == [None, "no-good-token"]


def test_an_expired_token_is_replaced(shop: PlatformShop) -> None:
    old = shop.token()
    shop.arrange("expire")
    new = shop.token()
    given = itertools.chain([old], itertools.repeat(new))
    assert shop.platform(lambda refused: next(given)).store_info().code == shop.code


def test_a_platform_without_a_token_calls_nobody(shop: PlatformShop) -> None:
    with pytest.raises(CredentialsError):
        shop.platform().store_info()
    assert shop.urls == []


# --- the store ------------------------------------------------------------------------------------------


def test_the_token_says_whose_store_it_is(shop: PlatformShop) -> None:
    found = open_platform(shop).store_info()
    assert (found.code, found.currency, found.country) == (shop.code, "EUR", "PT")
    assert found.name
    assert "/" in found.timezone
    assert found.language == "pt"


@only(SupportsWebhookSecret)
def test_the_secret_that_signs_the_webhooks_is_told(shop: PlatformShop) -> None:
    platform = open_platform(shop)
    assert platform.webhook_secret()


def test_only_the_admin_of_a_store_may_frame_us_and_it_has_an_address_for_an_order(
    shop: PlatformShop,
) -> None:
    platform = shop.platform()
    origins = platform.admin_origins(shop.code)
    assert all(urlsplit(origin).scheme == "https" and "*" not in origin for origin in origins)
    address = platform.order_admin_url(shop.code, "1001")
    assert address.startswith(origins[0] if origins else "https://")
    assert "1001" in address and "*" not in address


def test_the_taxes_of_the_shop_are_read(shop: PlatformShop) -> None:
    found = open_platform(shop).taxes()
    assert (None if found is None else {tax.rate for tax in found}) == shop.tax_rates


def test_webhooks_are_subscribed_once_however_often_it_is_asked(shop: PlatformShop) -> None:
    platform = open_platform(shop)
    assert platform.subscribe_webhooks(WEBHOOK_URL, shop.events) == "missing"
    assert platform.subscribe_webhooks(WEBHOOK_URL, shop.events) == ""
    subscriptions = shop.webhooks()
    assert sorted(one["event"] for one in subscriptions) == sorted(shop.events)
    assert {one["url"] for one in subscriptions} == {WEBHOOK_URL}


def test_duplicate_or_lost_webhooks_are_repaired(shop: PlatformShop) -> None:
    platform = open_platform(shop)
    platform.subscribe_webhooks(WEBHOOK_URL, shop.events)
    shop.arrange("doubled-hooks")
    assert platform.subscribe_webhooks(WEBHOOK_URL, shop.events) == "doubled"
    shop.arrange("lost-hook")
    assert platform.subscribe_webhooks(WEBHOOK_URL, shop.events) == "missing"
    assert sorted(one["event"] for one in shop.webhooks()) == sorted(shop.events)


def test_a_webhook_that_points_to_us_but_not_to_this_store_is_foreign(shop: PlatformShop) -> None:
    platform = open_platform(shop)
    platform.subscribe_webhooks(WEBHOOK_URL + "-of-another", shop.events)
    assert platform.subscribe_webhooks(WEBHOOK_URL, shop.events) in ("foreign", "missing")
    assert platform.subscribe_webhooks(WEBHOOK_URL, shop.events) == ""
    assert {one["url"] for one in shop.webhooks()} == {WEBHOOK_URL}


def test_webhooks_are_recreated_on_request(shop: PlatformShop) -> None:
    platform = open_platform(shop)
    platform.subscribe_webhooks(WEBHOOK_URL, shop.events)
    before = shop.webhooks()
    assert platform.subscribe_webhooks(WEBHOOK_URL, shop.events, recreate=True) == ""
    after = shop.webhooks()
    assert len(after) == len(shop.events)
    assert not {one["id"] for one in after} & {one["id"] for one in before}


def test_webhooks_of_other_apps_are_left_alone(shop: PlatformShop) -> None:
    platform = open_platform(shop)
    platform.subscribe_webhooks("https://other.test/hooks", shop.events)
    platform.subscribe_webhooks(WEBHOOK_URL, shop.events)
    assert len(shop.webhooks()) == 2 * len(shop.events)


# --- orders ---------------------------------------------------------------------------------------------


@also_replayed
def test_a_paid_order_is_read_to_the_cent(shop: PlatformShop) -> None:
    number = shop.place_order(nif="299900010")
    order = open_platform(shop).read_order(number)
    assert (order.id, order.status, order.currency) == (number, "paid", "EUR")
    assert order.total == shop.order_total
    sold = [(line.sku, line.quantity, line.charged) for line in order.lines if line.kind == "goods"]
    assert sold == list(shop.order_lines)
    assert order.prices_include_tax
    assert order.buyer.tax_id == "299900010"
    assert order.created_at.tzinfo is not None
    assert order.paid_at is not None


def test_an_unpaid_order_is_not_called_paid(shop: PlatformShop) -> None:
    assert open_platform(shop).read_order(shop.place_order(pay=False)).status == "open"


def test_an_order_that_is_not_there_is_missing(shop: PlatformShop) -> None:
    with pytest.raises(OrderError) as raised:
        open_platform(shop).read_order("999")
    assert raised.value.code == "order-missing"


def test_paid_orders_come_newest_first_and_end_at_their_day(shop: PlatformShop) -> None:
    numbers = [shop.place_order(), shop.place_order(pay=False), shop.place_order()]
    platform = open_platform(shop)
    found = list(platform.paid_orders(LONG_AGO))
    assert [sale.order_id for sale in found] == [numbers[2], numbers[0]]
    assert {sale.status for sale in found} == {"paid"}
    assert found[0].total == shop.order_total
    assert list(platform.paid_orders(datetime(2100, 1, 1, tzinfo=UTC))) == []


def test_unpaid_orders_are_listed_newest_first(shop: PlatformShop) -> None:
    numbers = [shop.place_order(pay=False), shop.place_order(), shop.place_order(pay=False)]
    platform = open_platform(shop)
    found = list(platform.unpaid_orders(LONG_AGO))
    assert [(sale.order_id, sale.status) for sale in found] == [(numbers[2], "open"), (numbers[0], "open")]


def test_one_order_is_read_as_in_the_list(shop: PlatformShop) -> None:
    number = shop.place_order()
    platform = open_platform(shop)
    assert platform.order_summary(number) == next(platform.paid_orders(LONG_AGO))
    with pytest.raises(OrderError) as raised:
        platform.order_summary("999999999")
    assert raised.value.code == "order-missing"


@only(SupportsOrderDocuments, shows_every_document=True)
def test_a_document_is_shown_on_the_order_once(shop: PlatformShop) -> None:
    number = shop.place_order()
    platform = open_platform(shop)
    for _ in range(2):
        platform.attach_document(number, attachment())
    platform.attach_document(number, attachment("NC", "NC 2026NC/1"))
    documents = shop.stored_order(number)["documents"]
    assert [one["external_id"] for one in documents] == ["QI-FR 2026FR/12", "QI-NC 2026NC/1"]
    assert [one["document_type"] for one in documents] == [1, 0]
    assert {one["url"] for one in documents} == {attachment().url}


@only(SupportsOrderDocuments, shows_every_document=False)
@also_replayed
def test_the_present_invoice_is_shown_on_the_order_in_place_of_a_former_one(shop: PlatformShop) -> None:
    number = shop.place_order()
    platform = open_platform(shop)
    for _ in range(2):
        platform.attach_document(number, attachment())
    assert platform.read_order(number).shown_invoice == attachment().url
    reissued = replace(attachment(number="FR 2026FR/13"), url="https://app.test/d/another")
    platform.attach_document(number, reissued)
    assert platform.read_order(number).shown_invoice == reissued.url


@only(SupportsOrderDocuments, stores_files=True)
def test_the_file_of_a_document_is_stored_once(shop: PlatformShop) -> None:
    number = shop.place_order()
    platform = open_platform(shop)
    for _ in range(2):
        platform.attach_document(number, replace(attachment(), pdf=b"%PDF-1.4 one page"))
    assert platform.read_order(number).shown_invoice not in ("", attachment().url)
    assert sum(exchange.method == "PUT" for exchange in shop.exchanges) == 1


@only(SupportsOrderHistory)
def test_a_history_entry_is_added_once(shop: PlatformShop) -> None:
    number = shop.place_order()
    platform = open_platform(shop)
    for _ in range(2):
        platform.add_history_entry(number, "Fatura-recibo FR 2026FR/12 emitida: ação <&> 😀")
    assert shop.history(number).count("Fatura-recibo FR 2026FR/12 emitida: ação <&> 😀") == 1


@only(SupportsTransportCode)
def test_the_code_of_a_transport_document_is_written_on_the_order(shop: PlatformShop) -> None:
    number = shop.place_order()
    platform = open_platform(shop)
    for code in ("AT0001", "AT0002", "AT0002"):
        platform.set_transport_code(number, code)
    assert shop.stored_order(number)["at_code"] == "AT0002"


@each_verb("attach", "note")
def test_writing_on_an_order_that_is_gone_raises_order_missing(shop: PlatformShop, verb: str) -> None:
    platform = open_platform(shop)
    with pytest.raises(OrderError) as raised:
        _show(platform, verb, "999")
    assert raised.value.code == "order-missing"


def _show(platform: Platform, verb: str, number: str) -> None:
    if verb == "attach":
        platform.attach_document(number, attachment())
    else:
        platform.add_history_entry(number, "FR 2026FR/12")


# --- products and stock ---------------------------------------------------------------------------------


def whole_catalogue(platform: Platform) -> list[CatalogueItem]:
    """Read the whole catalogue of the shop."""
    found: list[CatalogueItem] = []
    after = ""
    while True:
        page = platform.catalogue_page(after)
        found += page.items
        after = page.after
        if not after:
            return found


def item_of(platform: Platform, sku: str) -> CatalogueItem:
    (found,) = [one for one in whole_catalogue(platform) if one.sku == sku]
    return found


@only(SupportsProducts)
@also_replayed
def test_items_are_products_without_variants_and_each_variant(shop: PlatformShop) -> None:
    found = {one.sku: one for one in whole_catalogue(open_platform(shop))}
    tile, other = (found[sku] for sku in shop.tiles)
    assert {sku: one.stock for sku, one in found.items() if one.kind == "goods"} == shop.levels
    assert {sku: one.kind for sku, one in found.items() if one.kind != "goods"} == shop.unlimited
    assert all(found[sku].stock is None for sku in shop.unlimited)
    assert tile.name == shop.tile_name
    assert tile.product_id == other.product_id
    assert found[shop.cup].variant_id == ""
    assert tile.variant_id not in ("", other.variant_id)
    assert all(one.active for one in found.values())


@only(SupportsProducts)
def test_a_sku_has_no_blanks_around_it_and_may_be_missing_or_doubled(shop: PlatformShop) -> None:
    first, second = [sku for sku in shop.levels if sku not in (shop.cup, *shop.tiles)][:2]
    shop.edit_product(first, sku=f"  {shop.cup}\t ")
    shop.edit_product(second, sku=None)
    skus = [one.sku for one in whole_catalogue(open_platform(shop))]
    assert skus.count(shop.cup) == 2
    assert skus.count("") == 1


@only(SupportsProducts)
def test_one_product_is_read_as_it_is_now_and_none_when_it_is_gone(shop: PlatformShop) -> None:
    platform = open_platform(shop)
    cup, tile = item_of(platform, shop.cup), item_of(platform, shop.tiles[0])
    shop.edit_product(shop.cup, name="Taça de grés", stock=5, status="disabled")
    (found,) = platform.items_of_product(cup.product_id)
    assert (found.name, found.sku, found.stock, found.active) == ("Taça de grés", shop.cup, 5, False)
    assert [one.sku for one in platform.items_of_product(tile.product_id)] == list(shop.tiles)
    shop.edit_product(shop.cup, gone=True)
    assert platform.items_of_product(cup.product_id) == ()


@only(SupportsProductStock)
@also_replayed
def test_stock_is_set_in_all_however_often(shop: PlatformShop) -> None:
    platform = open_platform(shop)
    cup, tile = item_of(platform, shop.cup), item_of(platform, shop.tiles[0])
    for _ in range(2):
        platform.set_stock(cup.product_id, cup.variant_id, 7)
        platform.set_stock(tile.product_id, tile.variant_id, 0)
    assert platform.items_of_product(cup.product_id)[0].stock == 7
    assert [one.stock for one in platform.items_of_product(tile.product_id)] == [
        0,
        shop.levels[shop.tiles[1]],
    ]


@by_location
def test_stock_is_read_and_set_at_a_location(shop: PlatformShop) -> None:
    platform = open_platform(shop)
    main, other = (place.code for place in platform.locations())
    cup, tile = item_of(platform, shop.cup), item_of(platform, shop.tiles[0])
    for _ in range(2):
        platform.set_stock(cup.product_id, cup.variant_id, 3, other)
        platform.set_stock(tile.product_id, tile.variant_id, 4, main)
    wanted = [(one.product_id, one.variant_id) for one in (cup, tile)]
    assert platform.stock_by_location(wanted, [main, other]) == {
        (*wanted[0], main): 40, (*wanted[0], other): 3, (*wanted[1], main): 4, (*wanted[1], other): 0,
    }  # fmt: skip
    assert platform.stock_by_location(wanted[:1], [other]) == {(*wanted[0], other): 3}
    assert shop.stock(shop.cup) == {main: 40, other: 3}


@by_location
def test_the_locations_are_listed_with_the_main_one(shop: PlatformShop) -> None:
    found = open_platform(shop).locations()
    assert [(place.name, place.main) for place in found] == [("Armazém", True), ("Loja", False)]


@pytest.mark.parametrize(
    ("name", "by_place"),
    [
        (name, by_place)
        for name, one in SHOPS.items()
        if issubclass(PLATFORMS[name], SupportsProductStock)
        for by_place in ((False, True) if one.has_locations else (False,))
    ],
)
def test_stock_of_what_is_gone_or_unlimited_is_refused(shop: PlatformShop, by_place: bool) -> None:
    platform = open_platform(shop)
    place = platform.locations()[0].code if by_place else ""
    cup, tile, voucher = (
        item_of(platform, sku) for sku in (shop.cup, shop.tiles[0], next(iter(shop.unlimited)))
    )
    shop.edit_product(shop.cup, gone=True)
    for product, variant, code in (
        (cup.product_id, "", "goods-gone"),
        (tile.product_id, "999", "goods-gone"),
        (tile.product_id, "", "goods-gone"),
        (voucher.product_id, "", "goods-unlimited"),
    ):
        with pytest.raises(RefusedError) as raised:
            platform.set_stock(product, variant, 5, place)
        assert raised.value.code == code
    assert platform.items_of_product(voucher.product_id)[0].stock is None
    kept = [shop.levels[sku] for sku in shop.tiles]
    assert [one.stock for one in platform.items_of_product(tile.product_id)] == kept


@by_location
def test_unlimited_goods_have_no_level_anywhere(shop: PlatformShop) -> None:
    platform = open_platform(shop)
    voucher = item_of(platform, next(iter(shop.unlimited)))
    places = [place.code for place in platform.locations()]
    assert platform.stock_by_location([(voucher.product_id, voucher.variant_id)], places) == {}


# --- webhooks ----------------------------------------------------------------------------------------------

KEY = "stand-in-hooks-token"
BODY = json.dumps({"order": {"id": 1001, "status": "Paid"}}).encode()


def headers(name: str, **changes: str) -> dict[str, str]:
    """Return headers as the platform sends them with BODY; `signature`, `event` and `code` change one each."""
    shop = SHOPS[name]
    values = {"signature": shop.signature(BODY, KEY), "event": "order_paid", "code": shop.code, **changes}
    return {header: values[part] for part, header in shop.webhook_headers.items()}


def test_a_right_signature_over_the_exact_bytes_is_valid(name: str) -> None:
    assert PLATFORMS[name].has_valid_signature(BODY, headers(name), KEY)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda sign: "",
        lambda sign: sign(BODY, "another"),
        lambda sign: sign(BODY + b" ", KEY),
        lambda sign: sign(BODY, KEY).swapcase(),
        lambda sign: sign(BODY, KEY)[:-1],
        lambda sign: _in_the_other_alphabet(sign(BODY, KEY)),
        lambda sign: sign(BODY, KEY) + " ",
        lambda sign: f"{sign(BODY, KEY)}, {sign(BODY, KEY)}",
        lambda sign: "\xe9" * 44,
        lambda sign: "😀",
        lambda sign: "A" * 10_000,
        lambda sign: "\ud800",
    ],
)
def test_any_other_signature_is_invalid_and_raises_nothing(name: str, spoil: Callable[[Any], str]) -> None:
    given = headers(name, signature=spoil(SHOPS[name].signature))
    assert PLATFORMS[name].has_valid_signature(BODY, given, KEY) is False


def _in_the_other_alphabet(signature: str) -> str:
    """Return a hex signature in base64, and one in base64 in hex."""
    if signature.endswith("="):
        return base64.b64decode(signature).hex()
    return base64.b64encode(bytes.fromhex(signature)).decode()


def test_a_missing_signature_is_invalid(name: str) -> None:
    assert PLATFORMS[name].has_valid_signature(BODY, {}, KEY) is False


def test_the_unsigned_headers_are_read_and_cut(name: str) -> None:
    code = SHOPS[name].code if "code" in SHOPS[name].webhook_headers else ""
    assert PLATFORMS[name].webhook_headers(headers(name)) == (code, "order_paid")
    assert PLATFORMS[name].webhook_headers({}) == ("", "")
    code, event = PLATFORMS[name].webhook_headers(headers(name, code="x" * 5000, event="y" * 5000))
    assert len(code) <= 100
    assert len(event) <= 40


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ("order_paid", "paid"),
        ("order_canceled", "cancelled"),
        ("order_updated", "updated"),
        ("order_new", "updated"),
    ],
)
def test_a_webhook_about_an_order_names_it(name: str, event: str, kind: str) -> None:
    found = PLATFORMS[name].parse_webhook(event, BODY)
    assert (found.kind, found.order_id) == (kind, "1001")


def test_a_webhook_about_something_else_is_of_kind_other(name: str) -> None:
    assert PLATFORMS[name].parse_webhook(SHOPS[name].other_event, b"whatever").kind == "other"


@only(SupportsProducts)
def test_a_webhook_about_a_product_names_it(name: str) -> None:
    body = b'{"product": {"id": 30416000, "stock": 3}}'
    for event in PLATFORMS[name].product_events:
        found = PLATFORMS[name].parse_webhook(event, body)
        assert (found.kind, found.order_id, found.product_id) == ("product", "", "30416000")


@only(SupportsProducts)
@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"product": {"id": "../1"}}', b'{"id": true}', b"[" * 100_000, b"\xff"]
)
def test_an_unreadable_webhook_about_a_product_is_ignored(name: str, body: bytes) -> None:
    # The webhook is only a hint: the daily reading of the whole catalogue finds the change without it.
    assert PLATFORMS[name].parse_webhook("product_deleted", body).kind == "other"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no",
        b"[]",
        b"null",
        b"{}",
        b'{"order": []}',
        b'{"order": {"id": null}}',
        b'{"order": {"id": true}}',
        b'{"order": {"id": 1.5}}',
        b'{"order": {"id": "../1"}}',
        b'{"order": {"id": -1}}',
        b'{"order": {"id": 99999999999999999999999}}',
        b'{"order": {"id": "\\u0661"}}',
        b'{"order": ' + b"[" * 100_000,
        b'{"id": ' * 5000 + b"1" + b"}" * 5000,
        b'\xff\xfe{"order": {"id": 1}}',
        BODY.decode().encode("utf-16"),
        b'{"order": {"id": NaN}}',
        bytes(range(256)),
    ],
    ids=range(19),
)
def test_an_unreadable_webhook_raises_a_reason(name: str, body: bytes) -> None:
    with pytest.raises(UnreadableWebhook) as raised:
        PLATFORMS[name].parse_webhook("order_paid", body)
    assert str(raised.value)


# --- a network that fails ---------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", [*LOST_OUTCOMES, 200, 204], ids=str)
@each_verb(*READS)
def test_a_failed_read_may_be_repeated(unplugged: Platform, verb: str, outcome: Exception | int) -> None:
    platform = unplugged
    break_session(platform._http.session, outcome)  # type: ignore[attr-defined]
    with pytest.raises(UnreachableError):
        READS[verb](platform)


@each_verb("attach", "note", "subscribe", "set_stock_at_location")
def test_a_lost_write_is_uncertain(shop: PlatformShop, verb: str) -> None:
    shop.place_order()
    platform = open_platform(shop)
    http = platform._http  # type: ignore[attr-defined]
    send = http.send

    def lost(method: str, url: str, *, writes: bool, **content: Any) -> Any:
        if method != "GET":
            break_session(http.session, 500)
        return send(method, url, writes=writes, **content)

    http.send = lost
    with pytest.raises(UncertainError):
        READS[verb](platform)


@only(SupportsProductStock)
@pytest.mark.parametrize("outcome", [500, 502, 200, 204, requests.ReadTimeout("late")], ids=str)
def test_setting_stock_without_a_whole_answer_is_uncertain(
    unplugged: Platform, name: str, outcome: Exception | int
) -> None:
    platform = unplugged
    break_session(platform._http.session, outcome)  # type: ignore[attr-defined]
    with pytest.raises(UnreachableError if SHOPS[name].reads_before_setting_stock else UncertainError):
        platform.set_stock("30416000", "", 3)


@each_verb(*READS)
def test_too_many_calls_are_throttled(unplugged: Platform, verb: str) -> None:
    platform = unplugged
    break_session(platform._http.session, 429)  # type: ignore[attr-defined]
    with pytest.raises(ThrottledError):
        READS[verb](platform)


@only(SupportsOAuth)
@pytest.mark.parametrize("outcome", [*LOST_OUTCOMES, 200, 204, 400, 401, 403, 404, 422], ids=str)
def test_a_lost_token_exchange_is_never_taken_for_a_refusal(
    unplugged: Platform, outcome: Exception | int
) -> None:
    # A status alone, without an error code of the OAuth standard, may come from a proxy.
    platform = unplugged
    break_session(platform._http.session, outcome)  # type: ignore[attr-defined]
    for verb in (lambda: platform.exchange("code", VERIFIER), lambda: platform.refresh("old")):
        with pytest.raises((UncertainError, TransientError)) as raised:
            verb()
        assert isinstance(raised.value, AppError)
