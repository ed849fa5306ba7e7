"""A world whose merchants invoice with PHC GO, and the journey that brings each of its switches into play.

Called by test_phcgo.py. Each journey takes the world with the switch in its position, and fails when the road does not
hold: a document too many, none, or one of another amount than the buyer paid.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from typing import Any

import requests

from dev.merchant import until
from dev.phcgo import OLARIA, QUINTA, PhcGoMerchant
from sandbox.phcgo.office import PASSWORD
from tests.journey.living import BOOK, COURSE, MUG, MUGS, PATIENCE, RICH, World, come_from_elsewhere

Json = dict[str, Any]
KNOCKS = 4
"""How often wrong keys may be tried; a fifth time locks the user of some installations."""
_NEW = itertools.count(1)
REST = ("issued", "blocked", "review", "in_doubt", "waiting")


class PhcWorld(World):
    """One house and two merchants of PHC GO: one whose series keep drafts, one whose series keep none."""

    def __init__(self, house: Any) -> None:
        super().__init__(house)
        self.olaria = self._set_up("olariadosado", OLARIA)
        self.quinta = self._set_up("quintadaserra", QUINTA)

    def _set_up(self, shop: str, entity: str) -> PhcGoMerchant:
        made = PhcGoMerchant(self.house, shop, entity)
        come_from_elsewhere(made)
        made.set_up(exemption="M07")
        self.merchants[shop] = made
        return made

    def control(self, method: str, what: str, sent: Json | None = None) -> Any:
        """The answer of one of the stand-in's control routes."""
        answer = requests.request(method, f"{self.house.phcgo_url}/sandbox/{what}", json=sent, timeout=30)
        assert answer.status_code < 400, answer.text
        return answer.json()

    def set_back(self) -> None:
        super().set_back()
        for what in ("switches", "faults", "sessions"):
            self.control("DELETE", what)
        self.control("POST", "clock", {})
        self.control("POST", "installations/a3f91c07", {"allowance": 0, "password": PASSWORD})
        self.rows.change("UPDATE account SET refused_at = NULL, paused_until = NULL")

    def rests(self, merchant: PhcGoMerchant, order: int) -> Json:
        """The order's row once nothing more comes of it by itself, or once it or its account waits with a reason."""
        held = (
            "SELECT 1 FROM account JOIN store ON store.id = store_id WHERE code = :shop"
            " AND (paused_until IS NOT NULL OR refused_at IS NOT NULL)"
        )

        def seen() -> Json:
            row = self.row(merchant, order)
            if row.get("state") == "pending":
                return row if row["reason"] or self.rows.all(held, shop=merchant.shop) else {}
            return row if row.get("state") in REST else {}

        return until(seen, f"{merchant.shop} #{order} rests", PATIENCE)


Journey = Callable[[PhcWorld, str], None]


def placed(merchant: PhcGoMerchant, **spec: Any) -> int:
    return int(merchant.order(**{"pay": True, **spec})["id"])


def one_of(world: PhcWorld, merchant: PhcGoMerchant, order: int) -> Json:
    """The one document of the order, at once or, where the position stops it, once everything is as usual again.

    What stops it has its reason on the page, and nothing exists meanwhile that the merchant is not asked about.
    """
    row = world.rests(merchant, order)
    if row["state"] != "issued":
        assert row["reason"] or row["state"] == "pending", row
        if row["state"] not in ("review", "in_doubt"):
            assert world.sold(merchant, order) == [], row
        world.set_back()
        merchant.connect()
        world.pass_a_minute()
        # good keys send what bad ones held back
        state = world.settled(merchant, order)["state"]
        if state == "blocked":
            merchant.resend(order)
        elif state == "review":
            settle(world, merchant, order)
        row = world.settled(merchant, order, "issued")
    assert not row["alarm"], (row["alarm"], row["alarm_detail"])
    return world.judged(merchant, order)


def settle(world: PhcWorld, merchant: PhcGoMerchant, order: int) -> None:
    """Nothing; the merchant looked into his program and said what he found there."""
    found = world.sold(merchant, order)
    page = merchant.page(order)
    if found:
        page.send("number", number=found[0]["number"], total=found[0]["total"])
    else:
        page.send("sure", sure="yes")


def drafts(world: PhcWorld) -> set[str]:
    """The stamps of the drafts as they are now."""
    return {row["ftstamp"] for row in world.control("GET", "drafts")}


def no_drafts_left(world: PhcWorld, before: set[str]) -> None:
    """Nothing, once no draft is there but those of before: some positions of the switches keep theirs from us."""
    until(lambda: drafts(world) <= before, "spare drafts are gone", PATIENCE)


