"""A world whose merchants invoice with PHC GO, and for each switch of its stand-in the flow in which it matters.

Each function takes the world with the switch in its position, and fails when the app does not cope: an
additional document, no document, or one with another amount than the buyer paid.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import requests

from dev.merchant import wait_until
from dev.phcgo_merchant import OLARIA, QUINTA, PhcGoMerchant
from sandbox.phcgo.program_state import PASSWORD
from tests.end_to_end.stack_world import (
    BOOK,
    COURSE,
    FULL_ORDER,
    MUG,
    MUGS,
    TIMEOUT,
    StackWorld,
    use_new_address,
)

Json = dict[str, Any]
LOGIN_ATTEMPTS = 4
"""How often wrong keys may be tried; a fifth attempt locks the user at some installations."""
_new_numbers = itertools.count(1)
IDLE_STATES = ("issued", "blocked", "review", "in_doubt", "waiting")


class PhcGoWorld(StackWorld):
    """One stack and two merchants with PHC GO: one whose series keep drafts, one whose series keep none."""

    def __init__(self, stack: Any) -> None:
        super().__init__(stack)
        self.olaria = self._set_up("olariadosado", OLARIA)
        self.quinta = self._set_up("quintadaserra", QUINTA)

    def _set_up(self, shop: str, entity: str) -> PhcGoMerchant:
        made = PhcGoMerchant(self.stack, shop, entity)
        use_new_address(made)
        made.set_up(exemption="M07")
        self.decide(shop, "gift-card-use", "*", "multi-purpose")
        self.merchants[shop] = made
        return made

    def control(self, method: str, what: str, sent: Json | None = None) -> Any:
        """Return the answer of one of the stand-in's control routes."""
        answer = requests.request(method, f"{self.stack.phcgo_url}/sandbox/{what}", json=sent, timeout=30)
        assert answer.status_code < 400, answer.text
        return answer.json()

    def reset_stand_ins(self) -> None:
        super().reset_stand_ins()
        for what in ("switches", "faults", "sessions"):
            self.control("DELETE", what)
        self.control("POST", "clock", {})
        self.control("POST", "installations/a3f91c07", {"allowance": 0, "password": PASSWORD})
        self.database.execute("UPDATE account SET refused_at = NULL, paused_until = NULL")

    def run_until_idle(self, merchant: PhcGoMerchant, order: int) -> Json:
        """Return the order's row once nothing happens any more, or it or its account waits with a reason."""
        held = (
            "SELECT 1 FROM account JOIN store ON store.id = store_id WHERE code = :shop"
            " AND (paused_until IS NOT NULL OR refused_at IS NOT NULL)"
        )

        def seen() -> Json:
            row = self.document_row(merchant, order)
            if row.get("state") == "pending":
                return row if row["reason"] or self.database.select(held, shop=merchant.shop) else {}
            return row if row.get("state") in IDLE_STATES else {}

        return wait_until(seen, f"{merchant.shop} #{order} rests", TIMEOUT)


PhcGoSwitchSteps = Callable[[PhcGoWorld, str], None]


def place_order(merchant: PhcGoMerchant, **spec: Any) -> int:
    return int(merchant.place_order(**{"pay": True, **spec})["id"])


def only_document(world: PhcGoWorld, merchant: PhcGoMerchant, order: int) -> Json:
    """Return the one document of the order, once every switch is at its default again where they prevent it.

    While it is prevented, the page shows the reason, and any document that exists is one that the merchant is
    asked about.
    """
    row = world.run_until_idle(merchant, order)
    if row["state"] != "issued":
        assert row["reason"] or row["state"] == "pending", row
        if row["state"] not in ("review", "in_doubt"):
            assert world.issued_documents(merchant, order) == [], row
        world.reset_stand_ins()
        merchant.connect()
        world.expire_leases()
        # Good keys release the orders that bad ones held back.
        state = world.wait_until_final(merchant, order)["state"]
        if state == "blocked":
            merchant.resend(order)
        elif state == "review":
            resolve_uncertain(world, merchant, order)
        row = world.wait_until_final(merchant, order, "issued")
    assert not row["alarm"], (row["alarm"], row["alarm_detail"])
    return world.check_document(merchant, order)


