"""The merchant's panel: documents, drafts, dossiers, customers, articles, series and the installation's keys.

A merchant who is unsure whether a document exists looks here.
"""

from __future__ import annotations

from urllib.parse import quote

from flask import Blueprint, abort, redirect, render_template, request
from werkzeug.wrappers import Response

from sandbox.core.panel import panel_blueprint

from . import document_pdf, manual_actions
from .database import Database
from .faults import STEPS
from .program_state import ProgramState
from .record_types import BO, FT
from .wire import Refusal, Row

ACTIONS = {"assinar": "sign", "anular": "annul", "apagar": "delete", "receber": "receipt"}
MAX_ROWS = 100
"""The most articles on a page."""
FLAGS = ("permiteRascunho", "assinaImprimir", "serieImportacao", "inactivo")


def panel_pages(program: ProgramState) -> Blueprint:
    """Return the panel's pages."""
    pages = panel_blueprint(program.faults, "step", "Passo", ("*", *STEPS))

    def company(path: str, code: str) -> Database:
        return program.databases.get((path, code)) or abort(404)

    @pages.get("/")
    def choose() -> str:
        return render_template("choose.html", program=program)

    @pages.get("/<path>/<code>/")
    def front(path: str, code: str) -> Response:
        return redirect(f"/panel/{path}/{code}/documentos")

    @pages.get("/<path>/<code>/<any(documentos, rascunhos):what>")
    def listed(path: str, code: str, what: str) -> str:
        database, words = company(path, code), request.args.get("q", "").strip()
        rows = [
            row
            for row in database.rows("Ft")
            if row["draftRecord"] == (what == "rascunhos") and _matches_search(row, words)
        ]
        return render_template("documents.html", base=database, rows=rows[::-1], what=what, words=words)

    @pages.get("/<path>/<code>/dossiers")
    def dossiers(path: str, code: str) -> str:
        database = company(path, code)
        return render_template("dossiers.html", base=database, rows=database.rows("Bo")[::-1])

    @pages.get("/<path>/<code>/fichas")
    def cards(path: str, code: str) -> str:
        return render_template("cards.html", base=company(path, code))

    _article_routes(program, pages)
    _record_routes(program, pages)
    _settings_routes(program, pages)
    return pages


def _article_routes(program: ProgramState, pages: Blueprint) -> None:
    @pages.get("/<path>/<code>/artigos")
    def articles(path: str, code: str) -> str:
        database, words = program.databases.get((path, code)) or abort(404), request.args.get("q", "").strip()
        return _articles_page(database, words, "")

    @pages.post("/<path>/<code>/artigos")
    def keep(path: str, code: str) -> Response | tuple[str, int]:
        database, form = program.databases.get((path, code)) or abort(404), request.form
        ref, wanted = (
            form.get("ref", "").strip(),
            {"design": form.get("design", ""), "inactivo": "inactivo" in form},
        )
        stamp = form.get("ststamp", "")
        try:
            with program.lock:
                manual_actions.edit_article(
                    program, database, wanted | ({"ststamp": stamp, "to": ref} if stamp else {"ref": ref})
                )
                for name, level in form.items():
                    if name.startswith("stock-"):
                        place = name.removeprefix("stock-")
                        manual_actions.edit_stock(
                            program, database, {"ref": ref, "warehouse": place, "to": level}
                        )
        except Refusal as no:
            return _articles_page(database, ref, str(no)), 422
        return redirect(f"/panel/{path}/{code}/artigos?q={quote(ref)}", 303)


def _articles_page(database: Database, words: str, complaint: str) -> str:
    """Render the first articles with these words in reference or name, with their stock."""
    folded_words = words.casefold()
    found = [
        row for row in database.rows("St") if folded_words in f"{row['ref']}\n{row['design']}".casefold()
    ]
    rows = [
        (row, {held["armazem"]: held["stock"] for held in database.find_indexed("Sa", row["ref"])})
        for row in found[:MAX_ROWS]
    ]
    stock_movements = database.find_indexed("Sl", found[0]["ref"])[::-1][:MAX_ROWS] if len(found) == 1 else []
    return render_template(
        "articles.html",
        base=database,
        rows=rows,
        many=len(found),
        words=words,
        moves=stock_movements,
        places=database.rows("Sz"),
        complaint=complaint,
    )


def _matches_search(row: Row, words: str) -> bool:
    where = (row["uniqueID"], row["obs"], row["nome"], row["ncont"], str(row["etotal"]))
    return not words or any(words.casefold() in text.casefold() for text in where)


def _record_routes(program: ProgramState, pages: Blueprint) -> None:
    def found(path: str, code: str, stamp: str) -> tuple[Database, Row]:
        database = program.databases.get((path, code)) or abort(404)
        return database, database.get("Ft", stamp) or database.get("Bo", stamp) or abort(404)

    def page(database: Database, row: Row, complaint: str) -> str:
        kind = BO if "bostamp" in row else FT
        mails = [mail["to"] for mail in program.mails if mail["id"] == row[kind.stamp]]
        return render_template(
            "record.html", base=database, row=row, paper=kind, mails=mails, complaint=complaint
        )

    @pages.get("/<path>/<code>/registo/<stamp>")
    def record(path: str, code: str, stamp: str) -> str:
        return page(*found(path, code, stamp), "")

    @pages.get("/<path>/<code>/registo/<stamp>.pdf")
    def printed(path: str, code: str, stamp: str) -> Response:
        database, row = found(path, code, stamp)
        return Response(
            document_pdf.render_pdf(database, BO if "bostamp" in row else FT, row), mimetype="application/pdf"
        )

    @pages.post("/<path>/<code>/registo/<stamp>/<any(assinar, anular, apagar, receber):what>")
    def act(path: str, code: str, stamp: str, what: str) -> Response | tuple[str, int]:
        database, row = found(path, code, stamp)
        try:
            with program.lock:
                manual_actions.ACTIONS[ACTIONS[what]](program, database, stamp)
        except Refusal as no:
            return page(database, row, str(no)), 422
        where = "rascunhos" if what == "apagar" else f"registo/{stamp}"
        return redirect(f"/panel/{path}/{code}/{where}", 303)


def _settings_routes(program: ProgramState, pages: Blueprint) -> None:
    @pages.get("/<path>/<code>/series")
    def series(path: str, code: str) -> str:
        database = program.databases.get((path, code)) or abort(404)
        return render_template(
            "series.html", base=database, facts=program.installations[path], token=program.token(path),
            url=f"{program.public}/{path}", used=program.used(path), flags=FLAGS,
        )  # fmt: skip

    @pages.post("/<path>/<code>/series")
    def change(path: str, code: str) -> Response:
        database = program.databases.get((path, code)) or abort(404)
        number = request.form["ndoc"]
        if not number.isdecimal() or database.find("Td", ndoc=int(number)) is None:
            abort(404)
        wanted: Row = {"ndoc": int(number), "codigoValidacao": request.form.get("codigoValidacao", "")}
        with program.lock:
            manual_actions.save_row(
                database, "series", wanted | {name: name in request.form for name in FLAGS}
            )
        return redirect(f"/panel/{path}/{code}/series", 303)

    @pages.post("/<path>/<code>/plano")
    def plan(path: str, code: str) -> Response:
        if (path, code) not in program.databases:
            abort(404)
        allowance = request.form.get("allowance", "0")
        program.change_installation(
            path, plan=request.form.get("plan", ""), allowance=int(allowance) if allowance.isdecimal() else 0
        )
        return redirect(f"/panel/{path}/{code}/series", 303)
