"""Search what a run has left for its secrets and its buyers: at every torture run, and at the demo with `MARKERS=1`.

A marker is a value that must not leak. The markers are the run's own values: tokens, keys and signing secrets, read
with the app's key from its database, and every buyer's name, tax id, address and e-mail. A secret may stand nowhere:
not in a log, in Valkey, in the list of processes, on a page, nor readable in the database. A buyer may stand in no log,
not in Valkey, and on no page of another store.
"""

from __future__ import annotations

import base64
import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import redis
from flask import Flask
from sqlalchemy import select

from dev.local_stack import LocalStack
from shopapp import create_app
from shopapp.connections.provider import provider_class
from shopapp.models import Account, BrowserSession, Document, Store, db

APP_LOGS = ("release", "web", "worker", "clock", "reseal")
SHORTEST = 5
"""A shorter text may stand anywhere by chance, so it is not searched for."""
NOT_PERSONAL = {"consumidor final", "999999990", "portugal", "lisboa", "porto", ""}
_PAGES = (
    "/",
    "/documents",
    "/documents?estado=espera",
    "/products",
    "/products/changes",
    "/setup",
    "/decisions",
    "/help",
)
_NEWEST_DOCUMENTS = 25


@dataclass
class Findings:
    """The places that were searched, and those in which a marker was found."""

    secrets: int = 0
    buyers: int = 0
    searched: dict[str, int] = field(default_factory=dict)
    """Characters by place."""
    wrong: list[str] = field(default_factory=list)

    @property
    def lines(self) -> list[str]:
        """Return the figures as they are printed."""
        places = ", ".join(f"{place} {size // 1024:,} KiB" for place, size in self.searched.items())
        return [
            f"markers     {self.secrets} secrets, {self.buyers} buyers' values; {len(self.wrong)} found in {places}"
        ]


def search(stack: LocalStack, keys: Iterable[str] = ()) -> Findings:
    """Search the logs, Valkey, processes, pages and database of a stack that runs; `keys` are former SEAL_KEYS."""
    found = Findings()
    app = create_app(stack.env)
    with app.app_context():
        secrets, buyers = _secrets(app, {stack.env["SEAL_KEYS"], *keys}), _buyers()
        db.session.rollback()
        found.secrets, found.buyers = len(secrets), len({one for values in buyers.values() for one in values})
        everyone = {f"buyer of store {store}": one for store, values in buyers.items() for one in values}
        text = _logs(stack)
        _look(found, "logs", text, secrets | _named(everyone, text))
        text = _valkey(stack)
        _look(found, "valkey", text, secrets | _named(everyone, text))
        _look(
            found,
            "processes",
            subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout,
            secrets,
        )
        _look(found, "database", _database(), secrets)
        for store, text in _pages(app).items():
            own = buyers.get(store, set())
            others = {one for other, values in buyers.items() if other != store for one in values} - own
            _look(
                found,
                f"pages of store {store}",
                text,
                secrets | {f"another store's buyer {one}": one for one in others},
            )
    return found


def _named(buyers: Mapping[str, str], text: str) -> dict[str, str]:
    return {f"{name} {value!r}": value for name, value in buyers.items() if value in text}


def _look(found: Findings, place: str, text: str, markers: Mapping[str, str]) -> None:
    found.searched[place] = len(text)
    for name, value in markers.items():
        if value in text:
            found.wrong.append(f"{name} stands in {place}: …{_around(text, value)}…")


def _around(text: str, value: str) -> str:
    at = text.index(value)
    return text[max(0, at - 60) : at].replace("\n", " ") + "***"


def _secrets(app: Flask, keys: Iterable[str]) -> dict[str, str]:
    found = {
        name: str(app.config[name])
        for name in ("SECRET_KEY", "JUMPSELLER_CLIENT_SECRET", "SHOPKIT_WEBHOOK_SECRET")
        if app.config.get(name)
    }
    for text in sorted({one for each in keys for one in each.split(",")}):
        found[f"a key of SEAL_KEYS ({len(found)})"] = text
        found[f"the same in hex ({len(found)})"] = base64.b64decode(text).hex()
    for store in db.session.scalars(select(Store)):
        for name in ("access_token", "refresh_token", "hooks_token"):
            found[f"{name} of store {store.id}"] = getattr(store, name) or ""
    for account in db.session.scalars(select(Account)):
        secret = [one.name for one in provider_class(account.provider).credential_fields if one.secret]
        for name, value in (account.credentials or {}).items():
            if name in secret:
                found[f"{name} of account {account.id}"] = value
    return {name: value for name, value in found.items() if len(value) >= SHORTEST}


def _buyers() -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for document in db.session.scalars(select(Document).where(Document.buyer_sealed.is_not(None))):
        buyer = document.buyer or {}
        values = [
            buyer.get("name"),
            buyer.get("tax_id"),
            buyer.get("email"),
            *(buyer.get("address") or ())[:1],
        ]
        kept = found.setdefault(document.store_id, set())
        kept.update(v for v in values if v and len(v) >= SHORTEST and v.casefold() not in NOT_PERSONAL)
    return found


def _logs(stack: LocalStack) -> str:
    paths = (stack.logs / f"{name}.log" for name in APP_LOGS)
    text = "\n".join(path.read_text(errors="replace") for path in paths if path.exists())
    # what is not ASCII is escaped there
    return re.sub(r"\\u([0-9a-f]{4})", lambda match: chr(int(match.group(1), 16)), text)


def _valkey(stack: LocalStack) -> str:
    with redis.from_url(stack.env["REDIS_URL"]) as connection:
        dumped: Iterable[bytes] = (
            key + b" " + (connection.dump(key) or b"") for key in connection.scan_iter()
        )
        return b"\n".join(dumped).decode("latin-1")


def _database() -> str:
    rows = (
        str(tuple(bytes(one).decode("latin-1") if isinstance(one, bytes) else one for one in row))
        for table in db.metadata.tables.values()
        for row in db.session.execute(select(*table.columns))
    )
    text = "\n".join(rows)
    db.session.rollback()
    return text


def _pages(app: Flask) -> dict[int, str]:
    found = {}
    for store in db.session.scalars(select(Store)).all():
        client = app.test_client()
        with client.session_transaction() as session:
            session.update(key=BrowserSession.begin(store), store=store.id)
        newest = select(Document.id).where(Document.store_id == store.id).order_by(Document.id.desc())
        numbers = db.session.scalars(newest.limit(_NEWEST_DOCUMENTS)).all()
        db.session.rollback()
        paths = [
            *_PAGES,
            *(f"/setup/keys/{name}" for name in ("igest", "phcgo")),
            *(f"/documents/{n}" for n in numbers),
        ]
        found[store.id] = "\n".join(client.get(path).get_data(as_text=True) for path in paths)
    return found
