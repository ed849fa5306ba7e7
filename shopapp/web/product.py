"""One product's page: what it is on both sides, why it stands where it stands, and the remedies.

Browsers with a session, each for its own store alone. Binding and making ask the provider while the page waits; levels
are altered by the workers alone.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from shopapp import catalogue, jobs, levelling, making, matching
from shopapp.fiscal import tax
from shopapp.fiscal.errors import AppError
from shopapp.models import Account, Product, db, shelf
from shopapp.web.choosing import lists_of, today
from shopapp.web.formats import percent
from shopapp.web.forms import typed_in
from shopapp.web.journal import all_told, label_of
from shopapp.web.session import store_required
from shopapp.web.sheet import LARGEST
from shopapp.web.shelving import in_shop, shown
from shopapp.web.tongue import gettext
from shopapp.web.wording import say

bp = Blueprint("product", __name__, url_prefix="/products")

Answer = Response | str | tuple[str, int]


def treatments(account: Account) -> list[tuple[str, str]]:
    """What an article may be taxed with, as value and label: the rates of where orders leave from, then the reasons."""
    region = account.settings.get("ship_from") or "PT"
    names = {
        "normal": gettext("taxa normal"),
        "intermediate": gettext("taxa intermédia"),
        "reduced": gettext("taxa reduzida"),
    }
    rates = {category: tax.rate(region, category, today()) for category in tax.CATEGORIES}
    found = [
        (category, f"{percent(rate)}, {names[category]}")
        for category, rate in rates.items()
        if rate is not None
    ]
    exempt = [(code, f"{percent(0)}, {code}: {label}") for code, label, *_ in lists_of(account)["exemptions"]]
    return exempt if account.settings.get("regime") == "art53_exempt" else [*found, *exempt]


def _mine(number: int) -> shelf.Shelved:
    """The store's own goods of that number; 404 for anybody else's, and where nothing is matched."""
    account: Account | None = g.account
    able = account is not None and number < LARGEST and matching.looks_up(account)
    found = shelf.one(account, number) if account is not None and able else None
    if found is None:
        abort(404)
    return found


def _page(row: shelf.Shelved, status: int = 200, **more: Any) -> tuple[str, int]:
    account: Account = g.account
    sku = row.product.sku
    context: dict[str, Any] = {
        "row": row,
        "product": row.product,
        "article": row.article,
        "shown": shown(account, [row])[0],
        "levels": shelf.levels(account, [sku]).get(sku, []) if sku else [],
        "changes": all_told(account, shelf.changes_of(account, sku)) if sku else [],
        "label": label_of(account),
        "shop_url": in_shop(row.product),
        "treatments": treatments(account),
        "places": _named(account, "locations"),
        "warehouses": _named(account, "warehouses"),
        "wrong": {},
        "typed": {},
        **more,
    }
    return render_template("product.html", **context), status


def _named(account: Account, which: str) -> dict[str, str]:
    """What the account, or the shop, calls its places, by code."""
    return {str(code): str(name) for code, name, *_ in lists_of(account)[which]}


@bp.get("/<int:number>")
@store_required
def one(number: int) -> Answer:
    """The product's page."""
    return _page(_mine(number))


def _done(row: shelf.Shelved, text: str) -> Response:
    """The product's page again; its stock follows from now on, where stock follows."""
    catalogue.follow(g.account, [row.product.sku])
    db.session.commit()
    jobs.ring()
    flash(text)
    return redirect(url_for("product.one", number=row.product.id), 303)


def _refused(number: int, error: AppError, field: str, typed: str) -> tuple[str, int]:
    db.session.rollback()
    said = say(error.code, error.detail, label_of(g.account))
    return _page(
        _mine(number), 422, wrong={field: f"{said.cause} {said.remedy}".strip()}, typed={field: typed}
    )


@bp.post("/<int:number>/bind")
@store_required
def bind(number: int) -> Answer:
    """The SKU is that article from now on, whatever it is called; the provider is asked whether it is there."""
    row = _with_sku(number)
    code = typed_in(request.form.get("code", ""))[:80]
    if not code:
        return _page(row, 422, wrong={"code": gettext("Escreva a referência do artigo.")})
    db.session.commit()
    try:
        matching.bind(g.account, row.product.sku, code)
    except AppError as error:
        return _refused(number, error, "code", code)
    return _done(row, gettext("Ligado: as próximas vendas levam o artigo %(code)s.", code=code))


def _with_sku(number: int) -> shelf.Shelved:
    row = _mine(number)
    if not row.product.sku:
        abort(404)
    return row


@bp.post("/<int:number>/unbind")
@store_required
def unbind(number: int) -> Answer:
    """What was bound by hand is forgotten: the SKU is looked for again."""
    row = _with_sku(number)
    db.session.commit()
    matching.unbind(g.account, row.product.sku)
    return _done(row, gettext("A ligação feita à mão foi desfeita. Procuramos o SKU de novo."))


@bp.post("/<int:number>/create")
@store_required
def create(number: int) -> Answer:
    """The SKU has an article: the one that is there after all, or one made with the tax that was chosen."""
    row = _with_sku(number)
    chosen = request.form.get("treatment", "")
    if chosen not in dict(treatments(g.account)):
        return _page(row, 422, wrong={"treatment": gettext("Escolha a taxa de IVA.")})
    category, exemption = making.split(chosen)
    product: Product = row.product
    db.session.commit()
    try:
        matching.create(g.account, product.sku, product.name, category, exemption, product.kind == "goods")
    except AppError as error:
        return _refused(number, error, "treatment", chosen)
    return _done(
        row, gettext("O artigo %(sku)s está no %(provider)s.", sku=product.sku, provider=label_of(g.account))
    )


@bp.post("/<int:number>/right")
@store_required
def put_right(number: int) -> Answer:
    """What was left alone is held together once more, and the side that follows takes the other's level."""
    row = _with_sku(number)
    for level in shelf.levels(g.account, [row.product.sku]).get(row.product.sku, []):
        levelling.put_right(level)
    return _done(row, gettext("Pedido feito: os dois lados ficam iguais dentro de segundos."))
