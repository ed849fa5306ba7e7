"""The options about products and stock: which side follows the other, and from where; what a sale without SKU does.

Called by `choosing`. Offers what the provider and this account can do and says in words why not the rest; plain values
in, values and sentences about them out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from shopapp.models import folded
from shopapp.web.forms import Form, typed_in
from shopapp.web.tongue import gettext

TO_SHOP, TO_PROVIDER = "to-shop", "to-provider"
GENERIC, BLOCK = "generic", "block"
LONGEST_CODE = 80


class Able(Protocol):
    """What a provider says that it is able to do with articles and their stock."""

    @property
    def articles(self) -> bool: ...
    @property
    def reads_stock(self) -> bool: ...
    @property
    def moves_stock(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Offer:
    """What the section shows; `articles` and the two directions are empty where they can be had, else say why not."""

    shown: bool
    """Whether the provider keeps articles at all."""
    articles: str
    to_shop: str
    to_provider: str
    moves: bool | None
    """What the account is known to do when a document is issued; None: the merchant is asked."""
    mends: bool
    """Whether we can take off ourselves what documents do not."""
    warehouses: Sequence[Sequence[Any]]
    locations: Sequence[Sequence[Any]]

    @property
    def pairs(self) -> bool:
        """True where there are several places on both sides: then each of the shop's has its warehouse."""
        return len(self.warehouses) > 1 and len(self.locations) > 1

    @property
    def picks(self) -> bool:
        """True where only the shop has several: then one of them may follow, instead of all together."""
        return len(self.warehouses) < 2 and len(self.locations) > 1

    def paired(self, kept: Sequence[Sequence[str]], warehouse: str) -> dict[str, str]:
        """The warehouse of each location as kept; else as their names say, or the chosen one for the first location."""
        if any(location for _, location in kept):
            return {location: code for code, location in kept}
        codes = {folded(str(name)): str(code) for code, name, *_ in self.warehouses}
        named = {
            str(code): codes[folded(str(name))]
            for code, name, *_ in self.locations
            if folded(str(name)) in codes
        }
        if named or not self.locations:
            return named
        return {str(self.locations[0][0]): warehouse}


def offer_of(can: Able, lists: Mapping[str, Any], facts: Mapping[str, Any], provider: str) -> Offer:
    """What this account can have of products and stock, and why it can't have the rest."""
    articles = ""
    if can.articles and not lists["articles"]:
        articles = gettext(
            "A sua conta do %(provider)s não nos deixou procurar artigos."
            " Peça esse acesso no %(provider)s e volte aqui.",
            provider=provider,
        )  # fmt: skip
    reading = articles
    if not reading and not can.reads_stock:
        reading = gettext("O %(provider)s não nos diz o stock dos artigos.", provider=provider)
    moves = facts.get("stock_moves_on_issue")
    to_shop = reading
    if not reading and moves is False and not can.moves_stock:
        to_shop = gettext(
            "Os documentos não baixam o stock no %(provider)s, e ele não deixa que o baixemos nós:"
            " a loja voltaria a mostrar o que já vendeu.", provider=provider,
        )  # fmt: skip
    to_provider = reading
    if not reading and not can.moves_stock:
        to_provider = gettext(
            "O %(provider)s não aceita acertos de stock feitos por outro programa.", provider=provider
        )
    return Offer(
        shown=can.articles, articles=articles, to_shop=to_shop, to_provider=to_provider, moves=moves,
        mends=can.moves_stock, warehouses=lists["warehouses"], locations=lists["locations"],
    )  # fmt: skip


def add_following(
    form: Form, posted: Mapping[str, str], offer: Offer, former: Mapping[str, Any], provider: str
) -> None:
    """Nothing; what follows what, as chosen, is in the form, and what is wrong with it.

    What could not be shown stays as it was kept; pairs are asked for only where both sides have several places.
    """
    values, wrong = form.values, form.wrong
    if offer.moves is not None:
        values["moves_stock"] = offer.moves
    if not offer.shown:
        return
    _direction(form, posted, offer, provider)
    values["stock_places"] = [[values.get("warehouse", ""), ""]]
    if offer.pairs and values["stock"]:
        values["stock_places"] = _places(posted, offer, wrong)
    elif offer.picks and values["stock"]:
        location = posted.get("place", "")
        if location not in ["", *(str(code) for code, *_ in offer.locations)]:
            wrong["place"] = gettext("Escolha um local da lista.")
        values["stock_places"] = [[values.get("warehouse", ""), location]]
    if offer.articles:
        values["no_sku"], values["generic_article"] = (
            former.get("no_sku", ""),
            former.get("generic_article", ""),
        )
        return
    values["no_sku"] = posted.get("no_sku", "")
    if values["no_sku"] not in ("", GENERIC, BLOCK):
        wrong["no_sku"] = gettext("Escolha uma das opções.")
    values["generic_article"] = typed_in(posted.get("generic_article", ""))[:LONGEST_CODE]
    if values["no_sku"] == GENERIC and not values["generic_article"]:
        wrong["generic_article"] = gettext("Escreva a referência do artigo genérico.")


def _direction(form: Form, posted: Mapping[str, str], offer: Offer, provider: str) -> None:
    """Nothing; which side follows, refused where the account can't."""
    values, wrong = form.values, form.wrong
    values["stock"] = posted.get("stock", "")
    why = {"": "", TO_SHOP: offer.to_shop, TO_PROVIDER: offer.to_provider}.get(values["stock"])
    if why is None:
        wrong["stock"] = gettext("Escolha uma das opções.")
    elif why:
        wrong["stock"] = why
    elif values["stock"] == TO_SHOP and not values.get("moves_stock") and not offer.mends:
        wrong["moves_stock"] = gettext(
            "Para a loja seguir o %(provider)s, cada venda tem de baixar lá o stock, e só os documentos o podem fazer."
            " Marque esta caixa.", provider=provider,
        )  # fmt: skip


def _places(posted: Mapping[str, str], offer: Offer, wrong: dict[str, str]) -> list[list[str]]:
    """The pairs of warehouse and location; no warehouse counts for two locations, or its stock would be sold twice."""
    known = {str(code) for code, *_ in offer.warehouses}
    pairs: list[list[str]] = []
    for location, *_ in offer.locations:
        name = f"place_{location}"
        chosen = posted.get(name, "")
        if not chosen:
            continue
        if chosen not in known:
            wrong[name] = gettext("Escolha um armazém da lista.")
        elif chosen in [one for one, _ in pairs]:
            wrong[name] = gettext(
                "Este armazém já está noutro local: as mesmas peças seriam vendidas duas vezes."
            )
        pairs.append([chosen, str(location)])
    if not pairs and offer.locations:
        wrong[f"place_{offer.locations[0][0]}"] = gettext("Escolha o armazém de pelo menos um local.")
    return pairs
