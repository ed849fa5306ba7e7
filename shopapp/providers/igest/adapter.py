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

from shopapp.errors import CredentialsError, RefusedError, TransientError, UncertainError
from shopapp.fiscal.document import Draft, Issued
from shopapp.http_client import HttpClient
from shopapp.providers.answers import MAX_PDF_BYTES, pdf_from
from shopapp.providers.articles import NewArticle, ProviderArticle
from shopapp.providers.base import (
    AccountInfo,
    Capabilities,
    Choices,
    CredentialField,
    HelpPaths,
    IssueGuarantee,
)
from shopapp.providers.stock import StockLevel, StockLevelPage, StockMovement, SupportsStockMovements

from .articles import (
    articles_from,
    check_movement_created,
    created_article_from,
    has_movement_with_reference,
    is_encodable,
    movement_elements,
    new_article_elements,
    parse_stock_cursor,
    reference_elements,
    stock_levels_from,
    stock_page_elements,
    stock_page_from,
)
from .client import IGestClient
from .documents import document_elements, issued_from
from .lists import account_info_from, choices_from
from .wire_format import Keys, Output, XmlElements

_HEX_40 = "[0-9a-fA-F]{40}"
_DOCUMENT_PROOF_ELEMENTS = ("id_documento", "numero_documento", "atcud", "hash_at", "url_pdf")
"""Elements any of which says that a document exists, whatever the status claims."""
_UNUSED_REFERENCE = "QI-0"
"""A reference to ask with, when only whether one may ask is of interest."""


