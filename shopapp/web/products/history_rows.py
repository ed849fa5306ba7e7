"""The changes of stock as a merchant reads them: from what to what, why, where, when, and whether there is a way back.

Called by the pages of products and of the journal. Turns rows into words; decides and changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import g, url_for

from shopapp.connections.provider import provider_label
from shopapp.messages.formats import quantity
from shopapp.messages.i18n import gettext
from shopapp.models import Account, StockChange
from shopapp.models.queries import products
from shopapp.models.stock import CAUSE_HAND, CAUSE_RUN, DONE, PLANNED, PROVIDER, SHOP, UNDONE, UNSURE
from shopapp.models.stock import CAUSE_UNDO as UNDOING
from shopapp.models.sync_run import CATALOGUE_RUN


@dataclass(frozen=True, slots=True)
class StockChangeRow:
    """One change of a level: what, from what to what, why, when, and what can be done about it."""

    id: int
    name: str
    sku: str
    before: str
    after: str
    cause: str
    cause_url: str
    """Where the cause is to be seen: the document, or the run; empty where there is nothing more."""
    side_text: str
    at: datetime
    state_class: str
    state_label: str
    advice: str
    """What the merchant has to look at himself; empty where nothing."""
    undoable: bool


def stock_change_row(
    change: StockChange, document_id: int | None = None, is_latest: bool = False, first: bool = False
) -> StockChangeRow:
    """One change for a list; `document_id` is the document of its sale, `last` whether no other came after it.

    `first` where the SKU was only then followed.
    """
    state_class, state_label = _unfinished_label(change)
    cause_url = ""
    number = change.document_id or document_id
    if number:
        cause_url = url_for("documents.one", number=number)
    elif change.run_id and change.cause != UNDOING:
        cause_url = url_for("stock_history.index", run=change.run_id)
    has_levels = change.stocked_id is not None
    return StockChangeRow(
        id=change.id,
        name=change.name,
        sku=change.sku,
        before=quantity(change.before) if has_levels else "",
        after=quantity(change.after) if has_levels else quantity(change.after - change.before),
        cause=cause_text(change, first),
        cause_url=cause_url,
        side_text=_side_text(change),
        at=change.ended_at or change.planned_at,
        state_class=state_class,
        state_label=state_label,
        advice=_advice(change),
        undoable=is_latest and _is_undoable(change),
    )


def stock_change_rows(account: Account, changes: Sequence[StockChange]) -> list[StockChangeRow]:
    """The changes for a list, each with the document of its order."""
    orders = {one.order_id for one in changes if one.order_id and not one.document_id}
    documents = products.document_ids_by_order(account, orders)
    latest = products.latest_change_ids({one.stocked_id for one in changes if one.stocked_id})
    kinds = products.run_kinds(account, {one.run_id for one in changes if one.run_id})
    return [
        stock_change_row(
            one, documents.get(one.order_id), one.id in latest, kinds.get(one.run_id or 0) == CATALOGUE_RUN
        )
        for one in changes
    ]


def _advice(change: StockChange) -> str:
    if change.state != UNSURE or change.stocked_id is not None:
        return ""
    return gettext(
        "Não sabemos se mexeu: confirme o stock no %(provider)s.", provider=provider_label(g.account)
    )


def _is_undoable(change: StockChange) -> bool:
    """True when the change was made, on the side that follows now, and is no way back itself."""
    side = {"to-shop": SHOP, "to-provider": PROVIDER}.get(g.account.stock_direction)
    return change.state == DONE and change.cause != UNDOING and change.side == side


def cause_text(change: StockChange, first: bool = False) -> str:
    """`Venda #10488`, `Mudou no iGEST`; a SKU that was only then followed brings its level with it."""
    label = provider_label(g.account)
    if change.order_id:
        return gettext("Venda #%(order)s", order=change.order_id)
    if change.cause == CAUSE_HAND:
        return gettext("Pedido por si")
    if change.cause == UNDOING:
        return gettext("Desfeita por si")
    if first or (change.cause == CAUSE_RUN and change.run_id is None):
        return gettext("Começou a seguir")
    if change.side != SHOP or change.cause == "hook":
        return gettext("Mudou na loja")
    # not in or out: a first entry may well lower what the shop had
    return gettext("Mudou no %(provider)s", provider=label)


def _side_text(change: StockChange) -> str:
    label = provider_label(g.account)
    place = _place_name(change)
    if change.state in (DONE, UNDONE):
        done, there = gettext("loja atualizada"), gettext("%(provider)s acertado", provider=label)
    else:
        done, there = gettext("na loja"), gettext("no %(provider)s", provider=label)
    text = done if change.side == SHOP else there
    return f"{text}, {place}" if place else text


def _place_name(change: StockChange) -> str:
    """Where it was, in the account's or the shop's own words; empty where there is only one place."""
    lists: Mapping[str, Any] = g.account.choices or {}
    known = lists.get("locations", ()) if change.side == SHOP else lists.get("warehouses", ())
    code = change.location if change.side == SHOP else change.warehouse
    names = {str(one): str(name) for one, name, *_ in known}
    return names.get(code, code) if len(names) > 1 else ""


def _unfinished_label(change: StockChange) -> tuple[str, str]:
    """The mark and word of a change that is not simply done."""
    if change.state == DONE:
        return "", ""
    if change.state == UNDONE:
        return "st-void", gettext("Desfeita")
    if change.state == PLANNED:
        return "st-busy", gettext("A alterar")
    return "st-doubt", gettext("Por confirmar")
