"""PHC GO behind the verbs of a provider: a draft is saved, compared, and that very draft is signed.

Opened by `connect` with one account's credentials. It never signs another draft than the one it is told to, never
writes a customer or an article who exists, and never repeats a call that may have happened. It moves no stock beside
that of its documents: no public client writes a movement other than an article's initial stock.

Source: phcgo.md (public clients of the Full API, the vendor's help pages), docs/phcgo.md for the wire as used.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import ClassVar, TypeVar

from shopapp.fiscal.document import Draft, Issued, Kind
from shopapp.fiscal.errors import RefusedError, TransientError, UncertainError, UnreachableError
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
    Opened,
    Provider,
    StockLevel,
)

from .articles import article_by_stamp, articles_by_ref, made
from .drafting import by_reference, by_stamp, drafts_with, saved
from .lists import choices_from, facts_from
from .papers import BO, FT, Paper, id_of, is_draft, issued_from, paper_and_stamp, paper_for, total_of
from .reports import mail, pdf_of
from .session import Keys, Session
from .stock import levels_after, levels_of
from .wire import Refusal, Row, query, text

T = TypeVar("T")


class PhcGo(Provider):
    """One company of one installation of PHC GO."""

    name: ClassVar[str] = "phcgo"
    label: ClassVar[str] = "PHC GO"
    support: ClassVar[str] = "suporte@phc.pt"
    credential_fields: ClassVar[tuple[Field, ...]] = (
        Field("url", "URL da instalação",
              "O endereço que o browser mostra dentro do PHC GO, como https://sis05.phcgo.net/empresa."),
        Field("user", "Utilizador", "O nome ou e-mail com que entra no PHC GO; de preferência um só para a loja."),
        Field("password", "Password", "A deste utilizador.", secret=True),
        Field("token", "Token PHC GO", "O token de acesso que a PHC dá a esta aplicação; copie-o inteiro, com os "
              "sinais + / e = que tiver.", secret=True),
        Field("company", "Empresa", "A base de dados, só se a instalação tiver mais do que uma.", optional=True),
    )  # fmt: skip
    capabilities: ClassVar[Capabilities] = Capabilities(
        level="line",
        reads_state=True,
        searches=True,
        emails=True,
        warehouses=True,
        credit_notes=True,
        early_drafts=True,
        notes=True,
        note_drafts=True,
        transport=True,
        metered=True,
        articles=True,
        names_to_move=True,
        reads_stock=True,
        pace=2.0,
    )
    guide: ClassVar[Guide] = Guide(
        keys=("PHC GO", "Barra de endereço do browser"),
        keys_help="O token é pedido à PHC ou ao seu parceiro PHC; um que foi feito para outra loja pode não servir "
        "aqui.",
        documents=("Menu", "Vendas", "Faturação"),
        number_example="FT 2026S12/7",
        series_help=("Menu", "Definições", "Séries de Documentos", "Séries de Documentos de Faturação"),
    )
    unconfirmed: ClassVar[tuple[str, ...]] = (
        "where the token comes from for this product: it may be tied to the shop system that it was made for",
        "how long a session lasts, what a call without one is answered, and where the Engine-Auth value is told",
        "which field of a series says that it keeps drafts: without it none is made, and in doubt a person decides",
        "that a price with VAT keeps its cents: drafts are compared before they are signed",
        "that `obs` is kept and can be asked for: proved at set-up where a series keeps no drafts",
        "the entities of rate tables and warehouses, and the fields of loading, state, ATCUD and a credit's reason",
        "what a call over the monthly allowance is answered, and that a whole answer with an error changed nothing",
        "deleting a draft by Save with Operation 3, and signing a dossier",
        "several references in one question, how many rows an answer holds, and that a list can be read on",
        "that an article's rate is the index of its table, and where its exemption code goes",
    )

    def __init__(
        self,
        credentials: Mapping[str, str],
        wire: Wire,
        now: Callable[[], datetime],
        hosts: Collection[str] = (),
        loopback: str = "",
    ) -> None:
        self._company = credentials.get("company", "").strip()
        self._wire, self._now = wire, now
        self._session = Session(Keys.of(credentials), wire, hosts, loopback, now)

    @property
    def once(self) -> Once:
        """The promise for the first kind of invoice that the merchant chose a series for."""
        kinds: tuple[Kind, ...] = ("FR", "FT", "FS")
        return self.once_of(next((kind for kind in kinds if kind in self.known.series), "FR"))

    def once_of(self, kind: Kind) -> Once:
        """BY_DRAFT where the series keeps drafts, BY_SEARCH where looking up was seen to work, else BY_PERSON."""
        series = self.known.series.get(kind)
        if series is not None and series.drafts:
            return Once.BY_DRAFT
        # an order note is not fiscal, and public clients look it up by `obs`
        return Once.BY_SEARCH if self.known.searches or kind == "NE" else Once.BY_PERSON

    def check(self) -> AccountFacts:
        """Whose account it is. CredentialsError names the field, UnreachableError when PHC GO did not answer."""
        return facts_from(self._own(), self._session.base(), self._company)

    def choices(self) -> Choices:
        """The lists of the settings form, and what this account cannot do."""
        return choices_from(self._session, self._own(), self.known.series, self._now().date())

    def _own(self) -> Row:
        """The company's own record."""
        asked = query("E1", ("estab", 0), limit=1)
        try:
            return self._session.run(
                lambda: self._session.read("SearchWS/QueryAsEntities", itemQuery=asked)
            ).first
        except Refusal as error:
            raise UnreachableError("not-phcgo", how="no-company") from error

    # one document

    def open_draft(self, draft: Draft, reference: str) -> Opened:
        """The saved draft with what it adds up to. UncertainError leaves a spare draft at worst."""
        paper = paper_for(draft.kind)
        row = saved(self._session, draft, reference)
        opened = id_of(paper, text(row, paper.stamp))
        # where the series no longer keeps drafts it is a document by now, and finalising says so
        return Opened(opened, total_of(row) if is_draft(paper, row) else None)

    def finalise(self, draft_id: str) -> Issued:
        """The document made of that draft by signing it; after any unclear answer its state is asked.

        RefusedError `draft-gone` when there is no such record any more.
        """
        paper, stamp = paper_and_stamp(draft_id)
        why: Exception
        try:
            row = self._session.definite(
                lambda: self._session.write(f"{paper.ws}/signDocument", **{paper.stamp: stamp})
            ).first
            if text(row, paper.stamp) == stamp and (issued := issued_from(paper, row)):
                return issued
            why = UncertainError("outcome-unknown", how="not-signed")
        except UncertainError as error:
            why = error
        except Refusal as error:
            why = error
        return self._found_signed(paper, stamp, why)

    def _found_signed(self, paper: Paper, stamp: str, why: Exception) -> Issued:
        """The document as its state tells, else what its signing came to: a doubt stays one, a refusal is definite."""
        try:
            row = self._shown(paper, stamp)
        except (Refusal, TransientError) as error:
            how = "refused-unseen" if isinstance(why, Refusal) else "unseen"
            raise UncertainError("outcome-unknown", how=how) from error
        issued = issued_from(paper, row) if row else None
        if issued:
            return issued
        if isinstance(why, Refusal):
            code = "provider-refused" if row else "draft-gone"
            raise RefusedError(code, answer=str(why)) from why
        raise why

    def _shown(self, paper: Paper, stamp: str) -> Row | None:
        return self._session.run(lambda: by_stamp(self._session, paper, stamp))

    def finalised(self, draft_id: str) -> Issued | None:
        """The document made of that draft, or None while the program shows none."""
        paper, stamp = paper_and_stamp(draft_id)
        row = self._seen(paper, stamp)
        return issued_from(paper, row) if row else None

    def _seen(self, paper: Paper, stamp: str) -> Row | None:
        try:
            return self._shown(paper, stamp)
        except Refusal as error:
            raise UnreachableError("unreachable", how="not-shown") from error

    def drop_draft(self, draft_id: str) -> Issued | None:
        """None once that draft is gone; its document when somebody signed it."""
        paper, stamp = paper_and_stamp(draft_id)
        row = self._seen(paper, stamp)
        if row is not None and (issued := issued_from(paper, row)):
            return issued
        try:
            self._delete(paper, row or {paper.stamp: stamp})
        except Refusal as error:
            if row is None:
                return None
            if issued := self.finalised(draft_id):
                return issued
            raise TransientError("draft-unsure", how="not-removed") from error
        return None

    def drop_drafts(self, reference: str) -> int:
        """How many drafts bearing exactly this reference were removed."""
        papers = [FT] + ([BO] if "NE" in self.known.series else [])
        removed = 0
        try:
            for paper in papers:
                found = self._session.run(partial(drafts_with, self._session, paper, reference))
                for row in found:
                    self._delete(paper, row)
                    removed += 1
        except Refusal as error:
            raise TransientError("draft-unsure", how="not-removed") from error
        return removed

    def _delete(self, paper: Paper, row: Row) -> None:
        """Nothing; the draft is gone. The program itself refuses to delete what is signed."""
        gone = row | {"Operation": 3}
        self._session.definite(
            lambda: self._session.write(f"{paper.ws}/Save", itemVO=gone, runWarningRules="false")
        )

    def issue(self, draft: Draft, reference: str) -> Issued:
        """The document, where the series keeps no drafts; one that turns out to be a draft is signed at once."""
        paper = paper_for(draft.kind)
        row = saved(self._session, draft, reference)
        return issued_from(paper, row) or self.finalise(id_of(paper, text(row, paper.stamp)))

    def find(self, reference: str, draft: Draft) -> list[Issued]:
        """The documents that bear exactly this reference."""
        paper = paper_for(draft.kind)
        try:
            rows = self._session.run(lambda: by_reference(self._session, paper, reference))
        except Refusal as error:
            raise UnreachableError("unreachable", how="not-searchable") from error
        return [issued for row in rows if (issued := issued_from(paper, row))]

    # articles and their stock

    def articles(self, codes: Sequence[str]) -> Mapping[str, Article]:
        """The articles in use with exactly these references."""
        wanted = list(dict.fromkeys(code for code in codes if code))
        return self._looked(lambda: articles_by_ref(self._session, wanted))

    def article(self, article_id: str) -> Article | None:
        """The article with that stamp; None when it is gone or no longer in use."""
        return self._looked(lambda: article_by_stamp(self._session, article_id))

    def create_article(self, new: NewArticle) -> Article:
        """The article, without a price, made by one Save."""
        return made(self._session, new)

    def levels(self, codes: Sequence[str]) -> tuple[StockLevel, ...]:
        """The levels of these articles in every warehouse."""
        wanted = list(dict.fromkeys(code for code in codes if code))
        return self._looked(lambda: levels_of(self._session, wanted))

    def changed_levels(self, mark: str = "", after: str = "") -> LevelsPage:
        """All levels, page by page, whatever the mark: this program can't be asked for changes."""
        return self._looked(lambda: levels_after(self._session, after))

    def _looked(self, step: Callable[[], T]) -> T:
        """What a question about articles gives; UnreachableError when it could not be asked."""
        try:
            return self._session.run(step)
        except Refusal as error:
            raise UnreachableError("unreachable", how="not-searchable") from error

    # what was issued

    def read(self, provider_id: str) -> Issued:
        """The document as PHC GO has it now, `annulled` or `paid` where it says so. RefusedError `document-gone`."""
        paper, stamp = paper_and_stamp(provider_id)
        row = self._seen(paper, stamp)
        issued = issued_from(paper, row) if row else None
        if issued is None:
            raise RefusedError("document-gone")
        return issued

    def pdf(self, issued: Issued) -> bytes:
        """PHC GO's own PDF, at most 10 MiB."""
        return pdf_of(self._session, *self._signed(issued.provider_id))

    def email(self, provider_id: str, to: str) -> None:
        """Nothing; PHC GO mailed the document in its own words."""
        mail(self._session, *self._signed(provider_id), to)

    def _signed(self, provider_id: str) -> tuple[Paper, Row]:
        """The record, which is no draft: printing or mailing one may sign it. UnreachableError when it is not shown."""
        paper, stamp = paper_and_stamp(provider_id)
        row = self._seen(paper, stamp)
        if row is None or is_draft(paper, row):
            raise UnreachableError("unreachable", how="not-shown")
        return paper, row
