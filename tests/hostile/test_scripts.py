"""Hostile text in every field that an order, a product, a provider or a merchant fills, in Chromium without CSP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_sqlalchemy import SQLAlchemy
from playwright.sync_api import BrowserContext, Page, Route
from sqlalchemy import JSON, Text, select, update

from dev.stock_factories import make_catalogue
from shopapp.models import Account, Document
from shopapp.web.limits import limiter
from tests.fakes import PLATFORM_STATE, paid_order
from tests.hostile.conftest import FULL, Figures
from tests.hostile.scripts import SCRIPTS
from tests.security.conftest import StoreSession, fill_path, open_store_session, routes, search
from tests.security.test_headers import values

FIELDS = {
    "decision": ("answer",), "store": ("name", "email", "url"), "account": ("label", "nif"),
    "document_line": ("ref", "sku", "description", "exemption_mention"), "attempt": ("code",),
    "document": ("provider_id", "number", "series", "atcud", "provider_state", "pdf_url"),
    "article": ("sku", "article_id", "code", "name"), "product": ("sku", "name"), "stocked": ("sku", "rejected"),
    "stock_change": ("sku", "name", "order_id"), "unreadable_order": ("order_id", "status", "fields"),
    "hook": ("event",), "sale": ("paid_source",),
}  # fmt: skip
"""Columns with texts of others; each JSON column is filled as well, and each sealed text of a document."""
OWN_KEYS = ("question", "kinds", "kind", "series", "at", "stock", "warehouse", "region")
"""Keys of stored JSON whose values are the app's own words."""
STRAY = """() => [...document.querySelectorAll("*")].filter(one => {
    const bad = ["IFRAME", "OBJECT", "EMBED", "MATH", "STYLE", "BASE", "VIDEO", "B"].includes(one.tagName)
        && /alert|evil/.test(one.outerHTML);
    const inline = one.tagName === "SCRIPT" && !one.src;
    return bad || inline || [...one.attributes].some(at => /^on/i.test(at.name) || at.name === "style"
        || /^[\\s\\x00-\\x1f]*(javascript|data):/i.test(at.value) && ["href", "src", "action"].includes(at.name)
        || /^(https?:)?\\/\\/evil/.test(at.value) && ["href", "src", "action"].includes(at.name)
            && !["A"].includes(one.tagName));
}).map(one => one.outerHTML.slice(0, 200))"""


def spoilt_json(content: Any, text: str, key: str = "") -> Any:
    if key in OWN_KEYS:
        return content
    if isinstance(content, dict):
        return {name: spoilt_json(one, text, name) for name, one in content.items()}
    if isinstance(content, list):
        return [spoilt_json(one, text) for one in content]
    return text if isinstance(content, str) else content


def fill(db: SQLAlchemy, shop: StoreSession, text: str, kept: dict[str, dict[int, dict[str, Any]]]) -> int:
    """Write the text into every field; return how many values were written. `kept` has the rows as they were."""
    written = 0
    for name, table in db.metadata.tables.items():
        texts = FIELDS.get(name, ())
        jsons = [column.name for column in table.columns if isinstance(column.type, JSON)]
        if not (texts or jsons) or "id" not in table.c:
            continue
        if name not in kept:
            found = db.session.execute(select(*(table.c[one] for one in ("id", *texts, *jsons)))).mappings()
            kept[name] = {row["id"]: dict(row) for row in found}
        for number, row in kept[name].items():
            changed = {one: spoilt_json(row[one], text) for one in jsons if row[one] and name != "account"}
            for one in texts:
                length = (
                    getattr(table.c[one].type, "length", None)
                    if not isinstance(table.c[one].type, Text)
                    else None
                )
                # a number is unique, also when it is cut
                end = {"sku": row[one], "number": str(number)}.get(one, "")
                if row[one] not in (None, ""):
                    changed[one] = text[: length - len(end) if length else None] + end
            if changed:
                db.session.execute(update(table).where(table.c.id == number).values(**changed))
                written += len(changed)
    for document in shop.documents.values():
        _fill_document(document, text)
        written += 8
    db.session.commit()
    return written


def _fill_document(document: Document, text: str) -> None:
    document.buyer = {"name": text, "tax_id": text[:20], "address": [text, text, text], "email": text}
    document.corrections = {"name": text, "tax_id": text[:20]}
    if document.draft_text:
        content = json.loads(document.draft_text)
        for line in content.get("lines", ()):
            line["description"] = line["sku"] = text
        content["customer"]["name"] = content["customer"]["email"] = text
        document.draft_text = json.dumps(content)
    order = paid_order(document.order_id)
    line = replace(order.lines[0], description=text, sku=text, unit_price=Decimal("12.30"))
    buyer = replace(order.buyer, name=text, company=text, email=text)
    PLATFORM_STATE.orders[document.order_id] = replace(order, lines=(line,), buyer=buyer)


