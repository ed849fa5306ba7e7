"""The baselines for answering a webhook: no work at all (`/bare`), and the least possible work (`/kept`).

Loaded by gunicorn in place of `wsgi`, with the same settings. `/kept` verifies the signature over the raw body
and makes one durable insert in its own transaction, with SQLAlchemy Core, into a table with the usual parts: a
key, a unique column, an index by store and time. No store is looked up and no header is added.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import uuid
from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from flask import Flask, abort, request
from sqlalchemy import event

TOKEN = "the shop's hooks token"

kept_webhooks = sa.Table(
    "bench_kept",
    sa.MetaData(),
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("key", sa.String(64), nullable=False, unique=True),
    sa.Column("store_id", sa.Integer, nullable=False),
    sa.Column("topic", sa.String(40), nullable=False),
    sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Index("ix_bench_kept_time", "store_id", "received_at"),
)


def engine_for(url: str) -> sa.Engine:
    """Return the baseline's engine; SQLite is as durable as in the app, and its writers are queued."""
    engine = sa.create_engine(url, pool_size=16)
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def _connect(connection: Any, _: Any) -> None:
            connection.isolation_level = None
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=3000"):
                connection.execute(f"PRAGMA {pragma}")

        @event.listens_for(engine, "begin")
        def _begin(connection: Any) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def create_app(url: str) -> Flask:
    """Return a WSGI app with these two addresses and nothing else."""
    app = Flask(__name__)
    engine = engine_for(url)

    @app.post("/bare")
    def bare() -> tuple[str, int]:
        return "", 204

    @app.post("/kept")
    def keep() -> tuple[str, int]:
        body = request.get_data()
        right = b64encode(hmac.new(TOKEN.encode(), body, hashlib.sha256).digest())
        if not hmac.compare_digest(right, request.headers.get("Jumpseller-Hmac-Sha256", "").encode()):
            abort(401)
        with engine.begin() as connection:
            row = {"key": uuid.uuid4().hex, "store_id": 1, "topic": "order_paid", "body": body}
            connection.execute(kept_webhooks.insert(), {**row, "received_at": datetime.now(UTC)})
        return "", 200

    return app


def __getattr__(name: str) -> Flask:
    """Create the app when gunicorn asks for it, so that importing this module for its table opens no database."""
    if name != "app":
        raise AttributeError(name)
    return create_app(os.environ["DATABASE_URL"])
