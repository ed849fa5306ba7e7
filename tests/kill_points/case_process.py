"""The forked child of a case: web, workers, clock and merchant in one process, until all is done or time is up.

It calls the app's own functions. An error that escapes one ends that job, and the next begins. It judges
nothing.
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

from shopapp.documents import merchant_actions
from shopapp.errors import MerchantError
from shopapp.jobs.clock import tick
from shopapp.jobs.worker import drain_due_work
from shopapp.models import Account, Document, FollowUp, Store, Webhook, db, now
from shopapp.models.document import ISSUED, WAITING
from shopapp.models.followup import DUE
from tests.kill_points.cases import PROVIDER_DRAFT_POINTS, WEB_POINTS, Case
from tests.kill_points.folder_platform import HOOKS_TOKEN, FolderPlatform

log = logging.getLogger("quickinvoice.grid")

NUMBER = "1001"
"""The number of the one order of a case."""
AT_REST, TIME_IS_UP = 0, 3
POLL_SECONDS = 0.05
"""Seconds between two checks for due work."""


@dataclass
class CaseProcess:
    """One child of one case."""

    app: Flask
    case: Case
    stand_in_url: str
    seconds: float
    settle: float
    posted: bool = field(default=False)
    """Whether the shop's webhook was answered with 200."""
    refused: str = ""
    """Why the page did not accept the merchant's answer."""

    def run(self) -> int:
        """Run until all is done or time is up; return AT_REST or TIME_IS_UP."""
        until = time.monotonic() + self.seconds
        self.posted = (FolderPlatform.folder / "posted").exists()
        while time.monotonic() < until:
            for act in (self._authorise, self._post_webhook):
                self._try(act)
            with self.app.app_context():
                for act in (self._clock, self._work, self._pay, self._merchant):
                    self._try(act)
                try:
                    if self._is_idle():
                        return AT_REST
                except Exception:
                    db.session.rollback()
                    log.exception("looking")
            time.sleep(POLL_SECONDS)
        return TIME_IS_UP

    @staticmethod
    def _try(act: Callable[[], object]) -> None:
        try:
            act()
        except Exception:
            log.exception("a job ended")
        finally:
            if act.__name__ not in ("_authorise", "_post_webhook"):
                db.session.remove()

    # The browser and the shop, through the web app

    def _authorise(self) -> None:
        """Press "Yes, Authorize" as the merchant where there is no store yet, or no grant."""
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

    def _post_webhook(self) -> None:
        """Post the shop's webhook until it is answered with 200."""
        if self.posted or self.case.point in PROVIDER_DRAFT_POINTS:
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
            (FolderPlatform.folder / "posted").touch()

    # The clock and a worker

    def _clock(self) -> None:
        tick(self.app)

    def _work(self) -> None:
        drain_due_work(time.monotonic() + 5)

    def _pay(self) -> None:
        """Change and pay an order that was only placed, once its draft is up to date."""
        self.posted = self.posted or (FolderPlatform.folder / "posted").exists()
        if self.case.point not in PROVIDER_DRAFT_POINTS or self.posted:
            return
        store = Store.find("fakeshop", "fake")
        row = Document.find(store.id, NUMBER) if store is not None else None
        owed = db.session.scalar(select(func.count()).select_from(FollowUp).where(FollowUp.state == DUE))
        number = (
            store.id if store is not None and row is not None and row.state == WAITING and not owed else 0
        )
        # A webhook is stored over its own connection, because SQLite lets nobody else write at the time.
        db.session.rollback()
        if not number:
            return
        (FolderPlatform.folder / "paid").touch()
        Webhook.record(number, "order_paid", "second", b'{"order": {"id": %s}}' % NUMBER.encode())
        self.posted = True
        (FolderPlatform.folder / "posted").touch()

    # The merchant

    def _merchant(self) -> None:
        """Set up what is missing, issue what is blocked, and answer what waits, after a look at the provider."""
        set_up_store(self.case)
        if self.case.point in PROVIDER_DRAFT_POINTS and not self.posted:
            return
        for document in db.session.scalars(select(Document)).all():
            if document.state in ("blocked", "waiting", "void"):
                merchant_actions.request_issue(document)
            elif document.state == "review" and (now() - document.changed_at).total_seconds() > self.settle:
                db.session.commit()
                self._answer_review(document)

    def _answer_review(self, document: Document) -> None:
        listed: list[Any] = requests.get(f"{self.stand_in_url}/sandbox/documents", timeout=10).json()
        ours = [one for one in listed if one["entity"] == str(self.case.number)]
        try:
            if ours:
                merchant_actions.confirm_issued(
                    document,
                    ours[0]["number"],
                    Decimal(ours[0]["total"]),
                    f"JFX4RT2K-{ours[0]['number'].rpartition('/')[2]}",
                )
            else:
                merchant_actions.confirm_not_issued(document)
        except MerchantError as refused:
            db.session.rollback()
            self.refused = refused.code
        except merchant_actions.StateConflictError:
            db.session.rollback()

    # The end of the case

    def _is_idle(self) -> bool:
        """Return whether nothing is due, now or later."""
        states = list(db.session.scalars(select(Document.state)))
        owed = db.session.scalar(select(func.count()).select_from(FollowUp).where(FollowUp.state == DUE))
        new = db.session.scalar(select(func.count()).select_from(Webhook).where(Webhook.state == "new"))
        stuck = db.session.scalar(select(func.count()).select_from(Store).where(Store.state != "installed"))
        db.session.rollback()
        final = all(state == ISSUED or self._is_left_for_person(state) for state in states)
        return bool(states) and final and not owed and not new and not stuck and self.posted

    def _is_left_for_person(self, state: str) -> bool:
        """Return whether a document of another total, whose answer was also lost, waits for a person."""
        return state == "review" and self.refused == "total-not-ours" and self.case.answer == "wrong-total"


def set_up_store(case: Case) -> None:
    """Give the installed store its account and make it ready. Commits."""
    store = Store.find("fakeshop", "fake")
    if store is None or store.ready_at is not None:
        db.session.rollback()
        return
    account = Account.connect(store, "plain", f"plain-{case.number}")
    number = str(case.number)
    account.credentials = {"key": f"key-of-{number}", "entity": number, "promise": case.guarantee}
    account.settings = {"kind": "FR", "series": {"FR": "2026P"}, "automatic": True}
    if case.point in PROVIDER_DRAFT_POINTS:
        account.settings = {**account.settings, "drafts": True}
    store.ready_at = FolderPlatform.ready_at
    db.session.commit()


def prepare_store(case: Case) -> None:
    """Create the store at the start of the case, unless its failpoint is passed during installation. Commits."""
    if case.point.startswith("install"):
        return
    store = Store.install("fakeshop", "fake", name="Fake", language="pt")
    store.hooks_token = HOOKS_TOKEN
    store.set_tokens("access-1", "refresh-1", -1 if case.point.startswith("refresh") else 3600)
    store.hooks_checked_at = store.reconciled_at = store.hooks_token_read_at = now()
    db.session.commit()
    set_up_store(case)
    if case.point in PROVIDER_DRAFT_POINTS:
        (FolderPlatform.folder / "placed").touch()
        Webhook.record(store.id, "order_pending_payment", "first", b'{"order": {"id": %s}}' % NUMBER.encode())
    elif case.point not in WEB_POINTS:
        Webhook.record(store.id, "order_paid", "first", b'{"order": {"id": %s}}' % NUMBER.encode())
        (FolderPlatform.folder / "posted").touch()
