"""The merchant's panel: documents, drafts, dossiers, customers, articles, series, the keys of the installation.

Registered by the app. A merchant in doubt looks here whether a document exists.
"""

from __future__ import annotations

from urllib.parse import quote

from flask import Blueprint, abort, redirect, render_template, request
from werkzeug.wrappers import Response

from . import hands, paper
from .base import Base
from .completing import BO, FT
from .faults import MEANINGS, STEPS
from .office import Office
from .wire import Refusal, Row

ACTS = {"assinar": "sign", "anular": "annul", "apagar": "delete", "receber": "receipt"}
MOST = 100
"""Articles on one page."""
FLAGS = ("permiteRascunho", "assinaImprimir", "serieImportacao", "inactivo")


def panel(office: Office) -> Blueprint:
    """The pages around one office."""
    pages = Blueprint("panel", __name__, url_prefix="/panel")

    def company(path: str, code: str) -> Base:
        return office.bases.get((path, code)) or abort(404)

    @pages.get("/")
    def choose() -> str:
        return render_template("choose.html", installations=office.installations, office=office)

    @pages.get("/<path>/<code>/")
    def front(path: str, code: str) -> Response:
        return redirect(f"/panel/{path}/{code}/documentos")

    @pages.get("/<path>/<code>/<any(documentos, rascunhos):what>")
    def listed(path: str, code: str, what: str) -> str:
        base, words = company(path, code), request.args.get("q", "").strip()
        rows = [
            row
            for row in base.rows("Ft")
            if row["draftRecord"] == (what == "rascunhos") and _listed(row, words)
        ]
        return render_template("documents.html", base=base, rows=rows[::-1], what=what, words=words)

    @pages.get("/<path>/<code>/dossiers")
    def dossiers(path: str, code: str) -> str:
        base = company(path, code)
        return render_template("dossiers.html", base=base, rows=base.rows("Bo")[::-1])

    @pages.get("/<path>/<code>/fichas")
    def cards(path: str, code: str) -> str:
        return render_template("cards.html", base=company(path, code))

    _articles(office, pages)
    _records(office, pages)
    _settings(office, pages)
    _faults(office, pages)
    return pages


def _articles(office: Office, pages: Blueprint) -> None:
    @pages.get("/<path>/<code>/artigos")
    def articles(path: str, code: str) -> str:
        base, words = office.bases.get((path, code)) or abort(404), request.args.get("q", "").strip()
        return _shown(base, words, "")

    @pages.post("/<path>/<code>/artigos")
    def keep(path: str, code: str) -> Response | tuple[str, int]:
        base, form = office.bases.get((path, code)) or abort(404), request.form
        ref, wanted = (
            form.get("ref", "").strip(),
            {"design": form.get("design", ""), "inactivo": "inactivo" in form},
        )
        stamp = form.get("ststamp", "")
        try:
            with office.lock:
                hands.article(
                    office, base, wanted | ({"ststamp": stamp, "to": ref} if stamp else {"ref": ref})
                )
                for name, level in form.items():
                    if name.startswith("stock-"):
                        place = name.removeprefix("stock-")
                        hands.stock(office, base, {"ref": ref, "warehouse": place, "to": level})
        except Refusal as no:
            return _shown(base, ref, str(no)), 422
        return redirect(f"/panel/{path}/{code}/artigos?q={quote(ref)}", 303)


def _shown(base: Base, words: str, complaint: str) -> str:
    """The page of articles, the first of those with these words in reference or name, with their stock."""
    asked = words.casefold()
    found = [row for row in base.rows("St") if asked in f"{row['ref']}\n{row['design']}".casefold()]
    rows = [
        (row, {held["armazem"]: held["stock"] for held in base.alike("Sa", row["ref"])})
        for row in found[:MOST]
    ]
    moves = base.alike("Sl", found[0]["ref"])[::-1][:MOST] if len(found) == 1 else []
    return render_template("articles.html", base=base, rows=rows, many=len(found), words=words, moves=moves,
                           places=base.rows("Sz"), complaint=complaint)  # fmt: skip


def _listed(row: Row, words: str) -> bool:
    where = (row["uniqueID"], row["obs"], row["nome"], row["ncont"], str(row["etotal"]))
    return not words or any(words.casefold() in text.casefold() for text in where)


def _records(office: Office, pages: Blueprint) -> None:
    def found(path: str, code: str, stamp: str) -> tuple[Base, Row]:
        base = office.bases.get((path, code)) or abort(404)
        return base, base.get("Ft", stamp) or base.get("Bo", stamp) or abort(404)

    def page(base: Base, row: Row, complaint: str) -> str:
        kind = BO if "bostamp" in row else FT
        mails = [mail["to"] for mail in office.mails if mail["id"] == row[kind.stamp]]
        return render_template(
            "record.html", base=base, row=row, paper=kind, mails=mails, complaint=complaint
        )

    @pages.get("/<path>/<code>/registo/<stamp>")
    def record(path: str, code: str, stamp: str) -> str:
        return page(*found(path, code, stamp), "")

    @pages.get("/<path>/<code>/registo/<stamp>.pdf")
    def printed(path: str, code: str, stamp: str) -> Response:
        base, row = found(path, code, stamp)
        return Response(paper.pdf(base, BO if "bostamp" in row else FT, row), mimetype="application/pdf")

    @pages.post("/<path>/<code>/registo/<stamp>/<any(assinar, anular, apagar, receber):what>")
    def act(path: str, code: str, stamp: str, what: str) -> Response | tuple[str, int]:
        base, row = found(path, code, stamp)
        try:
            with office.lock:
                hands.ACTS[ACTS[what]](office, base, stamp)
        except Refusal as no:
            return page(base, row, str(no)), 422
        where = "rascunhos" if what == "apagar" else f"registo/{stamp}"
        return redirect(f"/panel/{path}/{code}/{where}", 303)


def _settings(office: Office, pages: Blueprint) -> None:
    @pages.get("/<path>/<code>/series")
    def series(path: str, code: str) -> str:
        base = office.bases.get((path, code)) or abort(404)
        return render_template(
            "series.html", base=base, facts=office.installations[path], token=office.token(path),
            url=f"{office.public}/{path}", used=office.used(path), flags=FLAGS,
        )  # fmt: skip

    @pages.post("/<path>/<code>/series")
    def change(path: str, code: str) -> Response:
        base = office.bases.get((path, code)) or abort(404)
        number = request.form["ndoc"]
        if not number.isdecimal() or base.find("Td", ndoc=int(number)) is None:
            abort(404)
        wanted: Row = {"ndoc": int(number), "codigoValidacao": request.form.get("codigoValidacao", "")}
        with office.lock:
            hands.put(base, "series", wanted | {name: name in request.form for name in FLAGS})
        return redirect(f"/panel/{path}/{code}/series", 303)

    @pages.post("/<path>/<code>/plano")
    def plan(path: str, code: str) -> Response:
        if (path, code) not in office.bases:
            abort(404)
        allowance = request.form.get("allowance", "0")
        office.change(
            path, plan=request.form.get("plan", ""), allowance=int(allowance) if allowance.isdecimal() else 0
        )
        return redirect(f"/panel/{path}/{code}/series", 303)


def _faults(office: Office, pages: Blueprint) -> None:
    @pages.get("/avarias")
    def faults() -> str:
        told = office.faults.as_json()["faults"]
        return render_template("faults.html", kinds=MEANINGS, steps=("*", *STEPS), faults=told)

    @pages.post("/avarias")
    def order() -> Response:
        office.faults.by_form(request.form)
        return redirect("/panel/avarias", 303)
