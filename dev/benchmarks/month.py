"""Measure the pages of a month with 12,000 documents, in a shop with a year of them, on SQLite and on PostgreSQL.

`make bench ARGS=month`. Times are of whole requests inside the process.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert, select, text

from dev.factories import make_account, make_store
from dev.local_stack import load_or_create_secrets
from dev.report_factories import issue, line
from dev.servers import Postgres
from shopapp import create_app
from shopapp.models import BrowserSession, Document, DocumentLine, DocumentPayment, Store, db, set_clock

MONTHS, A_MONTH, RUNS = 4, 12_000, 15
RATES = (("23", "23"), ("23", "6"), ("6", "13"), ("23", "0"))
NOWHERE = "http://127.0.0.1:9"
PAGES = {
    "month, by document date": "/reports?mes=2026-11",
    "month, by payment date": "/reports?mes=2026-11&por=pagamento",
    "quarter": "/reports?mes=2026-T4",
    "documents behind a rate": "/reports/documents?mes=2026-11&regiao=PT&taxa=23",
    "documents of the month": "/reports/documents?mes=2026-11",
}


def fill(store: Store) -> None:
    """Store the documents of some months, two lines each, alike but for day, number and amounts."""
    sample = issue(store, [line("12.30"), line("10.60", "6")], datetime(2026, 7, 31, 12, tzinfo=UTC))
    unlike = (
        "id",
        "order_id",
        "reference",
        "number",
        "issued_on",
        "issued_at",
        "paid_at",
        "link_token",
        "link_hash",
    )
    same = {c.name: getattr(sample, c.name) for c in Document.__table__.columns if c.name not in unlike}
    for month in range(12 - MONTHS, 12):
        first = datetime(2026, month, 1, 12, tzinfo=UTC)
        rows = [_document(same, first + timedelta(days=n % 27), f"{month}{n:05}") for n in range(A_MONTH)]
        db.session.execute(insert(Document), rows)
        ids = db.session.scalars(select(Document.id).order_by(Document.id.desc()).limit(A_MONTH)).all()
        db.session.execute(
            insert(DocumentLine), [one for at, key in enumerate(ids) for one in _lines(key, at)]
        )
        paid = [
            {"document_id": key, "mechanism": ("MB", "CC")[key % 2], "amount": Decimal("22.90")}
            for key in ids
        ]
        db.session.execute(insert(DocumentPayment), paid)
        db.session.commit()


def _document(same: dict[str, Any], at: datetime, number: str) -> dict[str, Any]:
    return {
        **same, "order_id": number, "reference": f"QI-{number}", "number": f"FR 2026FR/{int(number)}",
        "issued_on": at.date(), "issued_at": at, "paid_at": at, "link_token": number, "link_hash": number,
    }  # fmt: skip


def _lines(document_id: int, at: int) -> Iterator[dict[str, Any]]:
    for position, rate in enumerate(RATES[at % len(RATES)]):
        each = line("12.30" if position else "10.60", rate, exemption="" if rate != "0" else "M07")
        columns = (
            c.name for c in DocumentLine.__table__.columns if c.name not in ("id", "document_id", "position")
        )
        yield {
            "document_id": document_id,
            "position": position,
            **{name: getattr(each, name) for name in columns},
        }


@contextmanager
def opened(url: str, folder: Path) -> Iterator[tuple[Flask, FlaskClient]]:
    """Return an app on a filled database, and a browser with the store's session."""
    env = load_or_create_secrets(folder / "secrets.json") | {
        "APP_URL": "http://localhost", "REDIS_URL": "redis://127.0.0.1:9/0", "DATABASE_URL": url, "VIES_URL": NOWHERE,
        "JUMPSELLER_CLIENT_ID": "x", "JUMPSELLER_CLIENT_SECRET": "y", "JUMPSELLER_ACCOUNTS_URL": NOWHERE,
        "JUMPSELLER_API_URL": NOWHERE, "JUMPSELLER_ADMIN_ORIGINS": "http://admin.localhost", "IGEST_URL": NOWHERE,
        "ALLOW_PLAIN_HTTP": "1",
    }  # fmt: skip
    app = create_app(env)
    app.test_cli_runner().invoke(args=["release"])
    client = app.test_client()
    with app.app_context():
        store = make_store()
        make_account(store)
        fill(store)
        with client.session_transaction() as session:
            session.update(key=BrowserSession.begin(store), store=store.id)
        if db.engine.dialect.name == "postgresql":
            db.session.execute(text("ANALYZE"))  # as its autovacuum does within a minute
            db.session.commit()
        db.session.remove()
    yield app, client


def measure(client: FlaskClient, name: str, path: str) -> None:
    """Print the median and the slowest of some requests."""
    taken = []
    for _ in range(RUNS):
        began = time.perf_counter()
        answer = client.get(path)
        taken.append((time.perf_counter() - began) * 1000)
        assert answer.status_code == 200, path
    print(
        f"  {name:<28} median {statistics.median(taken):7.1f} ms   slowest {max(taken):7.1f} ms", flush=True
    )


def main(words: list[str]) -> int:
    """Measure on each database that is named, or on both."""
    set_clock(lambda: datetime(2026, 12, 1, 9, tzinfo=UTC))
    kinds = words or ["sqlite", "postgres"]
    with tempfile.TemporaryDirectory() as kept:
        folder = Path(kept)
        for kind in kinds:
            server = Postgres() if kind == "postgres" else None
            if server:
                server.start()
            url = server.create_database("bench") if server else f"sqlite:///{folder / 'bench.sqlite'}"
            print(f"{kind}: {A_MONTH} documents a month, {MONTHS} months", flush=True)
            with opened(url, folder) as (_, client):
                for name, path in PAGES.items():
                    measure(client, name, path)
            if server:
                server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
