"""A stock change as a row of a list: levels before and after, cause, side, time, and whether it can be undone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import g, url_for

from shopapp.connections.provider import provider_label
from shopapp.messages.formats import quantity
from shopapp.messages.i18n import gettext
from shopapp.models import Account, StockChange
from shopapp.models.provider_lists import ProviderLists
from shopapp.models.queries import products
from shopapp.models.stock import (
    CAUSE_HAND,
    CAUSE_RUN,
    CAUSE_UNDO,
    DONE,
    PLANNED,
    PROVIDER,
    SHOP,
    UNDONE,
    UNSURE,
)
from shopapp.models.sync_run import CATALOGUE_RUN


@dataclass(frozen=True, slots=True)
class StockChangeRow:
    """One stock change of a list, with every text ready to show."""

    id: int
    name: str
    sku: str
    before: str
    after: str
    cause: str
    cause_url: str
    """The page of the cause: the document or the sync run; empty when there is none."""
    side_text: str
    at: datetime
    state_class: str
    state_label: str
    advice: str
    """The thing that the merchant must check; empty when there is none."""
    undoable: bool


def stock_change_row(
    change: StockChange, document_id: int | None = None, is_latest: bool = False, is_first: bool = False
) -> StockChangeRow:
    """Return the row of a change; `document_id` is the document of its sale.

    `is_latest`: the SKU has no later change. `is_first`: the sync of the SKU began with this change.
    """
    state_class, state_label = _unfinished_label(change)
    cause_url = ""
    number = change.document_id or document_id
    if number:
        cause_url = url_for("documents.one", number=number)
    elif change.run_id and change.cause != CAUSE_UNDO:
        cause_url = url_for("stock_history.index", run=change.run_id)
    has_levels = change.stocked_id is not None
    return StockChangeRow(
        id=change.id,
        name=change.name,
        sku=change.sku,
        before=quantity(change.before) if has_levels else "",
        after=quantity(change.after) if has_levels else quantity(change.after - change.before),
        cause=cause_text(change, is_first),
        cause_url=cause_url,
        side_text=_side_text(change),
        at=change.ended_at or change.planned_at,
        state_class=state_class,
        state_label=state_label,
        advice=_advice(change),
        undoable=is_latest and _is_undoable(change),
    )


def stock_change_rows(account: Account, changes: Sequence[StockChange]) -> list[StockChangeRow]:
    """Return the rows of these changes, each with the document of its order."""
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
    """Return whether the change was made on the side that is synced now, and is itself not an undo."""
    side = {"to-shop": SHOP, "to-provider": PROVIDER}.get(g.account.stock_direction)
    return change.state == DONE and change.cause != CAUSE_UNDO and change.side == side


def cause_text(change: StockChange, is_first: bool = False) -> str:
    """Return the cause in words, such as `Venda #10488` or `Mudou no iGEST`."""
    label = provider_label(g.account)
    if change.order_id:
        return gettext("Venda #%(order)s", order=change.order_id)
    if change.cause == CAUSE_HAND:
        return gettext("Pedido por si")
    if change.cause == CAUSE_UNDO:
        return gettext("Desfeita por si")
    if is_first or (change.cause == CAUSE_RUN and change.run_id is None):
        return gettext("Começou a seguir")
    if change.side != SHOP or change.cause == "hook":
        return gettext("Mudou na loja")
    # not `entry` or `exit`: the first entry at the provider may lower the level that the shop had
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
    """Return the name of the warehouse or shop location; empty when there is only one."""
    lists: ProviderLists = g.account.lists
    known = lists.locations if change.side == SHOP else lists.warehouses
    code = change.location if change.side == SHOP else change.warehouse
    names = {one.code: one.label for one in known}
    return names.get(code, code) if len(names) > 1 else ""


def _unfinished_label(change: StockChange) -> tuple[str, str]:
    """Return CSS class and word of a change that is not done; empty texts for one that is."""
    if change.state == DONE:
        return "", ""
    if change.state == UNDONE:
        return "st-void", gettext("Desfeita")
    if change.state == PLANNED:
        return "st-busy", gettext("A alterar")
    return "st-doubt", gettext("Por confirmar")