def resolve_uncertain(world: PhcGoWorld, merchant: PhcGoMerchant, order: int) -> None:
    """Look the document up at the provider as the merchant, and answer the page."""
    found = world.issued_documents(merchant, order)
    page = merchant.open_document(order)
    if found:
        # A document of a program without an ATCUD is proved by its hour.
        hour = f"{datetime.now(ZoneInfo('Europe/Lisbon')):%H:%M}"
        page.send("number", hour=hour, **{name: found[0][name] for name in ("number", "total", "atcud")})
    else:
        page.send("sure", sure="yes")


def draft_ids(world: PhcGoWorld) -> set[str]:
    """Return the stamps of the present drafts."""
    return {row["ftstamp"] for row in world.control("GET", "drafts")}


def no_drafts_left(world: PhcGoWorld, before: set[str]) -> None:
    """Wait until only the earlier drafts are left: in some positions of the switches we can't see ours."""
    wait_until(lambda: draft_ids(world) <= before, "spare drafts are gone", TIMEOUT)


def full_order(world: PhcGoWorld, position: str) -> None:
    """Sell the order with everything in it, at both merchants."""
    orders = [(merchant, place_order(merchant, **FULL_ORDER)) for merchant in (world.olaria, world.quinta)]
    for merchant, order in orders:
        only_document(world, merchant, order)


def simple_order(world: PhcGoWorld, position: str) -> None:
    only_document(world, world.olaria, place_order(world.olaria, lines=[MUG, BOOK]))


def new_session(world: PhcGoWorld, position: str) -> None:
    """End every session, so that the next log-in happens with the switch in its position."""
    world.control("DELETE", "sessions")
    simple_order(world, position)


def refused_logins(world: PhcGoWorld) -> int:
    found = [one for one in world.control("GET", "requests") if one["step"] == "login" and one["said"]]
    return len(found)


def wrong_password(world: PhcGoWorld, position: str) -> None:
    """Change the password at the provider: the orders wait, and the app does not keep logging in."""
    before = refused_logins(world)
    world.control("POST", "installations/a3f91c07", {"password": "mudada"})
    world.control("DELETE", "sessions")
    orders = [place_order(world.olaria, lines=[MUG]) for _ in range(3)]
    wait_until(lambda: refused_logins(world) > before, "the first one knocks", TIMEOUT)
    assert world.run_until_idle(world.olaria, orders[0])["state"] != "issued"
    assert refused_logins(world) - before <= LOGIN_ATTEMPTS
    for order in orders:
        only_document(world, world.olaria, order)


def session_expired(world: PhcGoWorld, position: str) -> None:
    """Sell two orders in a row, with a session that ends between their calls."""
    for _ in range(2):
        simple_order(world, position)
    world.control("DELETE", "sessions")
    simple_order(world, position)


def company_customer(world: PhcGoWorld, position: str) -> None:
    """Sell twice to the same business, whose customer record is created with the first document."""
    for _ in range(2):
        spec = {"lines": [MUG], "nif": "503504564", "company": "Taberna do Sado, Lda."}
        assert (
            only_document(world, world.olaria, place_order(world.olaria, **spec))["customer"]["nif"]
            == "503504564"
        )


def exempt(world: PhcGoWorld, position: str) -> None:
    only_document(world, world.olaria, place_order(world.olaria, lines=[MUGS, COURSE]))


def allowance_used_up(world: PhcGoWorld, position: str) -> None:
    """Use up the month's allowance in the middle of the work."""
    used = next(one["used"] for one in world.control("GET", "installations") if one["path"] == "a3f91c07")
    world.control("POST", "installations/a3f91c07", {"allowance": used + 3})
    simple_order(world, position)


def maintenance(world: PhcGoWorld, position: str) -> None:
    """Lose a call, and then refuse everything for a while."""
    world.control("POST", "faults", {"kind": "maintenance", "step": "Save", "seconds": 2})
    simple_order(world, position)