def rich(world: PhcWorld, position: str) -> None:
    """The order with everything in it, at both merchants."""
    orders = [(merchant, placed(merchant, **RICH)) for merchant in (world.olaria, world.quinta)]
    for merchant, order in orders:
        one_of(world, merchant, order)


def plain(world: PhcWorld, position: str) -> None:
    one_of(world, world.olaria, placed(world.olaria, lines=[MUG, BOOK]))


def anew(world: PhcWorld, position: str) -> None:
    """Every session is over, so that the log-in is made under the switch."""
    world.control("DELETE", "sessions")
    plain(world, position)


def refused_logins(world: PhcWorld) -> int:
    found = [one for one in world.control("GET", "requests") if one["step"] == "login" and one["said"]]
    return len(found)


def shut_out(world: PhcWorld, position: str) -> None:
    """The password is another over there: the orders wait, and nobody hammers at the door."""
    before = refused_logins(world)
    world.control("POST", "installations/a3f91c07", {"password": "mudada"})
    world.control("DELETE", "sessions")
    orders = [placed(world.olaria, lines=[MUG]) for _ in range(3)]
    until(lambda: refused_logins(world) > before, "the first one knocks", PATIENCE)
    assert world.rests(world.olaria, orders[0])["state"] != "issued"
    assert refused_logins(world) - before <= KNOCKS
    for order in orders:
        one_of(world, world.olaria, order)


def expiring(world: PhcWorld, position: str) -> None:
    """Two orders in a row, and a session that ends between their calls."""
    for _ in range(2):
        plain(world, position)
    world.control("DELETE", "sessions")
    plain(world, position)


def company(world: PhcWorld, position: str) -> None:
    """Twice the same business, whose customer is made at the first document."""
    for _ in range(2):
        spec = {"lines": [MUG], "nif": "503504564", "company": "Taberna do Sado, Lda."}
        assert one_of(world, world.olaria, placed(world.olaria, **spec))["customer"]["nif"] == "503504564"


def exempt(world: PhcWorld, position: str) -> None:
    one_of(world, world.olaria, placed(world.olaria, lines=[MUGS, COURSE]))


def exhausted(world: PhcWorld, position: str) -> None:
    """The month's allowance is used up in the middle."""
    used = next(one["used"] for one in world.control("GET", "installations") if one["path"] == "a3f91c07")
    world.control("POST", "installations/a3f91c07", {"allowance": used + 3})
    plain(world, position)


def maintained(world: PhcWorld, position: str) -> None:
    """A call is lost, and for a while everything is refused."""
    world.control("POST", "faults", {"kind": "maintenance", "step": "Save", "seconds": 2})
    plain(world, position)


def doubtful(world: PhcWorld, position: str) -> None:
    """The answers of Save and of signDocument are lost."""
    for step in ("Save", "signDocument"):
        for merchant in (world.olaria, world.quinta):
            world.control("POST", "faults", {"kind": "drop-after", "step": step, "match": "QI-"})
            world.control("POST", "faults", {"kind": "drop-after", "step": "signDocument"})
            one_of(world, merchant, placed(merchant, lines=[MUG, BOOK]))
            world.control("DELETE", "faults")


def credited(world: PhcWorld, position: str) -> None:
    """Two of three are taken back."""
    merchant = world.olaria
    order = placed(merchant, lines=[{**MUGS, "discount": "0"}])
    one_of(world, merchant, order)
    merchant.credit(order, {MUGS["name"]: "2"}, reason="Partidas")
    until(lambda: len(merchant.rows(order)) == 2, "the note is listed", PATIENCE)
    notes = "SELECT state, reason FROM document WHERE order_id = :o AND cause LIKE 'credit%'"

    def note() -> Json:
        row: Json = world.rows.all(notes, o=str(order))[0]
        return row if row["state"] in REST else {}

    row = until(note, "the note rests", PATIENCE)
    if row["state"] != "issued":
        world.set_back()
        merchant.resend(order)
    merchant.wait_for_kinds(order, "FR", "NC", seconds=PATIENCE)
    notes_issued = [
        one for one in merchant.sold() if one["type"] == "NC" and f"-{order}-" in one["reference"]
    ]
    assert [one["total"] for one in notes_issued] == ["19.98"]


def articled(world: PhcWorld, position: str) -> None:
    """Twice an order of an article, of one that differs from it in case only, and of two that are not there yet."""
    mug, book = (f"{letter}{next(_NEW)}-{position}" for letter in "MB")
    before = len(world.control("GET", "goods"))
    lines = [{**MUG, "sku": sku} for sku in ("AZU-014", "azu-014", mug)] + [{**BOOK, "sku": book}]
    for _ in range(2):
        one_of(world, world.olaria, placed(world.olaria, lines=lines))
    deeds = [one for one in world.control("GET", "goods")[before:] if one["entity"] == "OLARIA"]
    made = Counter(one["ref"] for one in deeds if one["kind"] == "article")
    # an article is not made where it would get another rate, or its reference is taken for another's
    assert (made[mug], made[book]) == (1, position != "own"), made
    assert made["azu-014"] <= (position == "accepted"), made
    assert not made["AZU-014"], made
    assert not [one for one in deeds if one["kind"] == "stock"]


