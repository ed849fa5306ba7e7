"""A product as a row of a list: state label, cause, levels and remedy; and the progress of a sync run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from flask import g, url_for

from shopapp.connections.provider import provider_label
from shopapp.connections.shop import platform_without_store
from shopapp.messages.errors import SENTENCES
from shopapp.messages.formats import clock, quantity
from shopapp.messages.i18n import N_, gettext, ngettext
from shopapp.messages.wording import message_for
from shopapp.models import Account, Article, Product, SyncedSku, SyncRun
from shopapp.models.article import REFUSED
from shopapp.models.queries import products
from shopapp.models.sync_run import CATALOGUE_RUN, CREATE_RUN, UNDO_RUN
from shopapp.platforms.base import SupportsProducts
from shopapp.web.products.history_rows import StockChangeRow, stock_change_rows

_STATES = {
    products.MATCHED: ("st-ok", N_("Ligado")),
    products.BY_HAND: ("st-ok", N_("Ligado à mão")),
    products.MISSING: ("st-wait", N_("Por criar")),
    products.UNKNOWN: ("st-wait", N_("Por procurar")),
    products.NO_SKU: ("st-decide", N_("Sem SKU")),
    products.DUPLICATE: ("st-decide", N_("SKU repetido")),
    products.ARTICLE_REFUSED: ("st-stop", N_("Recusado")),
}
_STOCK_STATES = {
    "contested": ("st-stop", N_("Diferente")),
    "refused": ("st-stop", N_("Stock recusado")),
    "unsure": ("st-doubt", N_("A confirmar")),
}
_NOT_SYNCED_REASONS = {
    "unlimited": N_("Stock ilimitado na loja: não muda."),
    "no-stock": N_("É um serviço: não tem stock."),
    "uncounted": N_("Artigo criado por nós, ainda sem stock: a loja fica como está até lhe dar entrada."),
    "undone": N_("Desfeito por si: fica assim até o outro lado mudar."),
    "held": N_("Espera por uma venda que está a ser tratada."),
    "unsure": N_("Enviámos um acerto e a resposta não voltou: estamos a confirmar."),
}


@dataclass(frozen=True, slots=True)
class ProductSummary:
    """One product of a list, with every text ready to show."""

    id: int
    name: str
    sku: str
    article_code: str
    """The article's code at the provider, when it is not the SKU."""
    state_class: str
    state_label: str
    cause: str
    provider_answer: str
    """The provider's own answer when it refused."""
    button: str
    button_url: str
    in_shop_admin: bool
    """Whether `button_url` is in the shop's admin."""
    same_sku_products: tuple[tuple[str, str], ...]
    """When several products have the SKU: the name of each, and its address in the shop's admin."""
    shop_quantity: str
    provider_quantity: str
    last_change: StockChangeRow | None


def shop_product_url(product: Product) -> str:
    """Return the product's address in the shop's admin; empty when it has none."""
    platform = platform_without_store(g.store.platform)
    if not isinstance(platform, SupportsProducts):
        return ""
    return platform.product_admin_url(g.store.code, product.product_id)


def product_summaries(account: Account, rows: Sequence[products.ProductRow]) -> list[ProductSummary]:
    """Return the rows of these products."""
    skus = {row.product.sku for row in rows if row.product.sku}
    levels = products.synced_skus(account, skus)
    duplicate_skus = {row.product.sku for row in rows if row.state == products.DUPLICATE}
    products_by_sku = Product.current_by_sku(account.store_id, duplicate_skus)
    last = products.last_change_by_row(one.id for some in levels.values() for one in some)
    ready = {one.id: one for one in stock_change_rows(account, list(last.values()))}
    return [
        _product_summary(account, row, levels, products_by_sku, {n: ready[one.id] for n, one in last.items()})
        for row in rows
    ]


def _product_summary(
    account: Account, row: products.ProductRow, levels: Mapping[str, Sequence[SyncedSku]],
    products_by_sku: Mapping[str, Sequence[Product]], last: Mapping[int, StockChangeRow],
) -> ProductSummary:  # fmt: skip
    product, article = row.product, row.article
    synced = levels.get(product.sku, ()) if row.state in (products.MATCHED, products.BY_HAND) else ()
    state_class, state_label = _state_label(row.state, synced)
    cause, button = _cause(account, row, synced, len(products_by_sku.get(product.sku, ())))
    in_shop_admin = row.state in (products.NO_SKU, products.DUPLICATE) and bool(shop_product_url(product))
    changes = [last[one.id] for one in synced if one.id in last]
    return ProductSummary(
        id=product.id,
        name=product.name,
        sku=product.sku,
        article_code=article.code if article and article.code != product.sku else "",
        state_class=state_class,
        state_label=state_label,
        cause=cause,
        provider_answer=_provider_answer(row.article),
        button=button,
        button_url=shop_product_url(product) if in_shop_admin else url_for("product.one", number=product.id),
        in_shop_admin=in_shop_admin,
        same_sku_products=tuple(
            (one.name, shop_product_url(one)) for one in products_by_sku.get(product.sku, ())
        ),
        shop_quantity=gettext("Ilimitado") if product.stock is None else str(product.stock),
        provider_quantity=_provider_quantity(synced),
        last_change=max(changes, key=lambda one: one.id) if changes else None,
    )


def _provider_quantity(synced: Sequence[SyncedSku]) -> str:
    """Return the sum of the provider's levels; empty when none is known."""
    known = [row.theirs for row in synced if row.theirs is not None]
    return quantity(sum(known, Decimal(0))) if known else ""


