"""Made-up rows in a stack's own database, so that each page has content for `dev.screenshots`.

No worker runs at the time. Each function opens the app with the stack's settings and commits.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from dev.local_stack import LocalStack

if TYPE_CHECKING:
    from shopapp.models import Account, Store


@contextmanager
def _open_store(stack: LocalStack, code: str) -> Iterator[Store]:
    """Return the store of that shop, inside an app with the stack's settings."""
    from shopapp import create_app
    from shopapp.models import Store

    with create_app(stack.env).app_context():
        store = Store.find("jumpseller", code)
        assert store is not None
        yield store


def _account(store: Store) -> Account:
    from shopapp.models import Account

    account = Account.find_current(store)
    assert account is not None
    return account


def load_documents(stack: LocalStack, code: str) -> dict[str, int]:
    """Add documents in every state to the store; return their numbers by name."""
    from dev.factories import make_documents_in_every_state

    with _open_store(stack, code) as store:
        return {
            name: document.id
            for name, document in make_documents_in_every_state(store, _account(store)).items()
        }


def stop_issuing(stack: LocalStack, code: str) -> None:
    """Mark the account's keys as refused from now on."""
    from shopapp.models import db, now

    with _open_store(stack, code) as store:
        account = _account(store)
        account.refused_at, account.refused_code = now(), "keys-refused"
        account.refused_detail = {"kind": "inactive", "answer": "A integração Jumpseller não está ativa."}
        db.session.commit()


def load_waiting_documents(stack: LocalStack, code: str, orders: dict[str, str]) -> dict[str, int]:
    """Add documents that wait for these orders; return their numbers by name. An exemption is chosen first."""
    from dev.factories import make_document
    from shopapp.models import db

    with _open_store(stack, code) as store:
        account = _account(store)
        account.settings = {**account.settings, "exemption": "M07"}
        db.session.commit()
        return {name: make_document(store, "waiting", order_id=order).id for name, order in orders.items()}


def load_products(stack: LocalStack, code: str, own: bool) -> dict[str, int]:
    """Add products, changes and a run; return their numbers by name.

    With `own` they belong to the store's own account, in two places.
    """
    from dev.factories import make_account
    from dev.stock_factories import make_catalogue, make_synced_sku
    from shopapp.models import Product, now

    with _open_store(stack, code) as store:
        store.ready_at = store.ready_at or now()
        account = _account(store) if own else make_account(store, fingerprint="sample")
        pairs = zip(account.choices["warehouses"], account.choices["locations"], strict=False) if own else ()
        account.settings |= {"stock_places": [[one[0], other[0]] for one, other in pairs]}
        rows = make_catalogue(store, account)
        for warehouse, location in account.stock_places[1:]:
            make_synced_sku(account, "OLA-0006", "2", 2, warehouse=warehouse, location=location)
        numbers = {f"goods-{n}" if isinstance(row, Product) else n: row.id for n, row in rows.items()}
        return {**numbers, "goods-sold": rows["OLA-0006"].id}


def set_run_progress(stack: LocalStack, code: str, where: str) -> None:
    """Set the store's open runs halfway, or at the differing levels, or mark one of them as failed."""
    from shopapp.models import SyncedSku, SyncRun, db, now
    from shopapp.models.sync_run import CATALOGUE_RUN, FAILED, OPEN, STOCK_RUN

    with _open_store(stack, code) as store:
        account = _account(store)
        catalogue = SyncRun.last(account.id, CATALOGUE_RUN, OPEN)
        stock = SyncRun.last(account.id, STOCK_RUN, OPEN)
        assert stock is not None
        if where == "midway" and catalogue is not None:
            catalogue.phase, catalogue.seen, catalogue.total = "matching", 1240, 3187
            stock.seen, stock.reason, stock.not_before = 1500, "unreachable", now() + timedelta(minutes=4)
        elif where == "settling" and catalogue is not None:
            catalogue.state, catalogue.ended_at = "done", now()
            stock.phase, stock.differing, stock.reason = "settling", 20, ""
            found = db.session.query(SyncedSku).filter_by(account_id=account.id, reason="")
            found.update({"run_id": stock.id, "due_at": now()})
        else:
            stock.state, stock.reason, stock.ended_at = FAILED, "unreachable", now()
        db.session.commit()


def load_special_documents(stack: LocalStack, code: str) -> dict[str, int]:
    """Add open order notes, a transport guide and a free order; return their numbers by name."""
    from dev.factories import make_document
    from shopapp.models.cause import ORDER_NOTE
    from shopapp.models.document import ISSUED, WAITING

    with _open_store(stack, code) as store:
        open_note: dict[str, Any] = {"state": ISSUED, "cause": ORDER_NOTE, "kind": "NE"}
        made = {
            "note": make_document(store, number="NE 41", **open_note),
            "note-cancelled": make_document(store, number="NE 42", alarm="note-cancelled", **open_note),
            "note-changed": make_document(store, number="NE 43", alarm="note-changed", **open_note),
            "guide": make_document(store, number="GT 2026GT/7", cause="transport", kind="GT"),
            "free": make_document(store, WAITING, reason="free", total="0.00"),
        }
        return {name: document.id for name, document in made.items()}
