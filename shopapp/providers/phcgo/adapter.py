"""PHC GO as a provider: a draft is saved, compared with ours, and that same draft is signed.

It never signs a draft that it was not asked to sign, never changes an existing customer or article, and never repeats a
call that may have happened. Only its documents move stock: no public client writes a movement other than an article's
initial stock.

Source: public clients of the Full API and the vendor's help pages, read 2026-11-20 (docs/phcgo.md).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import ClassVar, TypeVar

from shopapp.errors import RefusedError, TransientError, UncertainError, UnreachableError
from shopapp.fiscal.document import INVOICE_KINDS, DocumentKind, Draft, Issued
from shopapp.http_client import HttpClient
from shopapp.providers.articles import NewArticle, ProviderArticle
from shopapp.providers.base import (
    AccountInfo,
    Capabilities,
    Choices,
    CredentialField,
    HelpPaths,
    IssueGuarantee,
    SupportsDocumentState,
    SupportsEmail,
    SupportsSearch,
)
from shopapp.providers.drafts import ProviderDraft, SupportsDrafts
from shopapp.providers.stock import StockLevel, StockLevelPage, SupportsStock

from .articles import article_by_stamp, articles_by_ref, save_article
from .lists import account_info_from, choices_from
from .pdf_and_email import fetch_pdf, send_email
from .records import (
    BO,
    FT,
    RecordType,
    is_draft,
    issued_from,
    parse_provider_id,
    provider_id_of,
    record_total,
    record_type_for,
)
from .save_record import drafts_by_reference, record_by_stamp, records_by_reference, save_record
from .session import Keys, PhcGoSession
from .stock import levels_by_ref, levels_page
from .wire_format import Refusal, Row, text_field

T = TypeVar("T")


class PhcGo(SupportsDrafts, SupportsSearch, SupportsDocumentState, SupportsEmail, SupportsStock):
    """One company of one installation of PHC GO."""

    name: ClassVar[str] = "phcgo"
    label: ClassVar[str] = "PHC GO"
    support: ClassVar[str] = "suporte@phc.pt"
    credential_fields: ClassVar[tuple[CredentialField, ...]] = (
        CredentialField(
            "url",
            "URL da instalação",
            "O endereço que o browser mostra dentro do PHC GO, como https://sis05.phcgo.net/empresa.",
        ),
        CredentialField(
            "user",
            "Utilizador",
            "O nome ou e-mail com que entra no PHC GO; de preferência um só para a loja.",
        ),
        CredentialField("password", "Password", "A deste utilizador.", secret=True),
        CredentialField(
            "token",
            "Token PHC GO",
            "O token de acesso que a PHC dá a esta aplicação; copie-o inteiro, com os "
            "sinais + / e = que tiver.",
            secret=True,
        ),
        CredentialField(
            "company", "Empresa", "A base de dados, só se a instalação tiver mais do que uma.", optional=True
        ),
    )
    capabilities: ClassVar[Capabilities] = Capabilities(
        rounding_level="line",
        credit_notes=True,
        drafts_before_payment=True,
        order_notes=True,
        order_note_drafts=True,
        transport=True,
        metered=True,
        names_articles_only_when_moving_stock=True,
        calls_per_second=2.0,
    )
    help_paths: ClassVar[HelpPaths] = HelpPaths(
        keys=("PHC GO", "Barra de endereço do browser"),
        keys_help="O token é pedido à PHC ou ao seu parceiro PHC; um que foi feito para outra loja pode não servir "
        "aqui.",
        documents=("Menu", "Vendas", "Faturação"),
        number_example="FT 2026S12/7",
        series_help=("Menu", "Definições", "Séries de Documentos", "Séries de Documentos de Faturação"),
    )
    unconfirmed: ClassVar[tuple[str, ...]] = (
        "where the token comes from for this product: it may be tied to the shop system that it was created for",
        "how long a session lasts, what a call without one is answered, and where the Engine-Auth value is given",
        "which field of a series says that it keeps drafts: without it none is saved, and a person decides a doubt",
        "that a price with VAT keeps its cents: drafts are compared before they are signed",
        "that `obs` is kept and can be searched: proved at set-up where a series keeps no drafts",
        "the entities of rate tables and warehouses, and the fields of loading, state, ATCUD and a credit's reason",
        "what a call over the monthly allowance is answered, and that a whole answer with an error changed nothing",
        "whether a transport guide tells the authority's code, here read under its SAF-T name `atdoccodeid`",
        "deleting a draft by Save with Operation 3, and signing a dossier",
        "that a credit note's line without pieces may name its document alone: a price reduction",
        "several references in one query, how many rows an answer holds, and that a list can be paged",
        "that an article's rate is the index of its table, and where its exemption code goes",
    )

    def __init__(
        self,
        credentials: Mapping[str, str],
        http: HttpClient,
        now: Callable[[], datetime],
        hosts: Collection[str] = (),
        loopback: str = "",
    ) -> None:
        self._company = credentials.get("company", "").strip()
        self._http, self._now = http, now
        self._session = PhcGoSession(Keys.from_credentials(credentials), http, hosts, loopback, now)

    @property
    def guarantee(self) -> IssueGuarantee:
        """Return the guarantee of the first kind of invoice for which the merchant chose a series."""
        return self.guarantee_for(
            next((kind for kind in INVOICE_KINDS if kind in self.features.series), "FR")
        )

    def guarantee_for(self, kind: DocumentKind) -> IssueGuarantee:
        """Return DRAFT_FIRST where the series keeps drafts, SEARCHABLE where searching was proved, else MANUAL."""
        series = self.features.series.get(kind)
        if series is not None and series.drafts:
            return IssueGuarantee.DRAFT_FIRST
        # an order note is not a fiscal document, and public clients look it up by `obs` (seen in code)
        return IssueGuarantee.SEARCHABLE if self.features.searches or kind == "NE" else IssueGuarantee.MANUAL

    def check(self) -> AccountInfo:
        """Ask who owns the account. Raises CredentialsError with the field, UnreachableError without an answer."""
        return account_info_from(self._company_record(), self._session.base_url(), self._company)

    def choices(self) -> Choices:
        """Ask for the lists of the settings form, and find out what this account cannot do."""
        return choices_from(self._session, self._company_record(), self.features.series, self._now().date())

    def _company_record(self) -> Row:
        try:
            rows = self._session.read_with_relogin(lambda: self._session.query("E1", ("estab", 0), limit=1))
        except Refusal as error:
            raise UnreachableError("not-phcgo", how="no-company") from error
        return rows[0] if rows else {}

    # one document

    def open_draft(self, draft: Draft, reference: str) -> ProviderDraft:
        """Save a draft; return its id and total. After UncertainError an orphan draft may exist, but no document."""
        record_type = record_type_for(draft.kind)
        row = save_record(self._session, draft, reference)
        draft_id = provider_id_of(record_type, text_field(row, record_type.stamp))
        # where the series no longer keeps drafts, this is already a document, and `finalise` returns it
        return ProviderDraft(draft_id, record_total(row) if is_draft(record_type, row) else None)

    def finalise(self, draft_id: str) -> Issued:
        """Sign that draft and return its document; after any unclear answer, ask for the draft's state.

        Raises RefusedError `provider-refused`, or `draft-gone` when that record no longer exists; UncertainError when
        it may be signed.
        """
        record_type, stamp = parse_provider_id(draft_id)
        why: Exception
        try:
            row = self._session.write_with_relogin(
                lambda: self._session.write(
                    f"{record_type.web_service}/signDocument", **{record_type.stamp: stamp}
                )
            ).first
            if text_field(row, record_type.stamp) == stamp and (issued := issued_from(record_type, row)):
                return issued
            why = UncertainError("outcome-unknown", how="not-signed")
        except UncertainError as error:
            why = error
        except Refusal as error:
            why = error
        return self._signed_document_or_raise(record_type, stamp, why)

    def _signed_document_or_raise(self, record_type: RecordType, stamp: str, why: Exception) -> Issued:
        """Return the document if the record's state shows one.

        Otherwise raises what signing raised: uncertain stays uncertain, and a refusal is now definite.
        """
        try:
            row = self._find_record(record_type, stamp)
        except (Refusal, TransientError) as error:
            how = "refused-unseen" if isinstance(why, Refusal) else "unseen"
            raise UncertainError("outcome-unknown", how=how) from error
        issued = issued_from(record_type, row) if row else None
        if issued:
            return issued
        if isinstance(why, Refusal):
            code = "provider-refused" if row else "draft-gone"
            raise RefusedError(code, answer=str(why)) from why
        raise why

    def _find_record(self, record_type: RecordType, stamp: str) -> Row | None:
        return self._session.read_with_relogin(lambda: record_by_stamp(self._session, record_type, stamp))

    def finalised_document(self, draft_id: str) -> Issued | None:
        """Ask for the document made from that draft; return None while PHC GO shows none."""
        record_type, stamp = parse_provider_id(draft_id)
        row = self._find_record_or_unreachable(record_type, stamp)
        return issued_from(record_type, row) if row else None

    def _find_record_or_unreachable(self, record_type: RecordType, stamp: str) -> Row | None:
        try:
            return self._find_record(record_type, stamp)
        except Refusal as error:
            raise UnreachableError("unreachable", how="not-shown") from error

    def drop_draft(self, draft_id: str) -> Issued | None:
        """Delete that draft; return its document instead when somebody signed it."""
        record_type, stamp = parse_provider_id(draft_id)
        row = self._find_record_or_unreachable(record_type, stamp)
        if row is not None and (issued := issued_from(record_type, row)):
            return issued
        try:
            self._delete_draft(record_type, row or {record_type.stamp: stamp})
        except Refusal as error:
            if row is None:
                return None
            if issued := self.finalised_document(draft_id):
                return issued
            raise TransientError("draft-unsure", how="not-removed") from error
        return None

    def drop_drafts(self, reference: str) -> int:
        """Delete the drafts with exactly this reference; return their number."""
        record_types = [FT] + ([BO] if "NE" in self.features.series else [])
        removed = 0
        try:
            for record_type in record_types:
                found = self._session.read_with_relogin(
                    partial(drafts_by_reference, self._session, record_type, reference)
                )
                for row in found:
                    self._delete_draft(record_type, row)
                    removed += 1
        except Refusal as error:
            raise TransientError("draft-unsure", how="not-removed") from error
        return removed

    def _delete_draft(self, record_type: RecordType, row: Row) -> None:
        # PHC GO itself refuses to delete what is signed (inferred)
        deletion = row | {"Operation": 3}
        self._session.write_with_relogin(
            lambda: self._session.write(
                f"{record_type.web_service}/Save", itemVO=deletion, runWarningRules="false"
            )
        )

    def issue(self, draft: Draft, reference: str) -> Issued:
        """Issue the document where the series keeps no drafts; sign it at once when it turns out to be a draft."""
        record_type = record_type_for(draft.kind)
        row = save_record(self._session, draft, reference)
        return issued_from(record_type, row) or self.finalise(
            provider_id_of(record_type, text_field(row, record_type.stamp))
        )

    def find_by_reference(self, reference: str, draft: Draft) -> list[Issued]:
        """Ask for the documents with exactly this reference."""
        record_type = record_type_for(draft.kind)
        try:
            rows = self._session.read_with_relogin(
                lambda: records_by_reference(self._session, record_type, reference)
            )
        except Refusal as error:
            raise UnreachableError("unreachable", how="not-searchable") from error
        return [issued for row in rows if (issued := issued_from(record_type, row))]

    # articles and their stock

    def articles_by_code(self, codes: Sequence[str]) -> Mapping[str, ProviderArticle]:
        """Ask for the articles in use with exactly these references."""
        wanted = list(dict.fromkeys(code for code in codes if code))
        return self._query_articles(lambda: articles_by_ref(self._session, wanted))

    def article_by_id(self, article_id: str) -> ProviderArticle | None:
        """Ask for the article with that stamp; return None when it is gone or no longer in use."""
        return self._query_articles(lambda: article_by_stamp(self._session, article_id))

    def create_article(self, new: NewArticle) -> ProviderArticle:
        """Create the article, without a price, by a single Save."""
        return save_article(self._session, new)

    def stock_levels(self, codes: Sequence[str]) -> tuple[StockLevel, ...]:
        """Ask for the levels of these articles in every warehouse."""
        wanted = list(dict.fromkeys(code for code in codes if code))
        return self._query_articles(lambda: levels_by_ref(self._session, wanted))

    def changed_stock_levels(self, sync_token: str = "", after: str = "") -> StockLevelPage:
        """Ask for one page of all levels, whatever the sync token: PHC GO cannot be asked for changes."""
        return self._query_articles(lambda: levels_page(self._session, after))

    def _query_articles(self, step: Callable[[], T]) -> T:
        try:
            return self._session.read_with_relogin(step)
        except Refusal as error:
            raise UnreachableError("unreachable", how="not-searchable") from error

    # issued documents

    def read_document(self, provider_id: str) -> Issued:
        """Ask for the document as it is now, `annulled` or `paid` where PHC GO says so.

        Raises RefusedError `document-gone`.
        """
        record_type, stamp = parse_provider_id(provider_id)
        row = self._find_record_or_unreachable(record_type, stamp)
        issued = issued_from(record_type, row) if row else None
        if issued is None:
            raise RefusedError("document-gone")
        return issued

    def pdf(self, issued: Issued) -> bytes:
        """Fetch PHC GO's own PDF, at most 10 MiB."""
        return fetch_pdf(self._session, *self._signed_record(issued.provider_id))

    def email(self, provider_id: str, to: str) -> None:
        """Have PHC GO e-mail the document in its own words."""
        send_email(self._session, *self._signed_record(provider_id), to)

    def _signed_record(self, provider_id: str) -> tuple[RecordType, Row]:
        """Return the record. Raises UnreachableError for a draft: printing or mailing one may sign it (documented)."""
        record_type, stamp = parse_provider_id(provider_id)
        row = self._find_record_or_unreachable(record_type, stamp)
        if row is None or is_draft(record_type, row):
            raise UnreachableError("unreachable", how="not-shown")
        return record_type, row