class Browser:
    """Chromium whose requests the app answers in this process, without its Content-Security-Policy."""

    def __init__(self, page: Page, client: FlaskClient, figures: Figures) -> None:
        self.page, self.client, self.figures = page, client, figures
        self.where = ""
        page.route("**/*", self._answer)
        page.on("dialog", self._dialog)
        page.on("pageerror", lambda error: figures.fault("script error", f"{self.where} {error}"))

    def _answer(self, route: Route) -> None:
        request = route.request
        parts = urlsplit(request.url)
        if parts.netloc != "localhost":
            self.figures.fault("request elsewhere", f"{request.url} {self.where}")
            route.abort()
            return
        limiter.reset()
        answer = self.client.open(
            parts.path + (f"?{parts.query}" if parts.query else ""),
            method=request.method, data=request.post_data_buffer, buffered=True,
        )  # fmt: skip
        while answer.status_code in (301, 302, 303, 307) and answer.headers["Location"].startswith("/"):
            # Chromium would follow it past our answers, to the network
            answer = self.client.get(answer.headers["Location"], buffered=True)
        left_out = ("content-security-policy", "set-cookie", "content-length")
        headers = {name: value for name, value in answer.headers if name.lower() not in left_out}
        if request.is_navigation_request() and (answer.status_code == 204 or answer.mimetype != "text/html"):
            # Chromium shows no page for a download or for nothing at all
            self.figures["no page"] += 1
            route.fulfill(status=200, content_type="text/plain", body="")
            return
        route.fulfill(status=answer.status_code, headers=headers, body=answer.data)

    def _dialog(self, dialog: Any) -> None:
        self.figures.fault("run", f"{self.where} {self.page.url}")
        dialog.dismiss()

    def look(self, path: str, text: str) -> None:
        """Open the page, and find what the text became."""
        self.where = f"{path} with {text!a}"
        self.figures["pages"] += 1
        answer = self.page.goto(f"http://localhost{path}", wait_until="domcontentloaded")
        if answer is not None and answer.status >= 500:
            self.figures.fault(f"status {answer.status}", self.where)
        for stray in self.page.evaluate(STRAY):
            self.figures.fault("stray element", f"{stray} {self.where}")
        self.figures["seen as text"] += text[:40].strip() in self.page.content() or text[:12] in (
            self.page.evaluate("document.documentElement.textContent")
        )


def pages(app: Flask, shop: StoreSession, products: list[int]) -> list[str]:
    """Return the address of every page, each document's and some products' among them."""
    found = [f"/documents/bulk?do=issue&id={shop.documents['nif'].id}"]
    for rule in routes(app):
        endpoint = rule.endpoint.partition(".")[0]
        left_out = (
            "static",
            "public.buyer_pdf",
            "install.start",
            "install.callback",
            "delivery.pdf",
            "health.healthz",
        )
        if (
            "GET" not in (rule.methods or ())
            or rule.endpoint in left_out
            or rule.rule.endswith(("/pdf", "/version"))
        ):
            continue
        numbers: list[int] = [one.id for one in shop.documents.values()]
        if endpoint != "documents" and rule.rule.startswith("/products"):
            numbers = products
        if not rule.rule.endswith("<number>") and rule.arguments:
            numbers = numbers[:3]
        found += [fill_path(rule, {**values(shop), "number": number}) for number in numbers]
    return list(dict.fromkeys(found))


@pytest.fixture
def context(browser: Any) -> Iterator[BrowserContext]:
    context = browser.new_context(locale="pt-PT", ignore_https_errors=True)
    context.set_default_timeout(30_000)
    yield context
    context.close()


@pytest.mark.browser
@pytest.mark.timeout(0)
def test_no_text_becomes_script_or_markup_anywhere(
    app: Flask, db: SQLAlchemy, outside: None, context: BrowserContext, figures: Figures, errors: list[str]
) -> None:
    assert len(set(SCRIPTS)) == 69
    shop = open_store_session(app, "olariadosado")
    account = Account.find_current(shop.store)
    assert account is not None
    rows = make_catalogue(shop.store, account)
    products = [rows[name].id for name in ("twice", "refused", "bound", "stuck", "missing")]
    every = pages(app, shop, products)
    kept: dict[str, dict[int, dict[str, Any]]] = {}
    chromium = Browser(context.new_page(), shop.client, figures)
    for position, text in enumerate(SCRIPTS if FULL else SCRIPTS[9:40:25]):
        figures["strings"] += 1
        figures["values written"] += fill(db, shop, text.replace("\x01", ""), kept)
        chromium.look(search(shop, text, p="7d"), text)
        chromium.look(f"/documents?p={quote(text)}&estado={quote(text)}", text)
        for path in every if FULL else every[position::16]:
            chromium.look(path, text)
    figures.faults += errors
    assert figures["seen as text"] > figures["pages"] // 4
    figures.check()
