"""What is written on a Shopkit order: the link or the file of its invoice, the transport code, lines of its note.

Source: Shopkit's API text (2025-09-26), read 2026-12-01: `PUT /order/{id}` with `invoice_url`, or `invoice_file` in
base64 instead, `at_code` and `note`. An order has room for one invoice, and for no credit note. *Unconfirmed*: which
address an uploaded file gets, how large it may be (above it: the link), and whether an address can be overwritten.
"""

from __future__ import annotations

import base64
from typing import Any

from shopapp.errors import OrderError, RefusedError

from ..base import Attachment
from ..fields import Json
from .client import ShopkitClient

_FILE_NOTE = "Quick Invoice: ficheiro da fatura"
"""Begins the line of the note that says that the file on the order is ours: its address does not tell."""


def read_payload(client: ShopkitClient, order_id: str) -> Json:
    """Get the order. Raises OrderError `order-missing`."""
    order = client.get_object(f"/order/{order_id}")
    if order is None:
        raise OrderError("order-missing")
    return order


def show_invoice(client: ShopkitClient, order_id: str, document: Attachment) -> None:
    """Show the invoice on the order, in place of a former one of ours, whose address stays in the note.

    Raises RefusedError `other-invoice` where somebody else's is there: it may be a second document for the same sale.
    """
    order = read_payload(client, order_id)
    shown = str(order.get("invoice_url") or "")
    file_note = f"{_FILE_NOTE} {document.number}"
    if shown == document.url or (document.pdf and file_note in _note_lines(order)):
        # a file of ours may show at no address that the API tells
        return
    if shown and not _is_ours(shown, order, document):
        raise RefusedError("other-invoice", url=shown[:200])
    former = [f"Quick Invoice: antes {shown}"] if shown else []
    if document.pdf:
        file = base64.b64encode(document.pdf).decode("ascii")
        try:
            now = _put(
                client, order_id, {"invoice_file": file, "note": _note_with(order, *former, file_note)}
            )
        except RefusedError as error:
            if error.detail.get("status") != 413:
                raise
        else:
            if now is not None and shown.startswith(_ours(document)) and now.get("invoice_url") == shown:
                _put(client, order_id, {"note": str(order.get("note") or "")})
                raise RefusedError("store-refused", status=200)
            return
    content = {"invoice_url": document.url} | ({"note": _note_with(order, *former)} if former else {})
    now = _put(client, order_id, content)
    if now is not None and now.get("invoice_url", document.url) != document.url:
        raise RefusedError("store-refused", status=200)


def _is_ours(shown: str, order: Json, document: Attachment) -> bool:
    """Return whether the invoice on the order is one of ours: at our address, or a file that the note names."""
    is_file = any(line.startswith(_FILE_NOTE) for line in _note_lines(order))
    return is_file or shown.startswith(_ours(document))


def _ours(document: Attachment) -> str:
    """Return how the addresses of our own pages for buyers begin."""
    return document.url.rpartition("/")[0] + "/"


def add_note(client: ShopkitClient, order_id: str, text: str) -> None:
    """Add a line to the order's note, unless it is there."""
    order = read_payload(client, order_id)
    if text not in _note_lines(order):
        _put(client, order_id, {"note": _note_with(order, text)})


def set_transport_code(client: ShopkitClient, order_id: str, code: str) -> None:
    """Write the transport document's code on the order."""
    if str(read_payload(client, order_id).get("at_code") or "") != code:
        _put(client, order_id, {"at_code": code})


def _note_lines(order: Json) -> list[str]:
    return [line.strip() for line in str(order.get("note") or "").splitlines()]


def _note_with(order: Json, *lines: str) -> str:
    return "\n".join(filter(None, (str(order.get("note") or "").rstrip(), *lines)))


def _put(client: ShopkitClient, order_id: str, content: dict[str, Any]) -> Json | None:
    """Send the fields to change. Raises OrderError `order-missing`: it was deleted since it was read."""
    try:
        return client.write("PUT", f"/order/{order_id}", {**content, "notify_client": False})
    except RefusedError as error:
        if error.detail.get("status") == 404:
            raise OrderError("order-missing") from error
        raise
