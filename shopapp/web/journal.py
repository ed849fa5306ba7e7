"""The changes of stock as a merchant reads them: from what to what, why, where, when, and whether there is a way back.

Called by the pages of products and of the journal. Turns rows into words; decides and changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import g, url_for

from shopapp import connect
from shopapp.models import Account, StockChange, shelf
from shopapp.models.run import CATALOGUE
from shopapp.models.stock import DONE, HAND, PLANNED, PROVIDER, RUN, SHOP, UNDONE, UNSURE
from shopapp.models.stock import UNDO as UNDOING
from shopapp.web.formats import quantity
from shopapp.web.tongue import gettext


@dataclass(frozen=True, slots=True)
class Told:
    """One change of a level: what, from what to what, why, when, and what can be done about it."""

    id: int
    name: str
    sku: str
    before: str
    after: str
    cause: str
    address: str
    """Where the cause is to be seen: the document, or the run; empty where there is nothing more."""
    under: str
    at: datetime
    mark: str
    word: str
    advice: str
    """What the merchant has to look at himself; empty where nothing."""
    undoable: bool


def label_of(account: Account) -> str:
    """The name of the account's program."""
    return connect.provider_class(account.provider).label


def told(
    change: StockChange, document_id: int | None = None, last: bool = False, first: bool = False
) -> Told:
    """One change for a list; `document_id` is the document of its sale, `last` whether no other came after it.

    `first` where the SKU was only then followed.
    """
    mark, word = _ended(change)
    address = ""
    number = change.document_id or document_id
    if number:
        address = url_for("documents.one", number=number)
    elif change.run_id and change.cause != UNDOING:
        address = url_for("changes.index", run=change.run_id)
    whole = change.stocked_id is not None
    return Told(
        id=change.id, name=change.name, sku=change.sku,
        before=quantity(change.before) if whole else "",
        after=quantity(change.after) if whole else quantity(change.after - change.before),
        cause=cause_of(change, first), address=address, under=_side(change), at=change.ended_at or change.planned_at,
        mark=mark, word=word, advice=_advice(change), undoable=last and _stands(change),
    )  # fmt: skip


def all_told(account: Account, changes: Sequence[StockChange]) -> list[Told]:
    """The changes for a list, each with the document of its order."""
    orders = {one.order_id for one in changes if one.order_id and not one.document_id}
    documents = shelf.sales(account, orders)
    latest = shelf.latest({one.stocked_id for one in changes if one.stocked_id})
    kinds = shelf.kinds_of(account, {one.run_id for one in changes if one.run_id})
    return [
        told(one, documents.get(one.order_id), one.id in latest, kinds.get(one.run_id or 0) == CATALOGUE)
        for one in changes
    ]


def _advice(change: StockChange) -> str:
    if change.state != UNSURE or change.stocked_id is not None:
        return ""
    return gettext("Não sabemos se mexeu: confirme o stock no %(provider)s.", provider=label_of(g.account))


def _stands(change: StockChange) -> bool:
    """True when the change was made, on the side that follows now, and is no way back itself."""
    side = {"to-shop": SHOP, "to-provider": PROVIDER}.get(g.account.follows)
    return change.state == DONE and change.cause != UNDOING and change.side == side


def cause_of(change: StockChange, first: bool = False) -> str:
    """`Venda #10488`, `Mudou no iGEST`; a SKU that was only then followed brings its level with it."""
    label = label_of(g.account)
    if change.order_id:
        return gettext("Venda #%(order)s", order=change.order_id)
    if change.cause == HAND:
        return gettext("Pedido por si")
    if change.cause == UNDOING:
        return gettext("Desfeita por si")
    if first or (change.cause == RUN and change.run_id is None):
        return gettext("Começou a seguir")
    if change.side != SHOP or change.cause == "hook":
        return gettext("Mudou na loja")
    # not in or out: a first entry may well lower what the shop had
    return gettext("Mudou no %(provider)s", provider=label)


def _side(change: StockChange) -> str:
    label = label_of(g.account)
    place = _place(change)
    if change.state in (DONE, UNDONE):
        done, there = gettext("loja atualizada"), gettext("%(provider)s acertado", provider=label)
    else:
        done, there = gettext("na loja"), gettext("no %(provider)s", provider=label)
    text = done if change.side == SHOP else there
    return f"{text}, {place}" if place else text


def _place(change: StockChange) -> str:
    """Where it was, in the account's or the shop's own words; empty where there is only one place."""
    lists: Mapping[str, Any] = g.account.choices or {}
    known = lists.get("locations", ()) if change.side == SHOP else lists.get("warehouses", ())
    code = change.location if change.side == SHOP else change.warehouse
    names = {str(one): str(name) for one, name, *_ in known}
    return names.get(code, code) if len(names) > 1 else ""


def _ended(change: StockChange) -> tuple[str, str]:
    """The mark and word of a change that is not simply done."""
    if change.state == DONE:
        return "", ""
    if change.state == UNDONE:
        return "st-void", gettext("Desfeita")
    if change.state == PLANNED:
        return "st-busy", gettext("A alterar")
    return "st-doubt", gettext("Por confirmar")
