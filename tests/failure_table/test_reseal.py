"""`flask reseal` beside work that is done: no error, no document lost or twice, and the old key can go.

Marked `sweep`: `tests/security/test_keys.py` proves the parts in `make test`.
"""

from __future__ import annotations

import base64
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask

from shopapp import encryption
from shopapp.fiscal.party import Address, Party
from shopapp.jobs import reseal
from shopapp.models import Document, db
from shopapp.models.key_usage import count_by_key
from shopapp.models.queries.documents import DocumentFilters, list_documents
from tests.fakes import World
from tests.security.conftest import log_in

ORDERS = 60


@pytest.mark.sweep
def test_resealing_beside_the_work_makes_no_error_and_loses_nothing(
    app: Flask,
    world: World,
    make_app: Callable[..., Flask],
    settings: dict[str, str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    new = base64.b64encode(b"n" * 32).decode()
    old = encryption.key_ids()[0]
    numbers = [str(1001 + at) for at in range(ORDERS)]
    buyer = Party(
        name="Ana Exemplo", tax_id="501964843", address=Address("Rua 1", "1000-100", "Lisboa", "PT")
    )
    for number in numbers[: ORDERS // 2]:
        world.pay_order(number, buyer=buyer)
    world.run_due_work()
    app.config["SEAL_KEYS"] = encryption.parse_keys(f"{new},{settings['SEAL_KEYS']}")
    stopped = threading.Event()

    def reseal_again_and_again() -> int:
        passes = 0
        with app.app_context():
            while not stopped.is_set() or not passes:
                assert reseal.reseal_all(lambda line: None) == []
                passes += 1
        return passes

    with ThreadPoolExecutor(1) as pool:
        beside = pool.submit(reseal_again_and_again)
        try:
            for number in numbers[ORDERS // 2 :]:
                world.pay_order(number, buyer=buyer)
                world.run_due_work()
        finally:
            stopped.set()
        assert beside.result() > 0
    assert [one.getMessage() for one in caplog.records if one.levelno >= logging.ERROR] == []
    assert {world.document(number).state for number in numbers} == {"issued"}
    assert len(world.provider.ledger) == ORDERS
    db.session.rollback()
    with app.app_context():
        assert reseal.reseal_all(lambda line: None) == []
    assert not [name for name, rows in count_by_key().items() if rows[old]]
    client = log_in(make_app(SEAL_KEYS=new), world.store)
    for document in db.session.query(Document):
        assert client.get(f"/documents/{document.id}").status_code == 200
    with app.app_context():
        app.config["SEAL_KEYS"] = encryption.parse_keys(new)
        found = list_documents(world.store, DocumentFilters(text="501964843")).rows
    assert len(found) == 50, "a page of the list"
