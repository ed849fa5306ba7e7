"""The work on products and stock that nobody waits for: store by store, a little at a time, at each side's own pace.

Called by `jobs`: workers do a step, the clock begins what is due. One worker at a time is at a store's goods. What is
to be done stands in the rows; a worker that dies leaves them as they are.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import cached_property

from sqlalchemy import exists, or_, select
from sqlalchemy.exc import OperationalError

from shopapp import catalogue, connect, levelling, making, settling, stocking
from shopapp.fiscal.errors import AppError, CredentialsError, ThrottledError, TransientError
from shopapp.models import Account, Ordered, Product, Run, Stocked, Store, db, moment, now
from shopapp.models.ordered import UNREAD
from shopapp.models.run import CATALOGUE, CREATE, FAILED, OPEN, STOCK, UNDO
from shopapp.models.store import INSTALLED
from shopapp.platforms.base import Platform
from shopapp.providers.base import Provider

log = logging.getLogger("quickinvoice.goods")

STEP_SECONDS = 2.0
"""How long one step stays with a store; then documents have their turn."""
MOST_TRIES = 12
DAILY = 86400.0

_last = 0
"""The store that this process was at last: the next one's turn comes."""


class _Sides:
    """Both sides of a store, opened when first asked for, each at its own pace."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._shops_pace = connect.Pace(connect.platform_class(store.platform).pace)
        self._paces: dict[int, connect.Pace] = {}
        self._providers: dict[int, Provider] = {}
        self.asked: Account | None = None
        """Whose program was opened last."""

    @cached_property
    def shop(self) -> Platform:
        return connect.platform_of(self._store, self._shops_pace)

    def provider(self, account: Account) -> Provider:
        self.asked = account
        if account.paused_until is not None and account.paused_until > now():
            raise TransientError("unreachable")
        if account.id not in self._providers:
            self._providers[account.id] = connect.provider_of(account, pace=self.pace(account))
        db.session.commit()
        return self._providers[account.id]

    def pace(self, account: Account) -> connect.Pace:
        able = connect.provider_class(account.provider).capabilities
        return self._paces.setdefault(account.id, connect.Pace(able.pace))

    @property
    def calls(self) -> int:
        return sum(pace.calls for pace in (self._shops_pace, *self._paces.values()))


def step() -> bool:
    """True when something was done for a store's goods; False when nothing is due. Commits."""
    global _last
    store = _next(_last)
    if store is None:
        return False
    _last = store.id
    if not store.lease("stock", float(connect.setting("LEASE_SECONDS"))):
        return False
    db.session.refresh(store)
    lease, until, sides, moved = (
        store.stock_lease_until,
        time.monotonic() + STEP_SECONDS,
        _Sides(store),
        False,
    )
    db.session.commit()
    try:
        while time.monotonic() < until and _act(store, sides, until):
            moved = True
    except AppError as error:
        db.session.rollback()
        _failed(store, sides.asked, error)
    except OperationalError:
        raise
    except (
        Exception
    ):  # a bug of ours must not stop documents: what was under way is due again by its own lease
        db.session.rollback()
        log.exception("store %s: goods", store.id)
    finally:
        db.session.rollback()
        store.release("stock", lease)
    return moved


def _due(store_id: object) -> list[object]:
    present = Account.store_id == store_id, Account.active_until.is_(None)
    return [
        exists().where(Stocked.store_id == store_id, Stocked.due_at <= moment()),
        exists().where(Product.store_id == store_id, Product.stale_at <= moment(), *present),
        exists().where(Ordered.store_id == store_id, Ordered.state == UNREAD, Ordered.not_before <= moment()),
        exists().where(Run.store_id == store_id, Run.state == OPEN, Run.not_before <= moment()),
    ]


def _next(after: int) -> Store | None:
    """The next store after that one with something due and nobody at it. Commits."""
    free = or_(Store.stock_lease_until.is_(None), Store.stock_lease_until < moment())
    mine = select(Store).where(Store.state == INSTALLED, free, or_(*_due(Store.id)))  # type: ignore[arg-type]
    found: Store | None = db.session.scalar(mine.order_by((Store.id > after).desc(), Store.id).limit(1))
    db.session.commit()
    return found


