"""Goods as a merchant reads them: mark, word, cause, levels, and where the remedy is; and how far a run is.

Called by the pages of products. Turns rows into words; decides and changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from flask import g, url_for

from shopapp import connect
from shopapp.models import Account, Article, Product, Run, Stocked, shelf
from shopapp.models.article import REFUSED
from shopapp.models.run import CATALOGUE, CREATE, UNDO
from shopapp.web.formats import clock, quantity
from shopapp.web.journal import Told, all_told, label_of
from shopapp.web.sentences import ALL, N_
from shopapp.web.tongue import gettext, ngettext
from shopapp.web.wording import say

_STATES = {
    shelf.MATCHED: ("st-ok", N_("Ligado")),
    shelf.BY_HAND: ("st-ok", N_("Ligado à mão")),
    shelf.MISSING: ("st-wait", N_("Por criar")),
    shelf.UNKNOWN: ("st-wait", N_("Por procurar")),
    shelf.NO_SKU: ("st-decide", N_("Sem SKU")),
    shelf.DUPLICATE: ("st-decide", N_("SKU repetido")),
    shelf.TAKEN_ILL: ("st-stop", N_("Recusado")),
}
_LEVELS = {
    "contested": ("st-stop", N_("Diferente")),
    "refused": ("st-stop", N_("Stock recusado")),
    "unsure": ("st-doubt", N_("A confirmar")),
}
_LEFT_ALONE = {
    "unlimited": N_("Stock ilimitado na loja: não muda."),
    "no-stock": N_("É um serviço: não tem stock."),
    "uncounted": N_("Artigo criado por nós, ainda sem stock: a loja fica como está até lhe dar entrada."),
    "undone": N_("Desfeito por si: fica assim até o outro lado mudar."),
    "held": N_("Espera por uma venda que está a ser tratada."),
    "unsure": N_("Enviámos um acerto e a resposta não voltou: estamos a confirmar."),
}


@dataclass(frozen=True, slots=True)
class Shown:
    """One of the shop's goods for a list: every text ready, nothing of the rows left to ask."""

    id: int
    name: str
    sku: str
    code: str
    """Its reference over there, where that is not the SKU."""
    mark: str
    word: str
    cause: str
    answer: str
    """The program's own words, where it refused."""
    button: str
    address: str
    outside: bool
    """Whether the remedy is in the shop's own admin."""
    others: tuple[tuple[str, str], ...]
    """Of a SKU that stands in several: the name of each, and its address in the shop's admin."""
    ours: str
    theirs: str
    last: Told | None


def in_shop(product: Product) -> str:
    """The product's address in the shop's admin; empty where it has none."""
    return connect.platform(g.store.platform).product_admin_url(g.store.code, product.product_id)


def shown(account: Account, rows: Sequence[shelf.Shelved]) -> list[Shown]:
    """The goods for a list."""
    skus = {row.product.sku for row in rows if row.product.sku}
    levels = shelf.levels(account, skus)
    twice = {row.product.sku for row in rows if row.state == shelf.DUPLICATE}
    selling = Product.selling(account.store_id, twice)
    last = shelf.last_changes(one.id for some in levels.values() for one in some)
    ready = {one.id: one for one in all_told(account, list(last.values()))}
    return [
        _one(account, row, levels, selling, {n: ready[one.id] for n, one in last.items()}) for row in rows
    ]


def _one(
    account: Account, row: shelf.Shelved, levels: Mapping[str, Sequence[Stocked]],
    selling: Mapping[str, Sequence[Product]], last: Mapping[int, Told],
) -> Shown:  # fmt: skip
    product, article = row.product, row.article
    followed = levels.get(product.sku, ()) if row.state in (shelf.MATCHED, shelf.BY_HAND) else ()
    mark, word = _mark(row.state, followed)
    cause, button = _cause(account, row, followed, len(selling.get(product.sku, ())))
    outside = row.state in (shelf.NO_SKU, shelf.DUPLICATE) and bool(in_shop(product))
    changes = [last[one.id] for one in followed if one.id in last]
    return Shown(
        id=product.id, name=product.name, sku=product.sku,
        code=article.code if article and article.code != product.sku else "",
        mark=mark, word=word, cause=cause, answer=_answer(row.article), button=button,
        address=in_shop(product) if outside else url_for("product.one", number=product.id), outside=outside,
        others=tuple((one.name, in_shop(one)) for one in selling.get(product.sku, ())),
        ours=gettext("Ilimitado") if product.stock is None else str(product.stock),
        theirs=_theirs(followed),
        last=max(changes, key=lambda one: one.id) if changes else None,
    )  # fmt: skip


def _theirs(followed: Sequence[Stocked]) -> str:
    """The provider's levels together; empty where none is known."""
    known = [row.theirs for row in followed if row.theirs is not None]
    return quantity(sum(known, Decimal(0))) if known else ""


def _mark(state: str, followed: Sequence[Stocked]) -> tuple[str, str]:
    reasons = [row.reason for row in followed if row.reason in _LEVELS]
    mark, word = _LEVELS[reasons[0]] if reasons else _STATES[state]
    return mark, gettext(word)


