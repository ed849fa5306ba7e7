"""Many calls at the same instant, and other steps that several rows of the failure table need.

`NIGHTLY` uses the numbers of the failure table itself; `make test` uses smaller ones.
"""

from __future__ import annotations

import contextvars
import json
import os
import threading
import traceback
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from flask import Flask, current_app
from sqlalchemy import update

from shopapp.models import Account, Document, FollowUp, db
from tests.fakes import World

T = TypeVar("T")

EVERY_PLATFORM = pytest.mark.parametrize(
    "world", ["fakeshop", pytest.param("shopkit", marks=pytest.mark.sweep)], indirect=True
)
"""Runs a test with the fake platform, and with Shopkit's adapter and stand-in."""
IS_NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"


def run_concurrently(app: Flask, count: int, act: Callable[[], T], inside: bool = True) -> list[T]:
    """Call `act` in this many threads that start together, each in its own app context. Return the results."""
    results: list[T] = []
    errors: list[BaseException] = []
    begin = threading.Barrier(count)

    def run() -> None:
        try:
            begin.wait(30)
            if inside:
                with app.app_context():
                    results.append(act())
            else:
                results.append(act())
        except BaseException as error:  # noqa: BLE001  (raised below, where the test fails with it)
            errors.append(error)

    threads = [threading.Thread(target=contextvars.Context().run, args=(run,)) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results


def run_in_another_worker(app: Flask, act: Callable[[], T]) -> T:
    """Call `act` in another worker and return its result."""
    return run_concurrently(app, 1, act)[0]


def post_webhook(app: Flask, key: str, number: int, event: str = "order_paid", **more: Any) -> int:
    """Post a webhook to the address that ends in `key` and return the status."""
    body = json.dumps({"order": {"id": number, **more}}).encode()
    headers = {"Signature": "hooks-token", "Event": event}
    return app.test_client().post(f"/hooks/fakeshop/{key}", data=body, headers=headers).status_code


def expire_everything() -> None:
    """Expire every lease and make everything postponed due, as if time had passed. Commits."""
    db.session.rollback()
    db.session.execute(update(Document).values(lease_until=None).where(Document.state != "issuing"))
    db.session.execute(
        update(Document).values(lease_until=Document.created_at).where(Document.state == "issuing")
    )
    db.session.execute(
        update(Document).values(not_before=Document.created_at).where(Document.not_before.is_not(None))
    )
    db.session.execute(update(FollowUp).values(not_before=FollowUp.owed_at))
    db.session.execute(update(Account).values(paused_until=None, pauses=0))
    db.session.commit()
    current_app.extensions.pop("shop_calls", None)


def run_forked(app: Flask, act: Callable[[], object], wait: int = 0) -> tuple[int, int]:
    """Call `act` in a forked child, as a work-horse is forked from its worker. Return (pid, status).

    The child exits with the result of `act` (None: 0). `wait` are options of waitpid.
    """
    db.session.rollback()
    with warnings.catch_warnings():
        # Threads left by other tests hold no lock that the child needs.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        code: object = 70
        try:
            with app.app_context():
                db.engine.dispose(close=False)
                code = contextvars.Context().run(_in_app_context, app, act)
        except BaseException:  # noqa: BLE001  (printed here, as nobody else sees it)
            traceback.print_exc()
        finally:
            os._exit(code if isinstance(code, int) else 0 if code is None else 70)
    return pid, os.waitpid(pid, wait)[1]


def _in_app_context(app: Flask, act: Callable[[], T]) -> T:
    with app.app_context():
        return act()


def use_plain_provider(app: Flask, world: World, url: str, promise: str = "by_search") -> None:
    """Make the world's account one of the plain provider at this address."""
    app.config["PLAIN_URL"] = url
    world.account.provider = "plain"
    world.account.credentials = {"key": "key-of-1", "entity": "1", "promise": promise}
    db.session.commit()