def any_due() -> bool:
    """True when some store has something due and nobody at it."""
    return _next(0) is not None


def _act(store: Store, sides: _Sides, until: float) -> bool:
    """True when one thing was done: an order or a product read, a page of a run, some levels settled. Commits."""
    account = Account.of(store)
    db.session.commit()
    acts: tuple[Callable[[], bool], ...] = (
        lambda: catalogue.read_order(store, account, sides.shop),
        lambda: account is not None and catalogue.read_told(account, sides.shop, sides.pace(account)),
        lambda: stocking.settle(store.id, sides, until),
        lambda: _page(store, sides),
    )
    return any(act() for act in acts)


def _page(store: Store, sides: _Sides) -> bool:
    """True when an open run is one page further. Commits."""
    run = Run.take(store.id, float(connect.setting("LEASE_SECONDS")))
    if run is None:
        return False
    account = db.session.get_one(Account, run.account_id)
    db.session.commit()
    if account.active_until is not None or (run.kind == STOCK and not account.follows):
        run.end(FAILED, "off")
        return True
    if run.tries > MOST_TRIES + 1:
        log.error("run %s is given up: nobody comes to the end of its page", run.id)
        run.end(FAILED, "internal")
        return True
    before = sides.calls
    try:
        if run.kind == CATALOGUE:
            catalogue.page(run, account, sides.shop, sides.pace(account))
        elif run.kind == STOCK:
            levelling.page(run, account, sides.provider(account))
        elif run.kind == CREATE:
            making.page(run, account, sides.pace(account))
        elif run.kind == UNDO:
            levelling.undo_page(run)
    except AppError as error:
        db.session.rollback()
        _run_failed(run, error)
        raise
    run.went_on(sides.calls - before)
    db.session.commit()
    return True


def _run_failed(run: Run, error: AppError) -> None:
    """Nothing; the page is tried again later, or the run is over where it was tried often enough. Commits."""
    if run.tries > MOST_TRIES:
        run.end(FAILED, error.code)
        return
    wait = float(connect.setting("RETRY_SECONDS")) * 2 ** min(run.tries - 1, 5)
    if isinstance(error, ThrottledError) and error.retry_after:
        wait = max(error.retry_after, 1.0)
    run.keep(wait, reason=error.code, detail=dict(error.detail))
    db.session.commit()


def _failed(store: Store, account: Account | None, error: AppError) -> None:
    """Nothing; what was under way is due again by its own lease. Commits."""
    log.warning("store %s: goods: %s", store.id, error.code)
    if isinstance(error, CredentialsError) and error.code == "store-access":
        connect.lost_access(store)
    elif isinstance(error, CredentialsError) and account is not None:
        settling.refuse_account(account, error)


# what is begun by time


def begin_due() -> int:
    """How many runs were begun: stock every few minutes, the whole list of goods once a day. Commits."""
    begun = 0
    rows = select(Account).join(Store).where(Account.active_until.is_(None), Store.state == INSTALLED)
    following = [account for account in db.session.scalars(rows) if account.follows]
    db.session.commit()
    for account in following:
        if account.refused_at is not None:
            continue
        due = levelling.next_at(account)
        first = Run.last(account.id, CATALOGUE) is None
        if not catalogue.is_as_chosen(account) or first:
            if catalogue.begin(account, "setup"):
                begun += 1
                # before anything is levelled: else their goods would be given back to the shop
                levelling.tell_anew(account)
        elif _older(Run.last(account.id, CATALOGUE), DAILY):
            begun += catalogue.begin(account, "clock")
        elif Run.has_read(account.id) and (due is None or due < now()):
            begun += levelling.begin(account, "clock")
        db.session.commit()
    return begun


def _older(run: Run | None, seconds: float) -> bool:
    return run is None or (run.state != OPEN and (now() - run.begun_at).total_seconds() > seconds)
