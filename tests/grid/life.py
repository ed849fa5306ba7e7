"""What a forked child of a case does: web, workers, clock and merchant in one, until all is at rest or its time is up.

Called by `slot` in the child. The moves are the program's own; an error that leaves one ends it as it would end a job,
and the next begins. Never judges.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from flask import Flask
from sqlalchemy import func, select

from shopapp import deciding, jobs
from shopapp.fiscal.errors import MerchantError
from shopapp.models import Account, Document, FollowUp, Hook, Store, db, now
from shopapp.models.followup import DUE
from shopapp.models.states import ISSUED, WAITING
from tests.grid.cases import OF_EARLY, OF_THE_WEB, Case
from tests.grid.shop import HOOKS_TOKEN, GridShop

log = logging.getLogger("quickinvoice.grid")

NUMBER = "1001"
"""Of the one order of a case."""
AT_REST, TIME_IS_UP = 0, 3
STEP = 0.05
"""Seconds between two looks at what is due."""


@dataclass
class Life:
    """One child of one case."""

    app: Flask
    case: Case
    program: str
    seconds: float
    settle: float
    posted: bool = field(default=False)
    """Whether the shop heard 200 for its hook."""
    refused: str = ""
    """Why the page did not take what the merchant found."""

    def live(self) -> int:
        """AT_REST or TIME_IS_UP."""
        until = time.monotonic() + self.seconds
        self.posted = (GridShop.folder / "posted").exists()
        while time.monotonic() < until:
            for act in (self._authorise, self._hook):
                self._try(act)
            with self.app.app_context():
                for act in (self._clock, self._work, self._pay, self._merchant):
                    self._try(act)
                try:
                    if self._rests():
                        return AT_REST
                except Exception:
                    db.session.rollback()
                    log.exception("looking")
            time.sleep(STEP)
        return TIME_IS_UP

    @staticmethod
    def _try(act: Callable[[], object]) -> None:
        try:
            act()
        except Exception:
            log.exception("a job ended")
        finally:
            if act.__name__ not in ("_authorise", "_hook"):
                db.session.remove()

    # the browser and the shop, through the web app

    def _authorise(self) -> None:
        """The merchant presses "Yes, Authorize" where there is no store yet, or no grant."""
        with self.app.app_context():
            store = Store.find("fakeshop", "fake")
            there = store is not None and store.state == "installed"
            db.session.remove()
        if there:
            return
        browser = self.app.test_client()
        asked = browser.get("/install", base_url="https://localhost")
        state = parse_qs(urlsplit(asked.headers["Location"]).query)["state"][0]
        browser.get(
            "/install/callback", query_string={"state": state, "code": "c"}, base_url="https://localhost"
        )

    def _hook(self) -> None:
        """The shop posts its hook until it hears 200."""
        if self.posted or self.case.point in OF_EARLY:
            return
        with self.app.app_context():
            store = Store.find("fakeshop", "fake")
            key = store.hook_key if store is not None and store.ready_at is not None else ""
            db.session.remove()
        if not key:
            return
        body = b'{"order": {"id": %s}}' % NUMBER.encode()
        headers = {"Signature": HOOKS_TOKEN, "Event": "order_paid"}
        if (
            self.app.test_client().post(f"/hooks/fakeshop/{key}", data=body, headers=headers).status_code
            == 200
        ):
            self.posted = True
            (GridShop.folder / "posted").touch()

    # the clock and a worker

    def _clock(self) -> None:
        jobs.tick(self.app)

    def _work(self) -> None:
        jobs.loop(time.monotonic() + 5)

    def _pay(self) -> None:
        """The buyer of an order that was only placed changes it and pays, once what it is owed until then is done."""
        self.posted = self.posted or (GridShop.folder / "posted").exists()
        if self.case.point not in OF_EARLY or self.posted:
            return
        store = Store.find("fakeshop", "fake")
        row = Document.of(store.id, NUMBER) if store is not None else None
        owed = db.session.scalar(select(func.count()).select_from(FollowUp).where(FollowUp.state == DUE))
        number = (
            store.id if store is not None and row is not None and row.state == WAITING and not owed else 0
        )
        # a hook is kept on a connection of its own: SQLite lets nobody else write meanwhile
        db.session.rollback()
        if not number:
            return
        (GridShop.folder / "paid").touch()
        Hook.keep(number, "order_paid", "second", b'{"order": {"id": %s}}' % NUMBER.encode())
        self.posted = True
        (GridShop.folder / "posted").touch()

    # the merchant

    def _merchant(self) -> None:
        """Sets up what is not, issues what is blocked, and answers what waits for him, after a look at his program."""
        set_up(self.case)
        if self.case.point in OF_EARLY and not self.posted:
            return
        for document in db.session.scalars(select(Document)).all():
            if document.state in ("blocked", "waiting", "void"):
                deciding.issue(document)
            elif document.state == "review" and (now() - document.changed_at).total_seconds() > self.settle:
                db.session.commit()
                self._answer(document)

    def _answer(self, document: Document) -> None:
        listed: list[Any] = requests.get(f"{self.program}/sandbox/documents", timeout=10).json()
        ours = [one for one in listed if one["entity"] == str(self.case.number)]
        try:
            if ours:
                deciding.exists(document, ours[0]["number"], Decimal(ours[0]["total"]))
            else:
                deciding.absent(document)
        except MerchantError as refused:
            db.session.rollback()
            self.refused = refused.code
        except deciding.AlreadyMoved:
            db.session.rollback()

    # rest

    def _rests(self) -> bool:
        """True when nothing is due, nor will be."""
        states = list(db.session.scalars(select(Document.state)))
        owed = db.session.scalar(select(func.count()).select_from(FollowUp).where(FollowUp.state == DUE))
        new = db.session.scalar(select(func.count()).select_from(Hook).where(Hook.state == "new"))
        stuck = db.session.scalar(select(func.count()).select_from(Store).where(Store.state != "installed"))
        db.session.rollback()
        final = all(state == ISSUED or self._waits_for_good(state) for state in states)
        return bool(states) and final and not owed and not new and not stuck and self.posted

    def _waits_for_good(self, state: str) -> bool:
        """A document of another total, whose answer was lost too: the page does not take it for ours."""
        return state == "review" and self.refused == "total-not-ours" and self.case.answer == "wrong-total"


def set_up(case: Case) -> None:
    """Nothing; the store, where it is installed, has its account and is ready. Commits."""
    store = Store.find("fakeshop", "fake")
    if store is None or store.ready_at is not None:
        db.session.rollback()
        return
    account = Account.connected(store, "plain", f"plain-{case.number}")
    number = str(case.number)
    account.credentials = {"key": f"key-of-{number}", "entity": number, "promise": case.promise}
    account.settings = {"kind": "FR", "series": {"FR": "2026P"}, "automatic": True}
    if case.point in OF_EARLY:
        account.settings = {**account.settings, "drafts": True}
    store.ready_at = GridShop.ready_at
    db.session.commit()


def begun_by_hand(case: Case) -> None:
    """Nothing; the store is there as a case begins, unless its point is passed while it installs. Commits."""
    if case.point.startswith("install"):
        return
    store = Store.installed("fakeshop", "fake", name="Fake", language="pt")
    store.hooks_token = HOOKS_TOKEN
    store.keep_tokens("access-1", "refresh-1", -1 if case.point.startswith("refresh") else 3600)
    store.hooks_checked_at = store.reconciled_at = store.hooks_token_read_at = now()
    db.session.commit()
    set_up(case)
    if case.point in OF_EARLY:
        (GridShop.folder / "placed").touch()
        Hook.keep(store.id, "order_pending_payment", "first", b'{"order": {"id": %s}}' % NUMBER.encode())
    elif case.point not in OF_THE_WEB:
        Hook.keep(store.id, "order_paid", "first", b'{"order": {"id": %s}}' % NUMBER.encode())
        (GridShop.folder / "posted").touch()
