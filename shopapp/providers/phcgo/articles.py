"""PHC GO's articles: looked up by their references, and made where there is none.

Called by the adapter and the drafting room beside it. It never takes an answer that may have been cut, or a question
that may have been misunderstood, for "not there"; and it never writes an article that exists.

Source: phcgo.md sections 3 (St), 4.1 to 4.3, 7. Unconfirmed: that conditions of group 9 are alternatives; how many rows
one answer holds; that an article's rate is `tabiva` and its exemption `codmotiseimp`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from shopapp.fiscal.errors import AppError, RefusedError, UncertainError
from shopapp.fiscal.money import six
from shopapp.providers.base import Article, NewArticle

from .lists import rates_of
from .session import Session
from .wire import Refusal, Row, flag, number, one_line, query, text

LONGEST_REF = 18
MOST_ROWS = 500
_SEARCH = "SearchWS/QueryAsEntities"
_LONGEST_NAME = 60
_SOME = 100
"""Twice as many articles as are looked up at once."""


def ref_of(row: Row) -> str:
    """The reference exactly as the program writes it, without the blanks around it."""
    found = row.get("ref")
    return found.strip() if isinstance(found, str) else ""


def articles_by_ref(session: Session, refs: Iterable[str]) -> Mapping[str, Article]:
    """The articles in use with exactly these references. Refusal when that can't be said of all of them."""
    found = {ref: row for ref, row in _rows(session, list(refs)).items() if not flag(row, "inactivo")}
    return {ref: _article(row) for ref, row in found.items()}


def article_by_stamp(session: Session, stamp: str) -> Article | None:
    """The article in use with that stamp, whatever its reference is by now."""
    rows = session.read(_SEARCH, itemQuery=query("St", ("ststamp", stamp), limit=2)).rows
    row = next((row for row in rows if text(row, "ststamp") == stamp), None)
    return _article(row) if row and not flag(row, "inactivo") else None


def _article(row: Row) -> Article:
    stamp = text(row, "ststamp")
    if not stamp:
        raise Refusal("ststamp")
    return Article(stamp, ref_of(row), text(row, "design"), goods=not flag(row, "stns"))


def _rows(session: Session, refs: Sequence[str]) -> dict[str, Row]:
    """The articles of these references, in use or not, by reference."""
    found: dict[str, Row] = {}
    left, together = list(refs), len(refs) < 2
    while left:
        rows = asked(session, "St", left)
        new = {ref_of(row): row for row in rows if ref_of(row) in left}
        found |= new
        together = together or several(new)
        left = [ref for ref in left if ref not in found]
        if not left or not new or session.whole(rows):
            break
        together = several_at_once(session) or together
        if session.whole(rows) or not together:
            break
    if left and not together and not several_at_once(session):
        found |= _one_by_one(session, left)
    return found


def asked(
    session: Session, entity: str, refs: Sequence[str], by: Sequence[str] = (), offset: int = 0
) -> tuple[Row, ...]:
    """The rows that one question for these references brings. Refusal when the references were not heeded."""
    named = [("ref", ref) for ref in refs]
    question = query(entity, *named, any_of=len(refs) > 1, limit=MOST_ROWS, by=by, offset=offset)
    found = session.read(_SEARCH, itemQuery=question).rows
    # as a database compares: "abc" may bring "ABC", which is another reference
    wanted = {ref.casefold() for ref in refs}
    if sum(ref_of(row).casefold() not in wanted for row in found) > len(refs):
        raise Refusal("ref")
    return found


def several(refs: Iterable[str]) -> bool:
    """True when these are more than one reference, however the database compares."""
    return len({ref.casefold() for ref in refs}) > 1


def several_at_once(session: Session) -> bool:
    """True when two articles were seen to come for one question that names both; asked once an hour.

    By the way it is seen that an answer may be long.
    """
    return session.kept("several at once", lambda: _both_come(session))


def _both_come(session: Session) -> bool:
    known = {ref.casefold(): ref for row in _some(session) if (ref := ref_of(row))}
    refs = list(known.values())[:2]
    return len(refs) > 1 and set(refs) <= {ref_of(row) for row in asked(session, "St", refs)}


def _some(session: Session) -> Sequence[Row]:
    return session.read(_SEARCH, itemQuery=query("St", limit=_SOME)).rows


def _one_by_one(session: Session, refs: Sequence[str]) -> dict[str, Row]:
    """The articles of these references, each asked for alone; where there is one article or none, that is all."""
    few = _some(session)
    rows = few if len(few) < 2 else [row for ref in refs for row in asked(session, "St", [ref])]
    return {ref_of(row): row for row in rows if ref_of(row) in refs}


def made(session: Session, new: NewArticle) -> Article:
    """The article, made by one Save; one that somebody made in the meantime is taken as it is.

    RefusedError `article-refused` or `article-too-long`, TransientError: nothing was made. UncertainError: it may
    have been.
    """
    if len(new.code) > LONGEST_REF:
        raise RefusedError("article-too-long", answer="", length=len(new.code), limit=LONGEST_REF)
    if not new.code or one_line(new.code) != new.code:
        raise RefusedError("article-refused", answer="", how="reference")
    try:
        record = session.run(lambda: _completed(session, new))
    except Refusal as error:
        raise RefusedError("article-refused", answer=str(error)) from error
    why: Exception
    try:
        row = session.definite(
            lambda: session.write("StWS/Save", itemVO=record, runWarningRules="false")
        ).first
        if ref_of(row) == new.code and text(row, "ststamp"):
            return _article(row)
        why = UncertainError("outcome-unknown", how="no-stamp")
    except UncertainError as error:
        why = error
    except Refusal as error:
        why = RefusedError("article-refused", answer=str(error))
    return _there(session, new.code, why)


def _there(session: Session, code: str, why: Exception) -> Article:
    """The article when it can be seen after all, else what saving it came to."""
    try:
        found = session.run(lambda: articles_by_ref(session, [code]))
    except (AppError, Refusal) as error:
        raise UncertainError("outcome-unknown", how="unseen") from error
    if code in found:
        return found[code]
    raise why


def _completed(session: Session, new: NewArticle) -> Row:
    """The record as it is to be saved. RefusedError when the program would give it another reference or rate."""
    index = rates_of(session).get(new.vat_rate)
    if index is None:
        raise RefusedError("article-refused", answer="", how="rate")
    blank = session.read("StWS/getNewInstance", ndos="0").first
    wanted: Row = {"ref": new.code, "design": one_line(new.name)[:_LONGEST_NAME].rstrip() or new.code,
                   "unidade": new.unit, "stns": not new.goods, "tabiva": index}  # fmt: skip
    if new.exemption_code and not new.vat_rate:
        wanted["codmotiseimp"] = new.exemption_code
    acted = session.read("StWS/actEntity", entity={**blank, **wanted}, code="0", newValue=[]).first
    if not blank or ref_of(acted) != new.code:
        raise RefusedError("article-refused", answer="", how="reference")
    rate = number(acted, "iva")
    if number(acted, "tabiva") != index or (rate is not None and six(rate) != new.vat_rate):
        raise RefusedError("article-refused", answer="", how="rate")
    return {**acted, **wanted, "Operation": 1}
