"""One product's page: shop product, provider article, stock and their actions.

Linking and creating an article ask the provider while the page waits; stock levels are changed only by
the workers.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from shopapp.connections.provider import provider_label
from shopapp.errors import AppError
from shopapp.fiscal import tax_tables
from shopapp.inventory import bulk_create, catalogue, line_articles, stock_runs
from shopapp.jobs.queue import notify_workers
from shopapp.messages.formats import percent, today
from shopapp.messages.i18n import gettext
from shopapp.messages.wording import message_for
from shopapp.models import Account, Product, db
from shopapp.models.queries import products
from shopapp.web.form_fields import MAX_ROW_ID, clean_text
from shopapp.web.limits import ARTICLES
from shopapp.web.products.history_rows import stock_change_rows
from shopapp.web.products.rows import product_summaries, shop_product_url
from shopapp.web.session import store_required

bp = Blueprint("product", __name__, url_prefix="/products")


def tax_treatments(account: Account) -> list[tuple[str, str]]:
    """Return the tax treatments of an article as (value, label): the region's rates, then exemptions."""
    region = account.chosen.ship_from or "PT"
    names = {
        "normal": gettext("taxa normal"),
        "intermediate": gettext("taxa intermédia"),
        "reduced": gettext("taxa reduzida"),
    }
    rates = {
        category: tax_tables.portuguese_rate(region, category, today())
        for category in tax_tables.VAT_CATEGORIES
    }
    found = [
        (category, f"{percent(rate)}, {names[category]}")
        for category, rate in rates.items()
        if rate is not None
    ]
    exempt = [(code, f"{percent(0)}, {code}: {label}") for code, label, *_ in account.lists.exemptions]
    return exempt if account.chosen.regime == "art53_exempt" else [*found, *exempt]


def _own_product_or_404(number: int) -> products.ProductRow:
    """Return the store's own product with that id; 404 for any other, or when articles are not supported."""
    account: Account | None = g.account
    if account is None or number >= MAX_ROW_ID or not line_articles.supports_articles(account):
        abort(404)
    found = products.find_product(account, number)
    if found is None:
        abort(404)
    return found


def _render_product(row: products.ProductRow, status: int = 200, **more: Any) -> tuple[str, int]:
    account: Account = g.account
    sku = row.product.sku
    context: dict[str, Any] = {
        "row": row,
        "product": row.product,
        "article": row.article,
        "summary": product_summaries(account, [row])[0],
        "levels": products.synced_skus(account, [sku]).get(sku, []) if sku else [],
        "changes": stock_change_rows(account, products.stock_changes_of_sku(account, sku)) if sku else [],
        "label": provider_label(account),
        "shop_url": shop_product_url(row.product),
        "tax_treatments": tax_treatments(account),
        "places": {one.code: one.label for one in account.lists.locations},
        "warehouses": {one.code: one.label for one in account.lists.warehouses},
        "errors": {},
        "typed": {},
        **more,
    }
    return render_template("product.html", **context), status


@bp.get("/<int:number>")
@store_required
def one(number: int) -> ResponseReturnValue:
    """Show the product's page."""
    return _render_product(_own_product_or_404(number))


def _redirect_to_product(row: products.ProductRow, text: str) -> Response:
    """Add the product to the stock sync and redirect to its page. Commits."""
    catalogue.add_to_sync(g.account, [row.product.sku])
    db.session.commit()
    notify_workers()
    flash(text)
    return redirect(url_for("product.one", number=row.product.id), 303)


def _refused_page(number: int, error: AppError, field: str, typed: str) -> tuple[str, int]:
    db.session.rollback()
    message = message_for(error.code, error.detail, provider_label(g.account))
    return _render_product(
        _own_product_or_404(number),
        422,
        errors={field: f"{message.cause} {message.remedy}".strip()},
        typed={field: typed},
    )


@bp.post("/<int:number>/bind")
@store_required
@ARTICLES
def link_article(number: int) -> ResponseReturnValue:
    """Link the SKU to the article with that code, after asking the provider for it. Commits."""
    row = _own_product_with_sku(number)
    code = clean_text(request.form.get("code", ""))[:80]
    if not code:
        return _render_product(row, 422, errors={"code": gettext("Escreva a referência do artigo.")})
    db.session.commit()
    try:
        line_articles.link_article(g.account, row.product.sku, code)
    except AppError as error:
        return _refused_page(number, error, "code", code)
    return _redirect_to_product(
        row, gettext("Ligado: as próximas vendas levam o artigo %(code)s.", code=code)
    )


def _own_product_with_sku(number: int) -> products.ProductRow:
    row = _own_product_or_404(number)
    if not row.product.sku:
        abort(404)
    return row


@bp.post("/<int:number>/unbind")
@store_required
def unlink_article(number: int) -> ResponseReturnValue:
    """Remove a manual link, so that the article is found by SKU again. Commits."""
    row = _own_product_with_sku(number)
    db.session.commit()
    line_articles.unlink_article(g.account, row.product.sku)
    return _redirect_to_product(row, gettext("A ligação feita à mão foi desfeita. Procuramos o SKU de novo."))


@bp.post("/<int:number>/create")
@store_required
@ARTICLES
def create_article(number: int) -> ResponseReturnValue:
    """Create the article with the chosen tax, or use the one that exists. Commits; asks the provider."""
    row = _own_product_with_sku(number)
    chosen = request.form.get("treatment", "")
    if chosen not in dict(tax_treatments(g.account)):
        return _render_product(row, 422, errors={"treatment": gettext("Escolha a taxa de IVA.")})
    category, exemption = bulk_create.split_treatment(chosen)
    product: Product = row.product
    db.session.commit()
    try:
        line_articles.ensure_article(
            g.account, product.sku, product.name, category, exemption, product.kind == "goods"
        )
    except AppError as error:
        return _refused_page(number, error, "treatment", chosen)
    return _redirect_to_product(
        row,
        gettext(
            "O artigo %(sku)s está no %(provider)s.", sku=product.sku, provider=provider_label(g.account)
        ),
    )


@bp.post("/<int:number>/right")
@store_required
def resync(number: int) -> ResponseReturnValue:
    """Queue another sync for those levels of the product that were left different. Commits."""
    row = _own_product_with_sku(number)
    for level in products.synced_skus(g.account, [row.product.sku]).get(row.product.sku, []):
        stock_runs.resync(level)
    return _redirect_to_product(row, gettext("Pedido feito: os dois lados ficam iguais dentro de segundos."))
