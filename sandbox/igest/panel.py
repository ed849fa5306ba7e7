"""The merchant's panel: the Jumpseller integration and its keys, documents, articles, stock.

Registered by the app; what its buttons do is also called by the control routes. A merchant in doubt looks
here whether a document exists.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request
from werkzeug.wrappers import Response

from . import issuing, keeping, paper
from .asked import Refusal
from .entities import Entity
from .faults import KINDS
from .ledger import Entry
from .office import Office
from .sums import text

MOST_ROWS = 200


def activate(office: Office, entity: Entity) -> None:
    """Nothing; the integration is active from now on, with the keys it had."""
    if not entity.active_since:
        entity.active_since = office.clock.now().strftime("%Y-%m-%d %H:%M:%S")
        office.keep(entity)


def deactivate(office: Office, entity: Entity) -> None:
    """Nothing; every call of the entity is refused from now on."""
    entity.active_since = ""
    office.keep(entity)


def rotate(office: Office, entity: Entity) -> None:
    """Nothing; both keys are new and the old ones good for nothing."""
    entity.rotation += 1
    office.keep(entity)


INTEGRATION: dict[str, Callable[[Office, Entity], None]] = {
    "activate": activate,
    "deactivate": deactivate,
    "rotate": rotate,
}


def stock_rows(office: Office, entity: Entity) -> list[dict[str, Any]]:
    """Each article with its stock in each warehouse (one nameless place where the entity has none)."""
    places = [place.code for place in entity.warehouses] or [""]
    stocks = office.books.stocks
    return [
        article | {"stock": {place: str(stocks.level(entity.number, article, place)) for place in places}}
        for article in stocks.articles(entity.number)
    ]


def panel(office: Office) -> Blueprint:
    """The pages around one office."""
    pages = Blueprint("panel", __name__, url_prefix="/panel")

    def entity(number: str) -> Entity:
        return office.entities.get(number) or abort(404)

    @pages.get("/")
    def choose() -> str:
        return render_template("choose.html", entities=office.entities.values())

    @pages.get("/<number>/")
    def front(number: str) -> Response:
        return redirect(f"/panel/{number}/integracoes")

    @pages.get("/<number>/integracoes")
    def integrations(number: str) -> str:
        chosen = entity(number)
        key, code = chosen.keys(office.seed)
        return render_template("integrations.html", entity=chosen, key=key, code=code)

    @pages.post("/<number>/integracoes/<any(activate, deactivate, rotate):what>")
    def integration(number: str, what: str) -> Response:
        INTEGRATION[what](office, entity(number))
        return redirect(f"/panel/{number}/integracoes", 303)

    _articles(office, pages, entity)
    _sales(office, pages, entity)
    _faults(office, pages)
    return pages


def _articles(office: Office, pages: Blueprint, entity: Callable[[str], Entity]) -> None:
    @pages.get("/<number>/artigos")
    def articles(number: str) -> str:
        chosen, words = entity(number), request.args.get("q", "").strip()
        found = [
            row
            for row in stock_rows(office, chosen)
            if words.casefold() in f"{row['ref']} {row['description']}".casefold()
        ]
        shown = found[:MOST_ROWS]
        return render_template("articles.html", entity=chosen, rows=shown, found=len(found), words=words)

    @pages.get("/<number>/artigos/<int:identity>")
    def article(number: str, identity: int) -> str:
        return _article_page(office, entity(number), identity, "")

    @pages.post("/<number>/artigos/<int:identity>")
    def change(number: str, identity: int) -> Response | tuple[str, int]:
        chosen = entity(number)
        found = office.books.stocks.numbered(number, str(identity)) or abort(404)
        form = request.form
        try:
            if "retirar" in form:
                keeping.withdraw(office, chosen, found)
            else:
                for place in [one.code for one in chosen.warehouses] or [""]:
                    if counted := form.get(f"stock-{place}", "").strip():
                        keeping.put(office, chosen, found, place, Decimal(counted.replace(",", ".")))
                keeping.rename(office, chosen, found, form.get("referencia", ""), form.get("descricao", ""))
        except Refusal as no:
            return _article_page(office, chosen, identity, str(no)), 422
        except ArithmeticError:
            return _article_page(office, chosen, identity, "Quantidade inválida."), 422
        return redirect(f"/panel/{number}/artigos/{identity}", 303)


def _article_page(office: Office, entity: Entity, identity: int, complaint: str) -> str:
    stocks = office.books.stocks
    article = stocks.numbered(entity.number, str(identity)) or abort(404)
    places = [(one.code, one.name) for one in entity.warehouses] or [("", "Stock")]
    moves = [move for move in stocks.moves if move.article is article]
    return render_template(
        "article.html",
        entity=entity,
        article=article,
        levels=[(code, name, text(stocks.level(entity.number, article, code))) for code, name in places],
        moves=moves[: -MOST_ROWS - 1 : -1],
        complaint=complaint,
    )


def _sales(office: Office, pages: Blueprint, entity: Callable[[str], Entity]) -> None:
    @pages.get("/<number>/vendas")
    def sales(number: str) -> str:
        chosen = entity(number)
        since, until, words = (request.args.get(name, "").strip() for name in ("de", "ate", "q"))
        found = [entry for entry in office.books.of(chosen.number) if _listed(entry, since, until, words)]
        return render_template(
            "sales.html",
            entity=chosen,
            rows=found,
            state=office.books.state,
            since=since,
            until=until,
            words=words,
        )

    @pages.get("/<number>/vendas/<int:document>")
    def sale(number: str, document: int) -> str:
        chosen = entity(number)
        return _sale_page(office, chosen, office.books.document(chosen.number, document) or abort(404), "")

    @pages.get("/<number>/vendas/<int:document>/2a-via.pdf")
    def copy(number: str, document: int) -> Response:
        chosen = entity(number)
        entry = office.books.document(chosen.number, document) or abort(404)
        return Response(paper.pdf(chosen, entry, office.books.annulled(entry)), mimetype="application/pdf")

    @pages.post("/<number>/vendas/<int:document>/<any(anular, recibo):what>")
    def correct(number: str, document: int, what: str) -> Response | tuple[str, int]:
        chosen = entity(number)
        entry = office.books.document(chosen.number, document) or abort(404)
        try:
            if what == "anular":
                issuing.annul(office, chosen, entry, request.form.get("motivo", "").strip())
            else:
                issuing.settle(office, chosen, entry)
        except Refusal as no:
            return _sale_page(office, chosen, entry, str(no)), 422
        return redirect(f"/panel/{number}/vendas/{document}", 303)


def _faults(office: Office, pages: Blueprint) -> None:
    @pages.get("/avarias")
    def faults() -> str:
        return render_template("faults.html", kinds=KINDS, faults=office.faults.as_json()["faults"])

    @pages.post("/avarias")
    def order_fault() -> Response:
        office.faults.by_form(request.form)
        return redirect("/panel/avarias", 303)


def _sale_page(office: Office, entity: Entity, entry: Entry, complaint: str) -> str:
    mails = [mail["to"] for mail in office.books.mails if mail["id"] == entry["id"]]
    return render_template(
        "sale.html",
        entity=entity,
        entry=entry,
        state=office.books.state(entry),
        mails=mails,
        notes=office.books.credits(entry),
        complaint=complaint,
    )


def _listed(entry: Entry, since: str, until: str, words: str) -> bool:
    if (since and entry["date"] < since) or (until and entry["date"] > until):
        return False
    buyer = entry["customer"]
    where = (entry["number"], entry["observacoes"], buyer["name"], buyer["nif"], entry["totals"]["gross"])
    return not words or any(words.casefold() in text.casefold() for text in where)
