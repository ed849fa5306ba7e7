"""iGEST as a provider: checks credentials, issues documents, keeps articles and their stock, fetches PDFs.

It never repeats a call that issues, creates or moves anything.

Source: igest.pt and publico.igest.pt (read 2026-11-20); the web service is not public, see docs/igest-wire.md.
Unconfirmed: every method but `novo_documento`, the rounding level, and that an answer that is only an `erro` means that
nothing was issued.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import ClassVar

from shopapp.errors import CredentialsError, RefusedError, TransientError, UncertainError
from shopapp.fiscal.document import Draft, Issued
from shopapp.http_client import HttpClient
from shopapp.providers.answered_urls import is_allowed_url
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

log = logging.getLogger(__name__)

_HEX_40 = "[0-9a-fA-F]{40}"
_DOCUMENT_PROOF_ELEMENTS = ("id_documento", "numero_documento", "atcud", "hash_at", "url_pdf")
"""Any of these elements proves that a document exists, whatever the status is."""
_UNUSED_REFERENCE = "QI-0"
"""A reference that nothing has: used only to find out whether a method exists."""


class IGest(SupportsStockMovements):
    """One entity of iGEST, opened with the keys of its integration."""

    name: ClassVar[str] = "igest"
    label: ClassVar[str] = "iGEST"
    support: ClassVar[str] = "apoio@igest.pt"
    # the four values of the only known request
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
        # documented for the vendor's sibling product: over 200 calls a minute it refuses for two minutes
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
        "the wire format as a whole: it is not public, and no answer to its one public client is recorded",
        "the production address, and whether the XML goes bare or in a SOAP envelope",
        "which of the two values on the merchant's screen is `codigo` and which makes `chave`",
        "the methods that check the credentials and list series, exemption reasons, rates and warehouses",
        "that prices are without VAT and that cents are rounded once for each rate",
        "that a whole answer with status `erro` and no number means that nothing was issued",
        "looking up a document by our reference, reading its state, having it e-mailed: taken as impossible",
        "whether issuing moves stock by itself, and whether an unknown article is created",
        "that articles can be looked up and created, and stock read, moved, and listed by what changed",
    )

    def __init__(
        self,
        credentials: Mapping[str, str],
        http: HttpClient,
        url: str,
        now: Callable[[], datetime],
        file_hosts: Collection[str] = (),
    ) -> None:
        self._keys = Keys(
            **{name: credentials.get(name, "").strip() for name in ("entity", "nif", "key", "code")}
        )
        self._http = http
        self._now = now
        self._url, self._file_hosts = url, file_hosts
        fields = {field.name for field in self.credential_fields}
        self._client = IGestClient(self._keys, http, url, now, fields)

    @property
    def guarantee(self) -> IssueGuarantee:
        """Return MANUAL: no way to find a document again is known, so a person decides about a lost answer."""
        return IssueGuarantee.MANUAL

    def check(self) -> AccountInfo:
        """Ask whose account it is. Raises CredentialsError for an `erro`, UnreachableError for no readable answer."""
        return account_info_from(self._client.query("verificar"), self._keys)

    def choices(self) -> Choices:
        """Ask for the lists of the settings form; a list that the web service lacks becomes the legal one, or empty."""
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
            # the credentials worked a moment ago, so this method is refused or does not exist
            return None

    def _supports_stock_changes(self) -> bool:
        """Return whether changed levels can be asked for: the answer has a sync token, and one is understood."""
        levels = self._query_list("listar_stock", reference_elements([_UNUSED_REFERENCE]))
        sync_token = levels.text("marca") if levels else ""
        changed = (
            self._query_list("listar_stock", stock_page_elements(sync_token, "")) if sync_token else None
        )
        return changed is not None and bool(changed.text("marca"))

    def issue(self, draft: Draft, reference: str) -> Issued:
        """Issue the document in a single call.

        Raises UncertainError when it may exist; after any other error nothing was issued.
        """
        return self._client.execute(
            "novo_documento",
            lambda: document_elements(draft, reference),
            _issued_or_uncertain,
            _DOCUMENT_PROOF_ELEMENTS,
            "provider-refused",
        )

    def articles_by_code(self, codes: Sequence[str]) -> Mapping[str, ProviderArticle]:
        """Ask for the articles in use with exactly these references."""
        wanted = [code for code in codes if is_encodable(code)]
        if not wanted:
            return {}
        found = articles_from(self._query_or_unreachable("procurar_artigos", reference_elements(wanted)))
        return {article.code: article for article in found if article.code in wanted}

    def article_by_id(self, article_id: str) -> ProviderArticle | None:
        """Ask for the article with that id; return None when it is gone or no longer in use."""
        found = articles_from(self._query_or_unreachable("procurar_artigos", (("id_artigo", article_id),)))
        return next((article for article in found if article.article_id == article_id), None)

    def create_article(self, new: NewArticle) -> ProviderArticle:
        """Create the article in a single call; return the existing one when somebody else created it first.

        Raises UncertainError when it may have been created.
        """
        try:
            return self._client.execute(
                "novo_artigo",
                lambda: new_article_elements(new),
                lambda output: created_article_from(output, new),
                ("id_artigo",),
                "article-refused",
            )
        except RefusedError as error:
            existing = self._existing_article(new.code)
            if existing is None:
                raise error
            return existing

    def _existing_article(self, code: str) -> ProviderArticle | None:
        """Return the article that a creation was refused for; None when there is none, or nobody knows."""
        try:
            return self.articles_by_code([code]).get(code)
        except TransientError:
            return None

    def stock_levels(self, codes: Sequence[str]) -> tuple[StockLevel, ...]:
        """Ask for the levels of these articles in every warehouse; an article without any level is unknown."""
        wanted = [code for code in codes if is_encodable(code)]
        if not wanted:
            return ()
        return stock_levels_from(self._query_or_unreachable("listar_stock", reference_elements(wanted)))

    def changed_stock_levels(self, sync_token: str = "", after: str = "") -> StockLevelPage:
        """Ask for one page of the levels that changed since the sync that gave the token, or of all levels."""
        since, next_token, cursor = sync_token if self.features.stock_changes else "", "", ""
        if after:
            since, next_token, cursor = parse_stock_cursor(after)
        page = self._client.query_or_none("listar_stock", stock_page_elements(since, cursor))
        if page is None and since and not after:
            # the token is no longer understood: read all levels
            since, page = "", self._client.query_or_none("listar_stock", ())
        if page is None:
            raise TransientError("unreachable", how="refused")
        return stock_page_from(page, since, next_token)

    def move_stock(self, movement: StockMovement) -> None:
        """Send the movement in a single call. Raises UncertainError when it may have been made."""
        self._client.execute(
            "movimentar_stock",
            lambda: movement_elements(movement),
            check_movement_created,
            ("id_movimento",),
            "stock-refused",
        )

    def has_stock_movement(self, reference: str) -> bool | None:
        """Ask whether a movement has exactly this reference; return None where movements cannot be searched."""
        movements = self._client.query_or_none("listar_movimentos", (("referencia", reference),))
        return None if movements is None else has_movement_with_reference(movements, reference)

    def _query_or_unreachable(self, method: str, fields: XmlElements) -> Output:
        """Return the `sucesso` of a look-up. Raises UnreachableError for a refusal despite good credentials."""
        output = self._client.query_or_none(method, fields)
        if output is None:
            raise TransientError("unreachable", how="refused")
        return output

    def pdf(self, issued: Issued) -> bytes:
        """Fetch iGEST's own PDF, at most 10 MiB. Raises TransientError `pdf-not-ready` while its address gives none.

        So does an address that is not at iGEST's own host or one of `file_hosts`: nothing is fetched from it.
        """
        if not issued.pdf_url:
            raise TransientError("pdf-not-ready", how="no-address")
        if not is_allowed_url(issued.pdf_url, self._url, self._file_hosts):
            # without its path, which may be signed
            host = issued.pdf_url.split("/", 3)[2:3]
            log.warning("PDF not fetched: %.120a is not a host of IGEST_FILE_HOSTS", host)
            raise TransientError("pdf-not-ready", how="address-refused")
        try:
            reply = self._http.read("GET", issued.pdf_url, max_bytes=MAX_PDF_BYTES)
        except CredentialsError as error:
            # an address that expired says nothing about the credentials
            raise TransientError("pdf-not-ready", how=f"status-{error.detail['status']}") from error
        return pdf_from(reply)


def _issued_or_uncertain(output: Output) -> Issued:
    """Return the document in a `sucesso`. Raises UncertainError when it has no number."""
    issued = issued_from(output)
    if issued is None:
        raise UncertainError("outcome-unknown", how="no-number", id=output.text("id_documento")[:80])
    return issued
