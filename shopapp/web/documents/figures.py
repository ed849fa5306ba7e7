"""Our figures of a document beside the provider's, and why they differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from shopapp.connections.provider import provider_label
from shopapp.fiscal.comparison import (
    DIFFERENCES,
    MONEY_DIFFERENCES,
    PRICES_WITH_VAT,
    ROUNDING,
    TOTAL_WITHOUT_VAT,
)
from shopapp.messages.formats import money
from shopapp.messages.i18n import N_, gettext
from shopapp.models import Account, Document, first_document
from shopapp.models.queries import documents

_NAMES = dict(
    zip(
        DIFFERENCES,
        (N_("Total"), N_("IVA"), N_("Taxas de IVA"), N_("Região"), N_("Motivo de isenção"), N_("NIF do cliente"),
         N_("Linhas")),
        strict=True,
    )
)  # fmt: skip
_EXPLANATIONS = {
    PRICES_WITH_VAT: N_(
        "O total no %(provider)s é o nosso sem IVA: tudo indica que leu os preços que enviámos, que são sem IVA, como"
        " preços com IVA. O documento tem então valores a menos."
    ),
    TOTAL_WITHOUT_VAT: N_(
        "O IVA é igual e o total é o nosso sem IVA: tudo indica que o %(provider)s indica aqui o total sem IVA, e que o"
        " documento está certo. Confirme-o no PDF."
    ),
    ROUNDING: N_(
        "A diferença é de cêntimos: tudo indica que o %(provider)s arredonda noutro sítio (por linha, por taxa ou no"
        " fim). O documento não tem o valor exato que o cliente pagou."
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class FiguresRow:
    """One figure, ours and the provider's, ready to show."""

    name: str
    ours: str
    theirs: str
    differs: bool


@dataclass(frozen=True, slots=True)
class Figures:
    """What the page shows of a comparison; `stops` when the account waits for a decision about this document."""

    rows: tuple[FiguresRow, ...]
    explanation: str
    stops: bool
    waiting: int
    remembered: bool
    """Whether accepting it covers later differences of the same reading."""


def figures_of(document: Document, label: str) -> Figures | None:
    """Return the document's figures beside the provider's; None when nothing differs that needs a look."""
    account = document.account
    stops = account is not None and account.differs_document_id == document.id
    if document.alarm not in DIFFERENCES and not stops:
        return None
    reading = document.comparison.reading
    explanation = gettext(_EXPLANATIONS[reading], provider=label) if reading in _EXPLANATIONS else ""
    waiting = documents.count_pending(document.store) if stops else 0
    return Figures(tuple(_rows(document)), explanation, stops, waiting, bool(reading))


def _rows(document: Document) -> Iterator[FiguresRow]:
    """Yield what differs, and total and VAT in any case where the provider states them."""
    comparison = document.comparison
    different = {one.code for one in comparison.differences}
    equal = {"total-differs": document.provider_total, "vat-differs": document.provider_vat}
    for code, stated in equal.items():
        sent = document.total if code == "total-differs" else document.vat
        if code not in different and stated is not None:
            yield FiguresRow(gettext(_NAMES[code]), money(sent), money(stated), stated != sent)
    for one in comparison.differences:
        is_money = one.code in MONEY_DIFFERENCES
        ours, theirs = (money(text) if is_money else text or "—" for text in (one.ours, one.theirs))
        yield FiguresRow(gettext(_NAMES[one.code]), ours, theirs, differs=True)


@dataclass(frozen=True, slots=True)
class FiguresNotice:
    """What the home page says while documents wait for the figures of one, with the page on which to answer."""

    title: str
    text: str
    button: str
    document_id: int
    waiting: int


def figures_notice(account: Account) -> FiguresNotice | None:
    """Return the notice that the account waits for a decision, or for an answer about its first document."""
    label = provider_label(account)
    waiting = documents.count_pending(account.store)
    if account.differs_document_id is not None:
        return FiguresNotice(
            gettext("A faturação está parada: os valores do %(provider)s não batem certo", provider=label),
            gettext("Um documento saiu com valores diferentes dos que enviámos. Parámos para não saírem mais assim."),
            gettext("Comparar e decidir"), account.differs_document_id, waiting,
        )  # fmt: skip
    first = first_document.first_in_review(account) if waiting else None
    if first is None:
        return None
    return FiguresNotice(
        gettext("O primeiro documento está por esclarecer"),
        gettext("Não sabemos se o %(provider)s o emitiu. Os outros esperam pela sua resposta.", provider=label),
        gettext("Esclarecer"), first.id, waiting,
    )  # fmt: skip