def lost_answers(world: PhcGoWorld, position: str) -> None:
    """Lose the answers of Save and of signDocument."""
    for step in ("Save", "signDocument"):
        for merchant in (world.olaria, world.quinta):
            world.control("POST", "faults", {"kind": "drop-after", "step": step, "match": "QI-"})
            world.control("POST", "faults", {"kind": "drop-after", "step": "signDocument"})
            only_document(world, merchant, place_order(merchant, lines=[MUG, BOOK]))
            world.control("DELETE", "faults")


def partial_credit(world: PhcGoWorld, position: str) -> None:
    """Return two of three."""
    check_credit(world, {MUGS["name"]: "2"}, "", "19.98")


def money_given_back(world: PhcGoWorld, position: str) -> None:
    """Give money back without pieces."""
    check_credit(world, {}, "3,00", "3.00")


def check_credit(world: PhcGoWorld, pieces: dict[str, str], amount: str, total: str) -> None:
    """Credit part of an order of three; where PHC GO refuses the note, issue it once that is corrected."""
    merchant = world.olaria
    order = place_order(merchant, lines=[{**MUGS, "discount": "0"}])
    only_document(world, merchant, order)
    merchant.credit(order, pieces, amount, reason="Partidas")
    wait_until(lambda: len(merchant.listing_rows(order)) == 2, "the note is listed", TIMEOUT)
    notes = "SELECT state, reason FROM document WHERE order_id = :o AND cause LIKE 'credit%'"

    def note() -> Json:
        row: Json = world.database.select(notes, o=str(order))[0]
        return row if row["state"] in IDLE_STATES else {}

    row = wait_until(note, "the note rests", TIMEOUT)
    if row["state"] != "issued":
        world.reset_stand_ins()
        merchant.resend(order)
    merchant.wait_for_kinds(order, "FR", "NC", seconds=TIMEOUT)
    notes_issued = [
        one for one in merchant.issued_documents() if one["type"] == "NC" and f"-{order}-" in one["reference"]
    ]
    assert [one["total"] for one in notes_issued] == [total]


def article_lookups(world: PhcGoWorld, position: str) -> None:
    """Sell twice: one article, one that differs from it in case only, and two that do not exist yet."""
    mug, book = (f"{letter}{next(_new_numbers)}-{position}" for letter in "MB")
    before = len(world.control("GET", "goods"))
    lines = [{**MUG, "sku": sku} for sku in ("AZU-014", "azu-014", mug)] + [{**BOOK, "sku": book}]
    for _ in range(2):
        only_document(world, world.olaria, place_order(world.olaria, lines=lines))
    deeds = [one for one in world.control("GET", "goods")[before:] if one["entity"] == "OLARIA"]
    made = Counter(one["ref"] for one in deeds if one["kind"] == "article")
    # An article is not created where it would get another rate, or where its reference is taken for another
    # one's.
    assert (made[mug], made[book]) == (1, position != "own"), made
    assert made["azu-014"] <= (position == "accepted"), made
    assert not made["AZU-014"], made
    assert not [one for one in deeds if one["kind"] == "stock"]


def pdf_download(world: PhcGoWorld, position: str) -> None:
    """Fetch the PDF right after the document."""
    merchant = world.olaria
    order = place_order(merchant, lines=[MUG])
    only_document(world, merchant, order)
    assert merchant.browser.open(merchant.open_document(order).url + "/pdf").body.startswith(b"%PDF-")


def document_read_back(world: PhcGoWorld, position: str) -> None:
    """Check that an invoice-receipt is shown as paid; where the provider does not say, the app shows no state."""
    merchant = world.olaria
    order = place_order(merchant, lines=[MUG])
    only_document(world, merchant, order)
    merchant.open_document(order)
    assert merchant.browser.status == 200