def _state_label(state: str, synced: Sequence[SyncedSku]) -> tuple[str, str]:
    reasons = [row.reason for row in synced if row.reason in _STOCK_STATES]
    state_class, state_label = _STOCK_STATES[reasons[0]] if reasons else _STATES[state]
    return state_class, gettext(state_label)


def _cause(
    account: Account, row: products.ProductRow, synced: Sequence[SyncedSku], same_sku_count: int
) -> tuple[str, str]:
    """Return the cause of the state and the text of the remedy's button; both empty when all is well."""
    label = provider_label(account)
    if row.state == products.NO_SKU:
        return _no_sku_text(account, label), gettext("Abrir na loja")
    if row.state == products.DUPLICATE:
        text = gettext(
            "%(sku)s está em %(count)s produtos: o stock deles não é atualizado.",
            sku=row.product.sku,
            count=same_sku_count,
        )
        return text, gettext("Abrir na loja")
    if row.state == products.ARTICLE_REFUSED:
        return article_refusal(row.article, label), gettext("Ligar a um artigo")
    if row.state == products.MISSING and row.article is not None and row.article.reason:
        message = message_for(row.article.reason, row.article.detail, label)
        return f"{message.cause} {message.remedy}".strip(), gettext("Criar ou ligar")
    if row.state == products.MISSING:
        text = gettext(
            "Não existe no %(provider)s com este SKU. Se não fizer nada, é criado na primeira venda.",
            provider=label,
        )
        return text, gettext("Criar ou ligar")
    if row.state == products.UNKNOWN:
        return gettext("Ainda não foi procurado no %(provider)s.", provider=label), ""
    return _stock_cause(label, synced)


def _no_sku_text(account: Account, label: str) -> str:
    rule = account.chosen.no_sku
    first = gettext("Sem SKU não há ligação ao %(provider)s.", provider=label)
    then = {
        "generic": gettext("A venda é faturada com o artigo genérico."),
        "block": gettext("A venda fica parada até ter um."),
    }.get(rule, gettext("A venda é faturada com a descrição da loja."))
    return f"{first} {then}"


def article_refusal(article: Article | None, label: str) -> str:
    """Return the reason why the provider refused the article, and what to do when that is known."""
    if article is None or not article.reason:
        return gettext("O %(provider)s não aceitou criar este artigo.", provider=label)
    message = message_for(article.reason, article.detail, label)
    return f"{message.cause} {message.remedy}" if article.reason == "article-too-long" else message.cause


def _provider_answer(article: Article | None) -> str:
    """Return the provider's own answer about an article that it refused."""
    refused = article is not None and article.state == REFUSED
    return str(article.detail.get("answer") or "")[:300] if article is not None and refused else ""


def _stock_refusal(row: SyncedSku, label: str) -> str:
    code = str(row.detail.get("answer", ""))
    if code not in SENTENCES:
        return gettext("O novo stock não foi aceite.")
    message = message_for(code, row.detail, label)
    return f"{message.cause} {message.remedy}"


def _stock_cause(label: str, synced: Sequence[SyncedSku]) -> tuple[str, str]:
    for row in synced:
        if row.reason == "contested":
            text = gettext(
                "A loja tem %(ours)s e o %(provider)s tem %(theirs)s. Acertámos três vezes e mudou sempre de novo:"
                " parámos.", ours=row.ours, theirs=quantity(row.theirs), provider=label,
            )  # fmt: skip
            return text, gettext("Escolher o certo")
        if row.reason == "refused":
            return _stock_refusal(row, label), gettext("Tentar de novo")
    reason = next(
        (row.reason for row in synced if row.reason in _NOT_SYNCED_REASONS or row.reason in SENTENCES), ""
    )
    if reason in SENTENCES:
        # no button: the sync retries by itself
        return message_for(reason, {}, label).cause, ""
    return (gettext(_NOT_SYNCED_REASONS[reason]), "") if reason else ("", "")


# a sync run


@dataclass(frozen=True, slots=True)
class RunProgress:
    """The progress of a run: its current step, with numbers; `total` is 0 while it is not known."""

    text: str
    done: int
    total: int
    pause_text: str
    """Why it pauses and when it continues; empty while it runs."""


def run_progress(run: SyncRun, remaining: int = 0) -> RunProgress:
    """Return the progress of a run; `remaining` is the number of SKUs still to be synced."""
    label = provider_label(g.account)
    pause_text = ""
    if run.reason:
        message = message_for(run.reason, run.detail, label).cause
        pause_text = gettext("%(cause)s Continuamos às %(time)s.", cause=message, time=clock(run.not_before))
    if run.phase == "settling":
        text = ngettext(
            "A acertar o stock: falta %(num)d produto",
            "A acertar o stock: faltam %(num)d produtos",
            remaining,
        )
        return RunProgress(text, max(run.differing - remaining, 0), run.differing, pause_text)
    total, seen = run.total or 0, run.seen
    counted = (
        gettext("%(seen)s de %(total)s", seen=quantity(seen), total=quantity(total))
        if total
        else quantity(seen)
    )
    if run.kind == CATALOGUE_RUN and run.phase == "matching":
        text = gettext("A procurar os SKU no %(provider)s: %(count)s", provider=label, count=counted)
    elif run.kind == CATALOGUE_RUN:
        text = gettext("A ler os produtos da loja: %(count)s", count=counted)
    elif run.kind == CREATE_RUN:
        text = gettext("A criar artigos no %(provider)s: %(count)s", provider=label, count=counted)
    elif run.kind == UNDO_RUN:
        text = gettext("A desfazer alterações: %(count)s", count=counted)
    else:
        text = gettext("A ler o stock do %(provider)s: %(count)s", provider=label, count=counted)
    return RunProgress(text, min(seen, total), total, pause_text)
