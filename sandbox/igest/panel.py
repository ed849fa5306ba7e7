"""The merchant's panel: the Jumpseller integration with its keys, documents, articles and stock.

A merchant who is unsure whether a document exists looks here.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request
from werkzeug.wrappers import Response

from sandbox.core.ledger import Entry
from sandbox.core.panel import panel_blueprint

from . import document_pdf, inventory, issue
from .document_request import Refusal
from .entities import Entity
from .program_state import ProgramState
from .sums import decimal_text

MAX_ROWS = 200


def activate(program: ProgramState, entity: Entity) -> None:
    """Activate the integration, with the entity's present keys."""
    if not entity.active_since:
        entity.active_since = program.clock.now().strftime("%Y-%m-%d %H:%M:%S")
        program.save_entities(entity)


def deactivate(program: ProgramState, entity: Entity) -> None:
    """Deactivate the integration: every call of the entity is refused."""
    entity.active_since = ""
    program.save_entities(entity)


def rotate_keys(program: ProgramState, entity: Entity) -> None:
    """Replace both keys; the old ones stop working."""
    entity.rotation += 1
    program.save_entities(entity)


INTEGRATION_ACTIONS: dict[str, Callable[[ProgramState, Entity], None]] = {
    "activate": activate,
    "deactivate": deactivate,
    "rotate": rotate_keys,
}


def stock_rows(program: ProgramState, entity: Entity) -> list[dict[str, Any]]:
    """Return each article with its stock by warehouse (`""` for an entity without warehouses)."""
    places = [place.code for place in entity.warehouses] or [""]
    stocks = program.index.inventory
    return [
        article | {"stock": {place: str(stocks.level_of(entity.number, article, place)) for place in places}}
        for article in stocks.active_articles(entity.number)
    ]


def panel_pages(program: ProgramState) -> Blueprint:
    """Return the panel's pages."""
    pages = panel_blueprint(program.faults, "method", "Método")

    def entity(number: str) -> Entity:
        return program.entities.get(number) or abort(404)

    @pages.get("/")
    def choose() -> str:
        return render_template("choose.html", entities=program.entities.values())

    @pages.get("/<number>/")
    def front(number: str) -> Response:
        return redirect(f"/panel/{number}/integracoes")

    @pages.get("/<number>/integracoes")
    def integrations(number: str) -> str:
        chosen = entity(number)
        key, code = chosen.keys(program.seed)
        return render_template("integrations.html", entity=chosen, key=key, code=code)

    @pages.post("/<number>/integracoes/<any(activate, deactivate, rotate):what>")
    def integration(number: str, what: str) -> Response:
        INTEGRATION_ACTIONS[what](program, entity(number))
        return redirect(f"/panel/{number}/integracoes", 303)

    _article_routes(program, pages, entity)
    _sale_routes(program, pages, entity)
    return pages


def _article_routes(program: ProgramState, pages: Blueprint, entity: Callable[[str], Entity]) -> None:
    @pages.get("/<number>/artigos")
    def articles(number: str) -> str:
        chosen, words = entity(number), request.args.get("q", "").strip()
        found = [
            row
            for row in stock_rows(program, chosen)
            if words.casefold() in f"{row['ref']} {row['description']}".casefold()
        ]
        shown = found[:MAX_ROWS]
        return render_template("articles.html", entity=chosen, rows=shown, found=len(found), words=words)

    @pages.get("/<number>/artigos/<int:identity>")
    def article(number: str, identity: int) -> str:
        return _article_page(program, entity(number), identity, "")

    @pages.post("/<number>/artigos/<int:identity>")
    def change(number: str, identity: int) -> Response | tuple[str, int]:
        chosen = entity(number)
        found = program.index.inventory.article_by_id(number, str(identity)) or abort(404)
        form = request.form
        try:
            if "retirar" in form:
                inventory.withdraw_article(program, chosen, found)
            else:
                for place in [one.code for one in chosen.warehouses] or [""]:
                    if counted := form.get(f"stock-{place}", "").strip():
                        inventory.set_stock(program, chosen, found, place, Decimal(counted.replace(",", ".")))
                inventory.rename_article(
                    program, chosen, found, form.get("referencia", ""), form.get("descricao", "")
                )
        except Refusal as no:
            return _article_page(program, chosen, identity, str(no)), 422
        except ArithmeticError:
            return _article_page(program, chosen, identity, "Quantidade inválida."), 422
        return redirect(f"/panel/{number}/artigos/{identity}", 303)


def _article_page(program: ProgramState, entity: Entity, identity: int, complaint: str) -> str:
    stocks = program.index.inventory
    article = stocks.article_by_id(entity.number, str(identity)) or abort(404)
    places = [(one.code, one.name) for one in entity.warehouses] or [("", "Stock")]
    moves = [move for move in stocks.stock_movements if move.article is article]
    return render_template(
        "article.html",
        entity=entity,
        article=article,
        levels=[
            (code, name, decimal_text(stocks.level_of(entity.number, article, code))) for code, name in places
        ],
        moves=moves[: -MAX_ROWS - 1 : -1],
        complaint=complaint,
    )


def _sale_routes(program: ProgramState, pages: Blueprint, entity: Callable[[str], Entity]) -> None:
    @pages.get("/<number>/vendas")
    def sales(number: str) -> str:
        chosen = entity(number)
        since, until, words = (request.args.get(name, "").strip() for name in ("de", "ate", "q"))
        found = [
            entry
            for entry in program.index.documents_of(chosen.number)
            if _matches_search(entry, since, until, words)
        ]
        return render_template(
            "sales.html",
            entity=chosen,
            rows=found,
            state=program.index.document_status,
            since=since,
            until=until,
            words=words,
        )

    @pages.get("/<number>/vendas/<int:document>")
    def sale(number: str, document: int) -> str:
        chosen = entity(number)
        return _sale_page(program, chosen, program.index.document(chosen.number, document) or abort(404), "")

    @pages.get("/<number>/vendas/<int:document>/2a-via.pdf")
    def copy(number: str, document: int) -> Response:
        chosen = entity(number)
        entry = program.index.document(chosen.number, document) or abort(404)
        return Response(
            document_pdf.render_pdf(chosen, entry, program.index.is_annulled(entry)),
            mimetype="application/pdf",
        )

    @pages.post("/<number>/vendas/<int:document>/<any(anular, recibo):what>")
    def correct(number: str, document: int, what: str) -> Response | tuple[str, int]:
        chosen = entity(number)
        entry = program.index.document(chosen.number, document) or abort(404)
        try:
            if what == "anular":
                issue.annul_document(program, chosen, entry, request.form.get("motivo", "").strip())
            else:
                issue.record_receipt(program, chosen, entry)
        except Refusal as no:
            return _sale_page(program, chosen, entry, str(no)), 422
        return redirect(f"/panel/{number}/vendas/{document}", 303)


def _sale_page(program: ProgramState, entity: Entity, entry: Entry, complaint: str) -> str:
    mails = [mail["to"] for mail in program.index.mails if mail["id"] == entry["id"]]
    return render_template(
        "sale.html",
        entity=entity,
        entry=entry,
        state=program.index.document_status(entry),
        mails=mails,
        notes=program.index.credit_notes(entry),
        complaint=complaint,
    )


def _matches_search(entry: Entry, since: str, until: str, words: str) -> bool:
    if (since and entry["date"] < since) or (until and entry["date"] > until):
        return False
    buyer = entry["customer"]
    where = (entry["number"], entry["observacoes"], buyer["name"], buyer["nif"], entry["totals"]["gross"])
    return not words or any(words.casefold() in text.casefold() for text in where)