STEPS_BY_SWITCH: dict[str, PhcGoSwitchSteps] = {
    "rest-path": new_session,
    "path-case": simple_order,
    "html-path": simple_order,
    "wrong-login": wrong_password,
    "lock-out": wrong_password,
    "engine-auth": new_session,
    "session-proof": new_session,
    "session-life": session_expired,
    "session-answer": session_expired,
    "parallel-sessions": new_session,
    "quota-answer": allowance_used_up,
    "rate-limit": simple_order,
    "maintenance-answer": maintenance,
    "message-type": full_order,
    "harmless-messages": full_order,
    "stamp-made": lost_answers,
    "operation-1": full_order,
    "save-completes": simple_order,
    "draft-delete": lost_answers,
    "act-customer": company_customer,
    "customer-defaults": company_customer,
    "buyer-on-document": company_customer,
    "repeated-nif": company_customer,
    "nif-check": company_customer,
    "unknown-article": full_order,
    "ref-length": simple_order,
    "line-without-ref": simple_order,
    "rate-from": full_order,
    "zero-vat-check": exempt,
    "rounding": full_order,
    "stock-check": simple_order,
    "date-on-sign": simple_order,
    "no-validation-code": simple_order,
    "sign-twice": lost_answers,
    "unknown-fields": full_order,
    "credit-reason": partial_credit,
    "credit-of-value": money_given_back,
    "credit-from-origin": partial_credit,
    "state-fields": document_read_back,
    "obs-kept": lost_answers,
    "obs-filter": lost_answers,
    "query-drafts": lost_answers,
    "query-lines": partial_credit,
    "query-lag": lost_answers,
    "query-page": simple_order,
    "figures": full_order,
    "pdf-link": pdf_download,
    "ref-case": article_lookups,
    "article-rate": article_lookups,
    "level-rows": article_lookups,
    "query-most": article_lookups,
    "query-offset": article_lookups,
    "query-order": article_lookups,
    "any-of": article_lookups,
}


def enable_all_options(world: PhcGoWorld) -> None:
    """Enable drafts, order notes as drafts, transport data, guides and e-mail; wait for the shop's webhooks."""
    merchant = world.olaria
    options = ("drafts", "notes", "note_drafts", "transport", "guide", "email_buyer")
    merchant.choose(exemption="M07", **dict.fromkeys(options, "yes"))
    shop = f"{world.stack.admin_url}/sandbox/shops/{merchant.shop}"

    def sends_early_webhooks() -> bool:
        hooks = requests.get(shop, timeout=30).json()["hooks"]
        return any(hook["event"] == "order_pending_payment" for hook in hooks)

    wait_until(sends_early_webhooks, "the shop sends webhooks of unpaid orders", TIMEOUT)


def drafted_then_paid(world: PhcGoWorld, position: str) -> None:
    """Place an order with draft and note; once paid, it has one invoice, guide and e-mail, and no draft left."""
    merchant, before = world.olaria, draft_ids(world)
    order = place_order(merchant, lines=[MUG, BOOK], pay=False)
    reference = f"QI-{world.database.store(merchant.shop)['id']}-{order}"

    def there(what: str, obs: str) -> list[Json]:
        return [row for row in world.control("GET", what) if row["obs"] == obs]

    if position != "refused":
        # Where a note that is a draft can't be followed, the invoice is made without it, and later.
        wait_until(lambda: there("drafts", reference), f"draft of #{order}", TIMEOUT)
    wait_until(lambda: there("dossiers", f"{reference}-dossier"), f"note of #{order}", TIMEOUT)
    merchant.change_order(order, "pay")
    row = world.wait_until_final(merchant, order, "issued")
    assert not row["alarm"], (row["alarm"], row["alarm_detail"])
    document = world.check_document(merchant, order)
    assert document["type"] == "FR" and document["transport"]["carga"]
    guide = f"{reference}-transport"
    wait_until(
        lambda: any(one["reference"] == guide for one in merchant.issued_documents()),
        f"guide of #{order}",
        TIMEOUT,
    )
    wait_until(
        lambda: [one for one in world.control("GET", "outbox") if one["id"] == document["id"]],
        "mail",
        TIMEOUT,
    )
    no_drafts_left(world, before)


DRAFT_SWITCHES = (
    "transport-required",
    "transport-code",
    "dossier-sign",
    "dossier-used-up",
    "draft-dossier",
    "email-answer",
)
"""Switches of order notes, guides and e-mail, used once every option is on."""
