"""The options about products and stock: which side follows the other, and from where; what a sale without SKU does.

Called by `choosing`. Offers what the provider and this account can do and says in words why not the rest; plain values
in, values and sentences about them out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from shopapp.messages.i18n import gettext
from shopapp.models import fold_for_search
from shopapp.web.setup.forms import Form, clean_text

TO_SHOP, TO_PROVIDER = "to-shop", "to-provider"
GENERIC, BLOCK = "generic", "block"
MAX_CODE_LENGTH = 80


class StockCapabilities(Protocol):
    """What a provider says that it is able to do with articles and their stock."""

    @property
    def articles(self) -> bool: ...
    @property
    def reads_stock(self) -> bool: ...
    @property
    def moves_stock(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class StockOptions:
    """What the section shows; `articles` and the two directions are empty where they can be had, else say why not."""

    has_articles: bool
    """Whether the provider keeps articles at all."""
    articles_problem: str
    to_shop_problem: str
    to_provider_problem: str
    moves_on_issue: bool | None
    """What the account is known to do when a document is issued; None: the merchant is asked."""
    can_move_stock: bool
    """Whether we can take off ourselves what documents do not."""
    warehouses: Sequence[Sequence[Any]]
    locations: Sequence[Sequence[Any]]

    @property
    def needs_pairs(self) -> bool:
        """True where there are several places on both sides: then each of the shop's has its warehouse."""
        return len(self.warehouses) > 1 and len(self.locations) > 1

    @property
    def needs_location(self) -> bool:
        """True where only the shop has several: then one of them may follow, instead of all together."""
        return len(self.warehouses) < 2 and len(self.locations) > 1

    def warehouse_by_location(self, kept: Sequence[Sequence[str]], warehouse: str) -> dict[str, str]:
        """The warehouse of each location as kept; else as their names say, or the chosen one for the first location."""
        if any(location for _, location in kept):
            return {location: code for code, location in kept}
        codes = {fold_for_search(str(name)): str(code) for code, name, *_ in self.warehouses}
        named = {
            str(code): codes[fold_for_search(str(name))]
            for code, name, *_ in self.locations
            if fold_for_search(str(name)) in codes
        }
        if named or not self.locations:
            return named
        return {str(self.locations[0][0]): warehouse}


def stock_options_for(
    capabilities: StockCapabilities, lists: Mapping[str, Any], facts: Mapping[str, Any], provider: str
) -> StockOptions:
    """What this account can have of products and stock, and why it can't have the rest."""
    articles_problem = ""
    if capabilities.articles and not lists["articles"]:
        articles_problem = gettext(
            "A sua conta do %(provider)s não nos deixou procurar artigos."
            " Peça esse acesso no %(provider)s e volte aqui.",
            provider=provider,
        )  # fmt: skip
    stock_problem = articles_problem
    if not stock_problem and not capabilities.reads_stock:
        stock_problem = gettext("O %(provider)s não nos diz o stock dos artigos.", provider=provider)
    moves_on_issue = facts.get("stock_moves_on_issue")
    to_shop_problem = stock_problem
    if not stock_problem and moves_on_issue is False and not capabilities.moves_stock:
        to_shop_problem = gettext(
            "Os documentos não baixam o stock no %(provider)s, e ele não deixa que o baixemos nós:"
            " a loja voltaria a mostrar o que já vendeu.", provider=provider,
        )  # fmt: skip
    to_provider_problem = stock_problem
    if not stock_problem and not capabilities.moves_stock:
        to_provider_problem = gettext(
            "O %(provider)s não aceita acertos de stock feitos por outro programa.", provider=provider
        )
    return StockOptions(
        has_articles=capabilities.articles,
        articles_problem=articles_problem,
        to_shop_problem=to_shop_problem,
        to_provider_problem=to_provider_problem,
        moves_on_issue=moves_on_issue,
        can_move_stock=capabilities.moves_stock,
        warehouses=lists["warehouses"],
        locations=lists["locations"],
    )


def parse_stock_options(
    form: Form, posted: Mapping[str, str], options: StockOptions, former: Mapping[str, Any], provider: str
) -> None:
    """Nothing; what follows what, as chosen, is in the form, and what is wrong with it.

    What could not be shown stays as it was kept; pairs are asked for only where both sides have several places.
    """
    values, errors = form.values, form.errors
    if options.moves_on_issue is not None:
        values["moves_stock"] = options.moves_on_issue
    if not options.has_articles:
        return
    _parse_direction(form, posted, options, provider)
    values["stock_places"] = [[values.get("warehouse", ""), ""]]
    if options.needs_pairs and values["stock"]:
        values["stock_places"] = _parse_places(posted, options, errors)
    elif options.needs_location and values["stock"]:
        location = posted.get("place", "")
        if location not in ["", *(str(code) for code, *_ in options.locations)]:
            errors["place"] = gettext("Escolha um local da lista.")
        values["stock_places"] = [[values.get("warehouse", ""), location]]
    if options.articles_problem:
        values["no_sku"], values["generic_article"] = (
            former.get("no_sku", ""),
            former.get("generic_article", ""),
        )
        return
    values["no_sku"] = posted.get("no_sku", "")
    if values["no_sku"] not in ("", GENERIC, BLOCK):
        errors["no_sku"] = gettext("Escolha uma das opções.")
    values["generic_article"] = clean_text(posted.get("generic_article", ""))[:MAX_CODE_LENGTH]
    if values["no_sku"] == GENERIC and not values["generic_article"]:
        errors["generic_article"] = gettext("Escreva a referência do artigo genérico.")


def _parse_direction(form: Form, posted: Mapping[str, str], options: StockOptions, provider: str) -> None:
    """Nothing; which side follows, refused where the account can't."""
    values, errors = form.values, form.errors
    values["stock"] = posted.get("stock", "")
    problem = {"": "", TO_SHOP: options.to_shop_problem, TO_PROVIDER: options.to_provider_problem}.get(
        values["stock"]
    )
    if problem is None:
        errors["stock"] = gettext("Escolha uma das opções.")
    elif problem:
        errors["stock"] = problem
    elif values["stock"] == TO_SHOP and not values.get("moves_stock") and not options.can_move_stock:
        errors["moves_stock"] = gettext(
            "Para a loja seguir o %(provider)s, cada venda tem de baixar lá o stock, e só os documentos o podem fazer."
            " Marque esta caixa.", provider=provider,
        )  # fmt: skip


def _parse_places(
    posted: Mapping[str, str], options: StockOptions, errors: dict[str, str]
) -> list[list[str]]:
    """The pairs of warehouse and location; no warehouse counts for two locations, or its stock would be sold twice."""
    known = {str(code) for code, *_ in options.warehouses}
    pairs: list[list[str]] = []
    for location, *_ in options.locations:
        name = f"place_{location}"
        chosen = posted.get(name, "")
        if not chosen:
            continue
        if chosen not in known:
            errors[name] = gettext("Escolha um armazém da lista.")
        elif chosen in [one for one, _ in pairs]:
            errors[name] = gettext(
                "Este armazém já está noutro local: as mesmas peças seriam vendidas duas vezes."
            )
        pairs.append([chosen, str(location)])
    if not pairs and options.locations:
        errors[f"place_{options.locations[0][0]}"] = gettext("Escolha o armazém de pelo menos um local.")
    return pairs
