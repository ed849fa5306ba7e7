"""Made-up rows laid into a house's own database, so that each page has something to show for `dev.shots`.

Nobody works in the house meanwhile. Each function opens the app on the house's settings and commits.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from dev.house import House

if TYPE_CHECKING:
    from shopapp.models import Account, Store


@contextmanager
def _opened(house: House, code: str) -> Iterator[Store]:
    """The store of that shop, inside an app on the house's settings."""
    from shopapp import create_app
    from shopapp.models import Store

    with create_app(house.env).app_context():
        store = Store.find("jumpseller", code)
        assert store is not None
        yield store


def _account(store: Store) -> Account:
    from shopapp.models import Account

    account = Account.of(store)
    assert account is not None
    return account


def made_up(house: House, code: str) -> dict[str, int]:
    """The numbers of made-up documents in every state, by name, laid into the store's own rows."""
    from tests.make import make_world

    with _opened(house, code) as store:
        return {name: document.id for name, document in make_world(store, _account(store)).items()}


def stop_issuing(house: House, code: str) -> None:
    """The account's keys are refused from now on."""
    from shopapp.models import db, now

    with _opened(house, code) as store:
        account = _account(store)
        account.refused_at, account.refused_code = now(), "keys-refused"
        account.refused_detail = {"kind": "inactive", "answer": "A integração Jumpseller não está ativa."}
        db.session.commit()


def waiting_for(house: House, code: str, orders: dict[str, str]) -> dict[str, int]:
    """The numbers of documents that wait for these orders of the shop, by name; an exemption is chosen first."""
    from shopapp.models import db
    from tests.make import make_document

    with _opened(house, code) as store:
        account = _account(store)
        account.settings = {**account.settings, "exemption": "M07"}
        db.session.commit()
        return {name: make_document(store, "waiting", order_id=order).id for name, order in orders.items()}


def shelved(house: House, code: str, own: bool) -> dict[str, int]:
    """The numbers of made-up goods, changes and a run, by name; `own`: of the store's own account, in two places."""
    from shopapp.models import Product, now
    from tests.make import make_account
    from tests.make_shelf import make_level, make_shelf

    with _opened(house, code) as store:
        store.ready_at = store.ready_at or now()
        account = _account(store) if own else make_account(store, fingerprint="of the shelf")
        pairs = zip(account.choices["warehouses"], account.choices["locations"], strict=False) if own else ()
        account.settings |= {"stock_places": [[one[0], other[0]] for one, other in pairs]}
        laid = make_shelf(store, account)
        for warehouse, location in account.places[1:]:
            make_level(account, "OLA-0006", "2", 2, warehouse=warehouse, location=location)
        numbers = {f"goods-{n}" if isinstance(row, Product) else n: row.id for n, row in laid.items()}
        return {**numbers, "goods-sold": laid["OLA-0006"].id}


def brought(house: House, code: str, where: str) -> None:
    """Nothing; the store's open runs are halfway, or at the levels that differ, or one of them was given up."""
    from shopapp.models import Run, Stocked, db, now
    from shopapp.models.run import CATALOGUE, FAILED, OPEN, STOCK

    with _opened(house, code) as store:
        account = _account(store)
        listed, stock = Run.last(account.id, CATALOGUE, OPEN), Run.last(account.id, STOCK, OPEN)
        assert stock is not None
        if where == "midway" and listed is not None:
            listed.phase, listed.seen, listed.total = "matching", 1240, 3187
            stock.seen, stock.reason, stock.not_before = 1500, "unreachable", now() + timedelta(minutes=4)
        elif where == "settling" and listed is not None:
            listed.state, listed.ended_at = "done", now()
            stock.phase, stock.differing, stock.reason = "settling", 20, ""
            found = db.session.query(Stocked).filter_by(account_id=account.id, reason="")
            found.update({"run_id": stock.id, "due_at": now()})
        else:
            stock.state, stock.reason, stock.ended_at = FAILED, "unreachable", now()
        db.session.commit()


def beside(house: House, code: str) -> dict[str, int]:
    """The numbers of order notes that nobody closes, a transport guide and an order given away, by name."""
    from shopapp.models.states import ISSUED, WAITING
    from shopapp.preparing import NOTE
    from tests.make import make_document

    with _opened(house, code) as store:
        open_note: dict[str, Any] = {"state": ISSUED, "cause": NOTE, "kind": "NE"}
        made = {
            "note": make_document(store, number="NE 41", **open_note),
            "note-cancelled": make_document(store, number="NE 42", alarm="note-cancelled", **open_note),
            "note-changed": make_document(store, number="NE 43", alarm="note-changed", **open_note),
            "guide": make_document(store, number="GT 2026GT/7", cause="transport", kind="GT"),
            "free": make_document(store, WAITING, reason="free", total="0.00"),
        }
        return {name: document.id for name, document in made.items()}
