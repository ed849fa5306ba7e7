"""The stock options of the settings form: direction, warehouses and locations, and sales without a SKU.

An option that the provider has but this account cannot use is shown with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shopapp.messages.i18n import gettext
from shopapp.models import fold_for_search
from shopapp.models.provider_lists import ListedChoice, ProviderLists
from shopapp.platforms.base import Platform, SupportsProductStock
from shopapp.providers.articles import SupportsArticles
from shopapp.providers.base import Provider
from shopapp.providers.stock import SupportsStock, SupportsStockMovements
from shopapp.web.form_fields import clean_text
from shopapp.web.setup.forms import Form, merge_forms

TO_SHOP, TO_PROVIDER = "to-shop", "to-provider"
GENERIC, BLOCK = "generic", "block"
MAX_CODE_LENGTH = 80


@dataclass(frozen=True, slots=True)
class StockOptions:
    """The options of the section; a problem is empty when its option is available, else it says why not."""

    has_articles: bool
    """Whether the provider has articles at all."""
    articles_problem: str
    to_shop_problem: str
    to_provider_problem: str
    moves_on_issue: bool | None
    """Whether documents of this account move stock; None when unknown, then the merchant is asked."""
    can_move_stock: bool
    """Whether we can send stock movements to the provider."""
    warehouses: Sequence[ListedChoice]
    locations: Sequence[ListedChoice]

    @property
    def needs_pairs(self) -> bool:
        """Whether each shop location needs its warehouse, because both sides have several."""
        return len(self.warehouses) > 1 and len(self.locations) > 1

    @property
    def needs_location(self) -> bool:
        """Whether one location may be chosen instead of the shop's total, because only the shop has several."""
        return len(self.warehouses) < 2 and len(self.locations) > 1

    def warehouse_by_location(self, kept: Sequence[Sequence[str]], warehouse: str) -> dict[str, str]:
        """Return the warehouse of each location: as stored, else of the same name, else `warehouse` for the first."""
        if any(location for _, location in kept):
            return {location: code for code, location in kept}
        codes = {fold_for_search(one.label): one.code for one in self.warehouses}
        named = {
            one.code: codes[fold_for_search(one.label)]
            for one in self.locations
            if fold_for_search(one.label) in codes
        }
        if named or not self.locations:
            return named
        return {self.locations[0].code: warehouse}


def stock_options_for(
    adapter: type[Provider], platform: type[Platform], lists: ProviderLists, facts: Mapping[str, Any]
) -> StockOptions:
    """Return the product and stock options of this account, and why the others are not available."""
    provider, has_articles = adapter.label, issubclass(adapter, SupportsArticles)
    can_move_stock = issubclass(adapter, SupportsStockMovements)
    articles_problem = ""
    if has_articles and not lists.articles:
        articles_problem = gettext(
            "A sua conta do %(provider)s não nos deixou procurar artigos."
            " Peça esse acesso no %(provider)s e volte aqui.",
            provider=provider,
        )  # fmt: skip
    stock_problem = articles_problem
    if not stock_problem and not issubclass(adapter, SupportsStock):
        stock_problem = gettext("O %(provider)s não nos diz o stock dos artigos.", provider=provider)
    if not stock_problem and not issubclass(platform, SupportsProductStock):
        stock_problem = gettext("A sua loja não nos deixa ler nem acertar o stock dos produtos.")
    moves_on_issue = facts.get("stock_moves_on_issue")
    to_shop_problem = stock_problem
    if not stock_problem and moves_on_issue is False and not can_move_stock:
        to_shop_problem = gettext(
            "Os documentos não baixam o stock no %(provider)s, e ele não deixa que o baixemos nós:"
            " a loja voltaria a mostrar o que já vendeu.", provider=provider,
        )  # fmt: skip
    to_provider_problem = stock_problem
    if not stock_problem and not can_move_stock:
        to_provider_problem = gettext(
            "O %(provider)s não aceita acertos de stock feitos por outro programa.", provider=provider
        )
    return StockOptions(
        has_articles=has_articles,
        articles_problem=articles_problem,
        to_shop_problem=to_shop_problem,
        to_provider_problem=to_provider_problem,
        moves_on_issue=moves_on_issue,
        can_move_stock=can_move_stock,
        warehouses=lists.warehouses,
        locations=lists.locations,
    )