def paper(world: PhcWorld, position: str) -> None:
    """The PDF, right after the document."""
    merchant = world.olaria
    order = placed(merchant, lines=[MUG])
    one_of(world, merchant, order)
    assert merchant.browser.open(merchant.page(order).url + "/pdf").body.startswith(b"%PDF-")


def read_again(world: PhcWorld, position: str) -> None:
    """Paid is what an invoice-receipt is; where the program does not tell, nothing is said."""
    merchant = world.olaria
    order = placed(merchant, lines=[MUG])
    one_of(world, merchant, order)
    merchant.page(order)
    assert merchant.browser.status == 200


CASES: dict[str, Journey] = {
    "rest-path": anew, "path-case": plain, "html-path": plain, "wrong-login": shut_out, "lock-out": shut_out,
    "engine-auth": anew, "session-proof": anew, "session-life": expiring, "session-answer": expiring,
    "parallel-sessions": anew, "quota-answer": exhausted, "rate-limit": plain, "maintenance-answer": maintained,
    "message-type": rich, "harmless-messages": rich, "stamp-made": doubtful, "operation-1": rich,
    "save-completes": plain, "draft-delete": doubtful, "act-customer": company, "customer-defaults": company,
    "buyer-on-document": company, "repeated-nif": company, "nif-check": company, "unknown-article": rich,
    "ref-length": plain, "line-without-ref": plain, "rate-from": rich, "zero-vat-check": exempt, "rounding": rich,
    "stock-check": plain, "date-on-sign": plain, "no-validation-code": plain, "sign-twice": doubtful,
    "unknown-fields": rich, "credit-reason": credited, "credit-from-origin": credited, "state-fields": read_again,
    "obs-kept": doubtful, "obs-filter": doubtful, "query-drafts": doubtful, "query-lines": credited,
    "query-lag": doubtful, "query-page": plain, "figures": rich, "pdf-link": paper, "ref-case": articled,
    "article-rate": articled, "level-rows": articled, "query-most": articled, "query-offset": articled,
    "query-order": articled, "any-of": articled,
}  # fmt: skip


def with_everything_on(world: PhcWorld) -> None:
    """Nothing; drafts, order notes as drafts, transport data, guides and mail are on, and the shop's hooks follow."""
    merchant = world.olaria
    options = ("drafts", "notes", "note_drafts", "transport", "guide", "email_buyer")
    merchant.choose(exemption="M07", **dict.fromkeys(options, "yes"))
    shop = f"{world.house.admin_url}/sandbox/shops/{merchant.shop}"

    def told_early() -> bool:
        hooks = requests.get(shop, timeout=30).json()["hooks"]
        return any(hook["event"] == "order_pending_payment" for hook in hooks)

    until(told_early, "the shop tells of orders before they are paid", PATIENCE)


def early(world: PhcWorld, position: str) -> None:
    """Drafted with its note when it is placed; one invoice, one guide and one mail when it is paid, no draft left."""
    merchant, before = world.olaria, drafts(world)
    order = placed(merchant, lines=[MUG, BOOK], pay=False)
    reference = f"QI-{world.rows.store(merchant.shop)['id']}-{order}"

    def there(what: str, obs: str) -> list[Json]:
        return [row for row in world.control("GET", what) if row["obs"] == obs]

    if position != "refused":
        # where a note that is a draft cannot be followed, the invoice is made without it, and later
        until(lambda: there("drafts", reference), f"draft of #{order}", PATIENCE)
    until(lambda: there("dossiers", f"{reference}-dossier"), f"note of #{order}", PATIENCE)
    merchant.act(order, "pay")
    row = world.settled(merchant, order, "issued")
    assert not row["alarm"], (row["alarm"], row["alarm_detail"])
    document = world.judged(merchant, order)
    assert document["type"] == "FR" and document["transport"]["carga"]
    guide = f"{reference}-transport"
    until(lambda: any(one["reference"] == guide for one in merchant.sold()), f"guide of #{order}", PATIENCE)
    until(
        lambda: [one for one in world.control("GET", "outbox") if one["id"] == document["id"]],
        "mail",
        PATIENCE,
    )
    no_drafts_left(world, before)


EARLY = ("transport-required", "dossier-sign", "dossier-used-up", "draft-dossier", "email-answer")
"""Switches of order notes, guides and mail: walked by `early` once everything is on."""