class IGest(SupportsStockMovements):
    """One entity of iGEST, opened with the keys of its integration."""

    name: ClassVar[str] = "igest"
    label: ClassVar[str] = "iGEST"
    support: ClassVar[str] = "apoio@igest.pt"
    # the four values of the only known request; one that proves needless is one line less here
    credential_fields: ClassVar[tuple[CredentialField, ...]] = (
        CredentialField("key", "Chave de integração", "40 letras e algarismos, que o iGEST mostra depois de ativar.",
              secret=True, pattern=_HEX_40, length=40),
        CredentialField("code", "Código de segurança", "Por baixo da chave de integração, no mesmo ecrã do iGEST.",
              secret=True, pattern=_HEX_40, length=40),
        CredentialField("nif", "NIF da entidade", "O da empresa que emite as faturas: Entidade > Configurar > Geral.",
              digits=True, pattern="[0-9]{9}", length=9),
        CredentialField("entity", "Número da entidade", "O número que a empresa tem no iGEST, junto das chaves.",
              digits=True, pattern="[0-9]{1,10}"),
    )  # fmt: skip
    capabilities: ClassVar[Capabilities] = Capabilities(
        rounding_level="rate_group",
        credit_notes=True,
        # the sibling product of the vendor takes 200 a minute and then refuses for two
        calls_per_second=2.0,
    )
    help_paths: ClassVar[HelpPaths] = HelpPaths(
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
        self, credentials: Mapping[str, str], http: HttpClient, url: str, now: Callable[[], datetime]
    ) -> None:
        self._keys = Keys(
            **{name: credentials.get(name, "").strip() for name in ("entity", "nif", "key", "code")}
        )
        self._http = http
        self._now = now
        fields = {field.name for field in self.credential_fields}
        self._client = IGestClient(self._keys, http, url, now, fields)

    @property
    def guarantee(self) -> IssueGuarantee:
        """One attempt: no way is known to find a document again, so in doubt a person decides."""
        return IssueGuarantee.MANUAL

    def check(self) -> AccountInfo:
        """Whose account it is. CredentialsError for an `erro`, UnreachableError when it is none."""
        return account_info_from(self._client.query("verificar"), self._keys)

    def choices(self) -> Choices:
        """The lists of the settings form; one that the web service lacks is the law's own, or empty."""
        facts = self.check()
        names = ["listar_series", "listar_isencoes", "listar_taxas"]
        if facts.warehouses:
            names.append("listar_armazens")
        lists = {name: self._query_list(name) for name in names}
        articles = self._query_list("procurar_artigos", reference_elements([_UNUSED_REFERENCE])) is not None
        found = choices_from(lists, facts.region, self._now().date())
        return replace(found, articles=articles, stock_changes=self._supports_stock_changes())

    def _query_list(self, method: str, fields: XmlElements = ()) -> Output | None:
        try:
            return self._client.query(method, fields)
        except CredentialsError:
            # the keys were good a moment ago: this method is refused, or does not exist
            return None

    def _supports_stock_changes(self) -> bool:
        """Whether levels can be asked for by what changed: a mark is given, and understood."""
        now = self._query_list("listar_stock", reference_elements([_UNUSED_REFERENCE]))
        mark = now.text("marca") if now else ""
        since = self._query_list("listar_stock", stock_page_elements(mark, "")) if mark else None
        return since is not None and bool(since.text("marca"))

    def issue(self, draft: Draft, reference: str) -> Issued:
        """The document, issued by one single call.

        UncertainError means that it may exist; every other error that nothing was issued.
        """
        return self._client.execute(
            "novo_documento",
            lambda: document_elements(draft, reference),
            _issued_or_uncertain,
            _DOCUMENT_PROOF_ELEMENTS,
            "provider-refused",
        )

    def articles_by_code(self, codes: Sequence[str]) -> Mapping[str, ProviderArticle]:
        """The articles in use with exactly these references."""
        asked = [code for code in codes if is_encodable(code)]
        if not asked:
            return {}
        found = articles_from(self._query_or_unreachable("procurar_artigos", reference_elements(asked)))
        return {article.code: article for article in found if article.code in asked}

    def article_by_id(self, article_id: str) -> ProviderArticle | None:
        """The article of that id, whatever it is called by now; None when it is gone or no longer in use."""
        found = articles_from(self._query_or_unreachable("procurar_artigos", (("id_artigo", article_id),)))
        return next((article for article in found if article.article_id == article_id), None)

    def create_article(self, new: NewArticle) -> ProviderArticle:
        """The article, made by one call, or made by another meanwhile. UncertainError means that it may be there."""
        try:
            return self._client.execute(
                "novo_artigo",
                lambda: new_article_elements(new),
                lambda output: created_article_from(output, new),
                ("id_artigo",),
                "article-refused",
            )
        except RefusedError as error:
            existing = self._article_created_meanwhile(new.code)
            if existing is None:
                raise error
            return existing

    def _article_created_meanwhile(self, code: str) -> ProviderArticle | None:
        """The article that made it impossible to make it; None where there is none, or it can't be said."""
        try:
            return self.articles_by_code([code]).get(code)
        except TransientError:
            return None

    def stock_levels(self, codes: Sequence[str]) -> tuple[StockLevel, ...]:
        """The levels now, in every warehouse, of these articles; one that has no level at all is not known."""
        asked = [code for code in codes if is_encodable(code)]
        return (
            stock_levels_from(self._query_or_unreachable("listar_stock", reference_elements(asked)))
            if asked
            else ()
        )

    def changed_stock_levels(self, sync_token: str = "", after: str = "") -> StockLevelPage:
        """The levels that changed since the reading that gave `mark`, or all of them, page by page."""
        since, first, cursor = sync_token if self.features.stock_changes else "", "", ""
        if after:
            since, first, cursor = parse_stock_cursor(after)
        found = self._client.query_or_none("listar_stock", stock_page_elements(since, cursor))
        if found is None and since and not after:
            # a mark that is no longer understood: the reading begins with everything
            since, found = "", self._client.query_or_none("listar_stock", ())
        if found is None:
            raise TransientError("unreachable", how="refused")
        return stock_page_from(found, since, first)

    def move_stock(self, movement: StockMovement) -> None:
        """Nothing; the stock was moved, by one call. UncertainError means that it may have been."""
        self._client.execute(
            "movimentar_stock",
            lambda: movement_elements(movement),
            check_movement_created,
            ("id_movimento",),
            "stock-refused",
        )

    def has_stock_movement(self, reference: str) -> bool | None:
        """Whether a movement with exactly this reference is there; None where movements can't be searched."""
        found = self._client.query_or_none("listar_movimentos", (("referencia", reference),))
        return None if found is None else has_movement_with_reference(found, reference)

    def _query_or_unreachable(self, method: str, fields: XmlElements) -> Output:
        """The `sucesso` of a look-up. One that is refused although the keys are good says nothing of what is there."""
        found = self._client.query_or_none(method, fields)
        if found is None:
            raise TransientError("unreachable", how="refused")
        return found

    def pdf(self, issued: Issued) -> bytes:
        """iGEST's own PDF, at most 10 MiB. TransientError `pdf-not-ready` while its address gives none."""
        if not issued.pdf_url:
            raise TransientError("pdf-not-ready", how="no-address")
        try:
            reply = self._http.read("GET", issued.pdf_url, max_bytes=MAX_PDF_BYTES)
        except CredentialsError as error:
            # an address that ran out says nothing about the keys
            raise TransientError("pdf-not-ready", how=f"status-{error.detail['status']}") from error
        return pdf_from(reply)


def _issued_or_uncertain(output: Output) -> Issued:
    """The document that a `sucesso` tells of. UncertainError when it bears no number."""
    found = issued_from(output)
    if found is None:
        raise UncertainError("outcome-unknown", how="no-number", id=output.text("id_documento")[:80])
    return found
