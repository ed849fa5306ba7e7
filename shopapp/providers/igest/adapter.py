"""iGEST behind the verbs of a provider: checks keys, lists choices, issues once, keeps articles, fetches the paper.

Opened by `connect` with one account's credentials. It never repeats a call that issues, makes or moves anything.

Source: igest.pt and publico.igest.pt (read 2026-11-20); the wire is not public, see wire.py.
Unconfirmed: every method but `novo_documento`, the level of rounding, and that nothing was issued when the
whole answer is an `erro`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import ClassVar

from shopapp.fiscal.document import Draft, Issued
from shopapp.fiscal.errors import CredentialsError, RefusedError, TransientError, UncertainError
from shopapp.http import Wire
from shopapp.providers.base import (
    AccountFacts,
    Article,
    Capabilities,
    Choices,
    Field,
    Guide,
    LevelsPage,
    NewArticle,
    Once,
    Provider,
    StockLevel,
    StockMove,
)

from .articles import (
    article_from,
    levels_from,
    made_from,
    move_from,
    moved_from,
    moved_under,
    named,
    page_from,
    page_of,
    place_in,
    references,
    speakable,
)
from .calls import Calls
from .documents import issued_from, payload_from
from .lists import choices_from, facts_from
from .wire import Fields, Keys, Output

_FORTY = "[0-9a-fA-F]{40}"
_LARGEST_PDF = 10 * 1024 * 1024
_TRACES = ("id_documento", "numero_documento", "atcud", "hash_at", "url_pdf")
"""Elements any of which says that a document exists, whatever the status claims."""
_NOBODYS = "QI-0"
"""A reference to ask with, when only whether one may ask is of interest."""


class IGest(Provider):
    """One entity of iGEST, opened with the keys of its integration."""

    name: ClassVar[str] = "igest"
    label: ClassVar[str] = "iGEST"
    support: ClassVar[str] = "apoio@igest.pt"
    # the four values of the only known request; one that proves needless is one line less here
    credential_fields: ClassVar[tuple[Field, ...]] = (
        Field("key", "Chave de integração", "40 letras e algarismos, que o iGEST mostra depois de ativar.",
              secret=True, pattern=_FORTY),
        Field("code", "Código de segurança", "Por baixo da chave de integração, no mesmo ecrã do iGEST.",
              secret=True, pattern=_FORTY),
        Field("nif", "NIF da entidade", "O da empresa que emite as faturas: Entidade > Configurar > Geral.",
              digits=True, pattern="[0-9]{9}"),
        Field("entity", "Número da entidade", "O número que a empresa tem no iGEST, junto das chaves.",
              digits=True, pattern="[0-9]{1,10}"),
    )  # fmt: skip
    capabilities: ClassVar[Capabilities] = Capabilities(
        level="rate_group",
        reads_state=False,
        searches=False,
        emails=False,
        warehouses=True,
        credit_notes=True,
        articles=True,
        reads_stock=True,
        moves_stock=True,
        # the sibling product of the vendor takes 200 a minute and then refuses for two
        pace=2.0,
    )
    guide: ClassVar[Guide] = Guide(
        keys=("Entidade", "Configurar", "Integrações", "Jumpseller", "Ativar"),
        keys_help="Depois de ativar, os valores aparecem no mesmo ecrã. Se lá estiver «Desativar», já está ativo.",
        documents=("Vendas",),
        number_example="FR 2026FR/12",
        series_help=("Entidade", "Configurar", "Definições"),
    )
    unconfirmed: ClassVar[tuple[str, ...]] = (
        "the wire format as a whole: it is not public, and the one public client of it never had an answer",
        "the production address, and whether the XML goes bare or in a SOAP envelope",
        "which of the two values on the merchant's screen is `codigo` and which makes `chave`",
        "the methods that check the keys and list series, exemption reasons, rates and warehouses",
        "that prices are without VAT and that cents are rounded once for each rate",
        "that a whole answer with status `erro` and no number means that nothing was issued",
        "looking a document up by our reference, reading its state, having it e-mailed: taken as impossible",
        "whether issuing moves stock by itself, and whether an unknown article is created",
        "that articles can be looked up and made, and stock read, asked for by what changed, and moved",
    )

    def __init__(
        self, credentials: Mapping[str, str], wire: Wire, url: str, now: Callable[[], datetime]
    ) -> None:
        self._keys = Keys(
            **{name: credentials.get(name, "").strip() for name in ("entity", "nif", "key", "code")}
        )
        self._wire = wire
        self._now = now
        fields = {field.name for field in self.credential_fields}
        self._calls = Calls(self._keys, wire, url, now, fields)

    @property
    def once(self) -> Once:
        """One attempt: no way is known to find a document again, so in doubt a person decides."""
        return Once.BY_PERSON

    def check(self) -> AccountFacts:
        """Whose account it is. CredentialsError for an `erro`, UnreachableError when it is none."""
        return facts_from(self._calls.ask("verificar"), self._keys)

    def choices(self) -> Choices:
        """The lists of the settings form; one that the web service lacks is the law's own, or empty."""
        facts = self.check()
        names = ["listar_series", "listar_isencoes", "listar_taxas"]
        if facts.warehouses:
            names.append("listar_armazens")
        lists = {name: self._list(name) for name in names}
        articles = self._list("procurar_artigos", references([_NOBODYS])) is not None
        found = choices_from(lists, facts.region, self._now().date())
        return replace(found, articles=articles, stock_changes=self._tells_changes())

    def _list(self, method: str, fields: Fields = ()) -> Output | None:
        try:
            return self._calls.ask(method, fields)
        except CredentialsError:
            # the keys were good a moment ago: this method is refused, or does not exist
            return None

    def _tells_changes(self) -> bool:
        """Whether levels can be asked for by what changed: a mark is given, and understood."""
        now = self._list("listar_stock", references([_NOBODYS]))
        mark = now.text("marca") if now else ""
        since = self._list("listar_stock", page_of(mark, "")) if mark else None
        return since is not None and bool(since.text("marca"))

    def issue(self, draft: Draft, reference: str) -> Issued:
        """The document, issued by one single call.

        UncertainError means that it may exist; every other error that nothing was issued.
        """
        return self._calls.tell(
            "novo_documento", lambda: payload_from(draft, reference), _numbered, _TRACES, "provider-refused"
        )

    def articles(self, codes: Sequence[str]) -> Mapping[str, Article]:
        """The articles in use with exactly these references."""
        asked = [code for code in codes if speakable(code)]
        if not asked:
            return {}
        found = named(self._told("procurar_artigos", references(asked)))
        return {article.code: article for article in found if article.code in asked}

    def article(self, article_id: str) -> Article | None:
        """The article of that id, whatever it is called by now; None when it is gone or no longer in use."""
        found = named(self._told("procurar_artigos", (("id_artigo", article_id),)))
        return next((article for article in found if article.article_id == article_id), None)

    def create_article(self, new: NewArticle) -> Article:
        """The article, made by one call, or made by another meanwhile. UncertainError means that it may be there."""
        try:
            return self._calls.tell(
                "novo_artigo", lambda: article_from(new), lambda output: made_from(output, new), ("id_artigo",),
                "article-refused",
            )  # fmt: skip
        except RefusedError as error:
            there = self._made_meanwhile(new.code)
            if there is None:
                raise error
            return there

    def _made_meanwhile(self, code: str) -> Article | None:
        """The article that made it impossible to make it; None where there is none, or it can't be said."""
        try:
            return self.articles([code]).get(code)
        except TransientError:
            return None

    def levels(self, codes: Sequence[str]) -> tuple[StockLevel, ...]:
        """The levels now, in every warehouse, of these articles; one that has no level at all is not known."""
        asked = [code for code in codes if speakable(code)]
        return levels_from(self._told("listar_stock", references(asked))) if asked else ()

    def changed_levels(self, mark: str = "", after: str = "") -> LevelsPage:
        """The levels that changed since the reading that gave `mark`, or all of them, page by page."""
        since, first, cursor = mark if self.known.stock_changes else "", "", ""
        if after:
            since, first, cursor = place_in(after)
        found = self._calls.told("listar_stock", page_of(since, cursor))
        if found is None and since and not after:
            # a mark that is no longer understood: the reading begins with everything
            since, found = "", self._calls.told("listar_stock", ())
        if found is None:
            raise TransientError("unreachable", how="refused")
        return page_from(found, since, first)

    def move_stock(self, move: StockMove) -> None:
        """Nothing; the stock was moved, by one call. UncertainError means that it may have been."""
        self._calls.tell(
            "movimentar_stock", lambda: move_from(move), moved_from, ("id_movimento",), "stock-refused"
        )

    def stock_moved(self, reference: str) -> bool | None:
        """Whether a movement with exactly this reference is there; None where movements can't be searched."""
        found = self._calls.told("listar_movimentos", (("referencia", reference),))
        return None if found is None else moved_under(found, reference)

    def _told(self, method: str, fields: Fields) -> Output:
        """The `sucesso` of a look-up. One that is refused although the keys are good says nothing of what is there."""
        found = self._calls.told(method, fields)
        if found is None:
            raise TransientError("unreachable", how="refused")
        return found

    def pdf(self, issued: Issued) -> bytes:
        """iGEST's own PDF, at most 10 MiB. TransientError `pdf-not-ready` while its address gives none."""
        if not issued.pdf_url:
            raise TransientError("pdf-not-ready", how="no-address")
        try:
            reply = self._wire.read("GET", issued.pdf_url, most=_LARGEST_PDF)
        except CredentialsError as error:
            # an address that ran out says nothing about the keys
            raise TransientError("pdf-not-ready", how=f"status-{error.detail['status']}") from error
        if reply.status != 200 or not reply.body.startswith(b"%PDF-"):
            raise TransientError("pdf-not-ready", how=f"status-{reply.status}")
        return reply.body


def _numbered(output: Output) -> Issued:
    """The document that a `sucesso` tells of. UncertainError when it bears no number."""
    found = issued_from(output)
    if found is None:
        raise UncertainError("outcome-unknown", how="no-number", id=output.text("id_documento")[:80])
    return found