def _cause(
    account: Account, row: shelf.Shelved, followed: Sequence[Stocked], together: int
) -> tuple[str, str]:
    """Why it is as it is, and the name of the button that leads to the remedy; empty where all is well."""
    label = label_of(account)
    if row.state == shelf.NO_SKU:
        return _without_sku(account, label), gettext("Abrir na loja")
    if row.state == shelf.DUPLICATE:
        text = gettext(
            "%(sku)s está em %(count)s produtos: o stock deles não é atualizado.", sku=row.product.sku, count=together
        )  # fmt: skip
        return text, gettext("Abrir na loja")
    if row.state == shelf.TAKEN_ILL:
        return refusal(row.article, label), gettext("Ligar a um artigo")
    if row.state == shelf.MISSING and row.article is not None and row.article.reason:
        said = say(row.article.reason, row.article.detail, label)
        return f"{said.cause} {said.remedy}".strip(), gettext("Criar ou ligar")
    if row.state == shelf.MISSING:
        text = gettext(
            "Não existe no %(provider)s com este SKU. Se não fizer nada, é criado na primeira venda.",
            provider=label,
        )
        return text, gettext("Criar ou ligar")
    if row.state == shelf.UNKNOWN:
        return gettext("Ainda não foi procurado no %(provider)s.", provider=label), ""
    return _of_level(label, followed)


def _without_sku(account: Account, label: str) -> str:
    rule = account.settings.get("no_sku", "")
    first = gettext("Sem SKU não há ligação ao %(provider)s.", provider=label)
    then = {
        "generic": gettext("A venda é faturada com o artigo genérico."),
        "block": gettext("A venda fica parada até ter um."),
    }.get(rule, gettext("A venda é faturada com a descrição da loja."))
    return f"{first} {then}"


def refusal(article: Article | None, label: str) -> str:
    """Why the program would not take the article, and what to do where that is known."""
    if article is None or not article.reason:
        return gettext("O %(provider)s não aceitou criar este artigo.", provider=label)
    said = say(article.reason, article.detail, label)
    return f"{said.cause} {said.remedy}" if article.reason == "article-too-long" else said.cause


def _answer(article: Article | None) -> str:
    """What the program itself said of an article that it would not take."""
    refused = article is not None and article.state == REFUSED
    return str(article.detail.get("answer") or "")[:300] if article is not None and refused else ""


def _refusal_of_level(row: Stocked, label: str) -> str:
    code = str(row.detail.get("answer", ""))
    if code not in ALL:
        return gettext("O novo stock não foi aceite.")
    said = say(code, row.detail, label)
    return f"{said.cause} {said.remedy}"


def _of_level(label: str, followed: Sequence[Stocked]) -> tuple[str, str]:
    for row in followed:
        if row.reason == "contested":
            text = gettext(
                "A loja tem %(ours)s e o %(provider)s tem %(theirs)s. Acertámos três vezes e mudou sempre de novo:"
                " parámos.", ours=row.ours, theirs=quantity(row.theirs), provider=label,
            )  # fmt: skip
            return text, gettext("Escolher o certo")
        if row.reason == "refused":
            return _refusal_of_level(row, label), gettext("Tentar de novo")
    reason = next((row.reason for row in followed if row.reason in _LEFT_ALONE or row.reason in ALL), "")
    if reason in ALL:
        # it is tried again by itself
        return say(reason, {}, label).cause, ""
    return (gettext(_LEFT_ALONE[reason]), "") if reason else ("", "")


# a run


@dataclass(frozen=True, slots=True)
class Going:
    """How far a run is: what is done now, with numbers; `most` 0 where the end is not known."""

    text: str
    done: int
    most: int
    waits: str
    """Why it pauses and when it goes on; empty while it runs."""


def going(run: Run, left: int = 0) -> Going:
    """How far the run is; `left` are the SKUs that it found and that are not settled yet."""
    label = label_of(g.account)
    waits = ""
    if run.reason:
        said = say(run.reason, run.detail, label).cause
        waits = gettext("%(cause)s Continuamos às %(time)s.", cause=said, time=clock(run.not_before))
    if run.phase == "settling":
        text = ngettext(
            "A acertar o stock: falta %(num)d produto", "A acertar o stock: faltam %(num)d produtos", left
        )
        return Going(text, max(run.differing - left, 0), run.differing, waits)
    most, seen = run.total or 0, run.seen
    counted = (
        gettext("%(seen)s de %(total)s", seen=_number(seen), total=_number(most)) if most else _number(seen)
    )
    if run.kind == CATALOGUE and run.phase == "matching":
        text = gettext("A procurar os SKU no %(provider)s: %(count)s", provider=label, count=counted)
    elif run.kind == CATALOGUE:
        text = gettext("A ler os produtos da loja: %(count)s", count=counted)
    elif run.kind == CREATE:
        text = gettext("A criar artigos no %(provider)s: %(count)s", provider=label, count=counted)
    elif run.kind == UNDO:
        text = gettext("A desfazer alterações: %(count)s", count=counted)
    else:
        text = gettext("A ler o stock do %(provider)s: %(count)s", provider=label, count=counted)
    return Going(text, min(seen, most), most, waits)


def _number(count: int) -> str:
    return quantity(count)
