"""iGEST's lists and facts about an entity, as the settings form needs them.

Pure. A missing list is replaced by the legal table or left empty, never by a guess about the account.

Unconfirmed: all these methods and their elements are assumptions of ours (docs/igest-wire.md, "Methods").
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from shopapp.fiscal.document import DocumentKind
from shopapp.fiscal.tax_tables import VAT_CATEGORIES, VAT_REGIONS, portuguese_rate, selectable_exemptions
from shopapp.providers.base import AccountInfo, Choice, Choices, Series
from shopapp.providers.text import one_line

from .documents import SUPPORTED_KINDS, decimal_from
from .wire_format import Keys, Output, text_of


def account_info_from(output: Output, keys: Keys) -> AccountInfo:
    """Return the owner of these credentials' account; facts that the answer leaves out are empty."""
    region = output.text("entidade/regiao")
    moves = {"sim": True, "nao": False}.get(output.text("entidade/movimenta_stock"))
    return AccountInfo(
        fingerprint=hashlib.sha256(f"igest/{keys.entity}/{keys.nif}".encode()).hexdigest(),
        name=one_line(output.text("entidade/nome"))[:200],
        nif=output.text("entidade/nif")[:20],
        region=region if region in VAT_REGIONS else "",
        warehouses=output.text("entidade/gere_armazens") == "sim",
        stock_moves_on_issue=moves,
    )


def choices_from(lists: Mapping[str, Output | None], region: str, today: date) -> Choices:
    """Return the lists of the settings form from those that the web service returned."""
    series = _series(lists.get("listar_series"))
    usable = {one.kind for one in series if one.open}
    return Choices(
        kinds=tuple(kind for kind in SUPPORTED_KINDS if kind in usable or not series),
        series=series,
        exemptions=_exemptions(lists.get("listar_isencoes"), today),
        warehouses=_warehouses(lists.get("listar_armazens")),
        rates=_rates(lists.get("listar_taxas"), region, today),
    )


def _series(output: Output | None) -> tuple[Series, ...]:
    kinds: dict[str, DocumentKind] = {kind: kind for kind in SUPPORTED_KINDS}
    return tuple(
        Series(code, kinds[kind], text_of(row, "ativa") == "sim")
        for row in (output.rows("series/serie") if output else ())
        if (code := text_of(row, "codigo")) and (kind := text_of(row, "tipo_documento")) in kinds
    )


def _exemptions(output: Output | None, today: date) -> tuple[Choice, ...]:
    """Return the account's exemption reasons that are lawful on that day; all lawful ones when it lists none."""
    lawful = selectable_exemptions(today)
    listed = {
        code: one_line(text_of(row, "descricao")) or lawful[code]
        for row in (output.rows("isencoes/isencao") if output else ())
        if (code := text_of(row, "codigo")) in lawful
    }
    return tuple(Choice(code, label) for code, label in (listed or lawful).items())


def _warehouses(output: Output | None) -> tuple[Choice, ...]:
    return tuple(
        Choice(code, one_line(text_of(row, "nome")) or code, text_of(row, "principal") == "sim")
        for row in (output.rows("armazens/armazem") if output else ())
        if (code := text_of(row, "codigo"))
    )


def _rates(output: Output | None, region: str, today: date) -> tuple[Decimal, ...]:
    """Return the entity's rates above zero, highest first; its region's legal rates when it lists none."""
    listed = [decimal_from(text_of(row, "valor")) for row in (output.rows("taxas/taxa") if output else ())]
    if not any(listed) and region:
        listed = [portuguese_rate(region, category, today) for category in VAT_CATEGORIES]
    return tuple(sorted({found for found in listed if found}, reverse=True))