def parse_stock_options(
    posted: Mapping[str, str],
    options: StockOptions,
    former: Mapping[str, Any],
    warehouse: str,
    provider: str,
) -> Form:
    """Return the chosen stock options; `warehouse` is the one chosen on the same form.

    Settings that the page cannot show stay as in `former`; pairs of warehouse and location are read only when both
    sides have several places.
    """
    moves_stock = options.moves_on_issue
    if moves_stock is None:
        moves_stock = posted.get("moves_stock") == "yes"
    switch = Form({"moves_stock": moves_stock})
    if not options.has_articles:
        return switch
    direction = _parse_direction(posted, options, moves_stock, provider)
    places = _parse_places(posted, options, warehouse, is_synced=bool(direction.values["stock"]))
    return merge_forms(switch, direction, places, _parse_no_sku(posted, options, former))


def _parse_direction(
    posted: Mapping[str, str], options: StockOptions, moves_stock: bool, provider: str
) -> Form:
    """Return which side follows the other; an error when this account can't have it."""
    chosen = posted.get("stock", "")
    form = Form({"stock": chosen})
    problems = {"": "", TO_SHOP: options.to_shop_problem, TO_PROVIDER: options.to_provider_problem}
    if chosen not in problems:
        form.errors["stock"] = gettext("Escolha uma das opções.")
    elif problems[chosen]:
        form.errors["stock"] = problems[chosen]
    elif chosen == TO_SHOP and not moves_stock and not options.can_move_stock:
        form.errors["moves_stock"] = gettext(
            "Para a loja seguir o %(provider)s, cada venda tem de baixar lá o stock, e só os documentos o podem fazer."
            " Marque esta caixa.", provider=provider,
        )  # fmt: skip
    return form


def _parse_places(posted: Mapping[str, str], options: StockOptions, warehouse: str, is_synced: bool) -> Form:
    """Return the pairs of warehouse and shop location; an empty location is the shop's total."""
    if options.needs_pairs and is_synced:
        return _parse_pairs(posted, options)
    form = Form()
    location = ""
    if options.needs_location and is_synced:
        location = posted.get("place", "")
        if location not in ["", *(one.code for one in options.locations)]:
            form.errors["place"] = gettext("Escolha um local da lista.")
    form.values["stock_places"] = [[warehouse, location]]
    return form


def _parse_pairs(posted: Mapping[str, str], options: StockOptions) -> Form:
    """Return one pair per location; a warehouse may be in one pair only, or its stock would be sold twice."""
    known = {one.code for one in options.warehouses}
    pairs: list[list[str]] = []
    form = Form({"stock_places": pairs})
    for location, *_ in options.locations:
        name = f"place_{location}"
        chosen = posted.get(name, "")
        if not chosen:
            continue
        if chosen not in known:
            form.errors[name] = gettext("Escolha um armazém da lista.")
        elif chosen in [warehouse for warehouse, _ in pairs]:
            form.errors[name] = gettext(
                "Este armazém já está noutro local: as mesmas peças seriam vendidas duas vezes."
            )
        pairs.append([chosen, str(location)])
    if not pairs and options.locations:
        form.errors[f"place_{options.locations[0].code}"] = gettext(
            "Escolha o armazém de pelo menos um local."
        )
    return form


def _parse_no_sku(posted: Mapping[str, str], options: StockOptions, former: Mapping[str, Any]) -> Form:
    """Return the handling of a sale without SKU, and the generic article if it uses one."""
    if options.articles_problem:
        kept = {name: former.get(name, "") for name in ("no_sku", "generic_article")}
        return Form(kept)
    rule = posted.get("no_sku", "")
    code = clean_text(posted.get("generic_article", ""))[:MAX_CODE_LENGTH]
    form = Form({"no_sku": rule, "generic_article": code})
    if rule not in ("", GENERIC, BLOCK):
        form.errors["no_sku"] = gettext("Escolha uma das opções.")
    if rule == GENERIC and not code:
        form.errors["generic_article"] = gettext("Escreva a referência do artigo genérico.")
    return form
