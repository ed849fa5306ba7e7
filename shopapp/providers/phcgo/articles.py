"""PHC GO's articles: looked up by their references, and created where there is none.

An answer that may be truncated, or a query that may be misunderstood, never means that an article does not exist; and
an existing article is never changed.

Source: public clients, read 2026-11-20 (docs/phcgo.md, "Articles and stock"). Unconfirmed: that conditions of group 9
are alternatives; how many rows one answer holds; that an article's rate is `tabiva` and its exemption `codmotiseimp`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from shopapp.errors import AppError, RefusedError, UncertainError
from shopapp.fiscal.money import round_to_six_decimals
from shopapp.fiscal.texts import shorten
from shopapp.providers.articles import NewArticle, ProviderArticle
from shopapp.providers.text import one_line

from .lists import rate_indexes
from .session import PhcGoSession
from .wire_format import Refusal, Row, decimal_field, flag_field, text_field

MAX_REF_LENGTH = 18
MAX_ROWS = 500
_MAX_NAME_LENGTH = 60
_SAMPLE_SIZE = 100
"""Twice the number of articles that are looked up at once."""


def ref_of(row: Row) -> str:
    """Return the reference exactly as PHC GO writes it, without surrounding spaces."""
    ref = row.get("ref")
    return ref.strip() if isinstance(ref, str) else ""


def articles_by_ref(session: PhcGoSession, refs: Iterable[str]) -> Mapping[str, ProviderArticle]:
    """Ask for the articles in use with exactly these references. Raises Refusal when some of them stay unknown."""
    rows = _article_rows(session, list(refs))
    return {ref: _article_from(row) for ref, row in rows.items() if not flag_field(row, "inactivo")}


def article_by_stamp(session: PhcGoSession, stamp: str) -> ProviderArticle | None:
    """Ask for the article in use with that stamp, whatever its reference is now."""
    rows = session.query("St", ("ststamp", stamp), limit=2)
    row = next((row for row in rows if text_field(row, "ststamp") == stamp), None)
    return _article_from(row) if row and not flag_field(row, "inactivo") else None


def _article_from(row: Row) -> ProviderArticle:
    stamp = text_field(row, "ststamp")
    if not stamp:
        raise Refusal("ststamp")
    return ProviderArticle(stamp, ref_of(row), text_field(row, "design"), goods=not flag_field(row, "stns"))


def _article_rows(session: PhcGoSession, refs: Sequence[str]) -> dict[str, Row]:
    """Return the rows of these references, in use or not, by reference.

    Queries again for the missing ones until an answer is certainly complete, or brings nothing new. Where no answer has
    shown that several references in one query work, queries each missing one alone.
    """
    found: dict[str, Row] = {}
    missing, multi_ref = list(refs), len(refs) < 2
    while missing:
        rows = query_by_refs(session, "St", missing)
        new = {ref_of(row): row for row in rows if ref_of(row) in missing}
        found |= new
        multi_ref = multi_ref or has_several_refs(new)
        missing = [ref for ref in missing if ref not in found]
        if not missing or not new or session.is_complete(rows):
            break
        multi_ref = supports_multi_ref_query(session) or multi_ref
        if session.is_complete(rows) or not multi_ref:
            break
    if missing and not multi_ref and not supports_multi_ref_query(session):
        found |= _query_one_by_one(session, missing)
    return found


def query_by_refs(
    session: PhcGoSession, entity: str, refs: Sequence[str], by: Sequence[str] = (), offset: int = 0
) -> tuple[Row, ...]:
    """Query once for the rows of these references. Raises Refusal when the answer ignores the references."""
    conditions = [("ref", ref) for ref in refs]
    rows = session.query(entity, *conditions, any_of=len(refs) > 1, limit=MAX_ROWS, by=by, offset=offset)
    # a database may compare without case: "abc" brings "ABC", which is another reference
    wanted = {ref.casefold() for ref in refs}
    if sum(ref_of(row).casefold() not in wanted for row in rows) > len(refs):
        raise Refusal("ref")
    return rows


def has_several_refs(refs: Iterable[str]) -> bool:
    """Return whether these are more than one reference, even when case is ignored."""
    return len({ref.casefold() for ref in refs}) > 1


def supports_multi_ref_query(session: PhcGoSession) -> bool:
    """Return whether one query for two known articles brought both. Asks at most once an hour.

    The sample that it reads also shows how many rows an answer can hold (`PhcGoSession.is_complete`).
    """
    return session.cached_list("several at once", lambda: _test_multi_ref_query(session))


def _test_multi_ref_query(session: PhcGoSession) -> bool:
    known = {ref.casefold(): ref for row in _sample_articles(session) if (ref := ref_of(row))}
    refs = list(known.values())[:2]
    return len(refs) > 1 and set(refs) <= {ref_of(row) for row in query_by_refs(session, "St", refs)}


def _sample_articles(session: PhcGoSession) -> Sequence[Row]:
    return session.query("St", limit=_SAMPLE_SIZE)


def _query_one_by_one(session: PhcGoSession, refs: Sequence[str]) -> dict[str, Row]:
    """Query for each of these references alone, unless a sample shows that there is at most one article."""
    sample = _sample_articles(session)
    rows = sample if len(sample) < 2 else [row for ref in refs for row in query_by_refs(session, "St", [ref])]
    return {ref_of(row): row for row in rows if ref_of(row) in refs}


def save_article(session: PhcGoSession, new: NewArticle) -> ProviderArticle:
    """Create the article by a single Save; return the existing one when somebody else created it first.

    Raises RefusedError `article-refused` or `article-too-long`, or TransientError, when nothing was created;
    UncertainError when it may have been.
    """
    if len(new.code) > MAX_REF_LENGTH:
        raise RefusedError("article-too-long", answer="", length=len(new.code), limit=MAX_REF_LENGTH)
    if not new.code or one_line(new.code) != new.code:
        raise RefusedError("article-refused", answer="", how="reference")
    try:
        record = session.read_with_relogin(lambda: _complete_article(session, new))
    except Refusal as error:
        raise RefusedError("article-refused", answer=str(error)) from error
    why: Exception
    try:
        row = session.write_with_relogin(
            lambda: session.write("StWS/Save", itemVO=record, runWarningRules="false")
        ).first
        if ref_of(row) == new.code and text_field(row, "ststamp"):
            return _article_from(row)
        why = UncertainError("outcome-unknown", how="no-stamp")
    except UncertainError as error:
        why = error
    except Refusal as error:
        why = RefusedError("article-refused", answer=str(error))
    return _created_or_raise(session, new.code, why)


def _created_or_raise(session: PhcGoSession, code: str, why: Exception) -> ProviderArticle:
    """Return the article when it exists after all; otherwise raise `why`."""
    try:
        found = session.read_with_relogin(lambda: articles_by_ref(session, [code]))
    except (AppError, Refusal) as error:
        raise UncertainError("outcome-unknown", how="unseen") from error
    if code in found:
        return found[code]
    raise why


def _complete_article(session: PhcGoSession, new: NewArticle) -> Row:
    """Return the record to save. Raises RefusedError when PHC GO would give it another reference or rate."""
    index = rate_indexes(session).get(new.vat_rate)
    if index is None:
        raise RefusedError("article-refused", answer="", how="rate")
    blank = session.read("StWS/getNewInstance", ndos="0").first
    wanted: Row = {"ref": new.code, "design": shorten(one_line(new.name), _MAX_NAME_LENGTH) or new.code,
                   "unidade": new.unit, "stns": not new.goods, "tabiva": index}  # fmt: skip
    if new.exemption_code and not new.vat_rate:
        wanted["codmotiseimp"] = new.exemption_code
    acted = session.read("StWS/actEntity", entity={**blank, **wanted}, code="0", newValue=[]).first
    if not blank or ref_of(acted) != new.code:
        raise RefusedError("article-refused", answer="", how="reference")
    rate = decimal_field(acted, "iva")
    if decimal_field(acted, "tabiva") != index or (
        rate is not None and round_to_six_decimals(rate) != new.vat_rate
    ):
        raise RefusedError("article-refused", answer="", how="rate")
    return {**acted, **wanted, "Operation": 1}
