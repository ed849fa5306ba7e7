"""A record of PHC GO made from a draft: begun, completed, put right and saved, with the fewest calls that are safe.

Called by the adapter beside it. The one call that changes anything is Save. What the program filled in otherwise than
the draft says is put right before it, and looked at again in what was saved.

Source: phcgo.md section 4.1 (the cycle of public clients). Unconfirmed: that a record which was put right without
changing an amount may be saved without a second actEntity.
"""

from __future__ import annotations

import time

from shopapp.fiscal.document import Draft
from shopapp.fiscal.errors import AppError, RefusedError, SettingsError, TransientError, UncertainError

from .articles import LONGEST_REF, ref_of
from .customers import countries_of, customer_of
from .documents import differing, header, laid_over, lines, with_dossier, with_origins
from .lists import rates_of
from .papers import BO, FT, Paper, is_draft, issued_from, number_of, paper_and_stamp, paper_for, total_of
from .session import Session
from .wire import Refusal, Row, flag, one_line, query, text

_SEARCH = "SearchWS/QueryAsEntities"
_PREPARED_WITHIN = 50.0
"""Seconds for all the calls before Save, so that it begins while the row is still held by whoever asked for it."""
_VERDICT = ("fin", "efinv", "ncont", "obs")


def saved(session: Session, draft: Draft, reference: str) -> Row:
    """The saved record: a draft where the series allows them, else a document already.

    RefusedError, SettingsError, TransientError: nothing was saved. UncertainError: it may have been. RefusedError
    `draft-differs`: it was saved as a draft with something else in it than the draft says, and will not be signed.
    """
    paper, began = paper_for(draft.kind), time.monotonic()
    if not draft.series.isdecimal():
        raise SettingsError("series-missing", kind=draft.kind)
    try:
        record, head, wanted = session.run(lambda: _completed(session, paper, draft, reference))
    except Refusal as error:
        code = "note-unusable" if draft.follows else "provider-refused"
        raise RefusedError(code, answer=str(error)) from error
    if time.monotonic() - began > _PREPARED_WITHIN:
        raise TransientError("too-late")
    found = _save(session, paper, record)
    wrong = differing(paper, found, head, wanted, _VERDICT)
    if wrong and is_draft(paper, found):
        raise RefusedError("draft-differs", field=wrong)
    return found


def _completed(session: Session, paper: Paper, draft: Draft, reference: str) -> tuple[Row, Row, list[Row]]:
    """(the record as it is to be saved, our fields of it, our lines). Changes nothing but makes a missing customer."""
    countries = countries_of(session, draft)
    customer = customer_of(session, draft, countries)
    head = header(paper, draft, reference, customer, countries)
    wanted = lines(paper, draft, _articles(session, draft), rates_of(session))
    begun = _begun(session, paper, draft)
    if draft.follows:
        wanted = with_dossier(wanted, begun)
    elif draft.kind == "NC" and draft.references:
        wanted = with_origins(paper, wanted, _original(session, draft.references[0].number))
    acted = _act(session, paper, {**begun, **head, paper.lines: wanted})
    if differing(paper, acted, head, wanted):
        # discounts of the customer, a price of the article: ours again, and the sums anew
        acted = _act(session, paper, laid_over(paper, acted, head, wanted))
    theirs = total_of(acted)
    if theirs and theirs != draft.gross and not differing(paper, acted, head, wanted):
        raise RefusedError("draft-total-differs", ours=str(draft.gross), theirs=str(theirs))
    return laid_over(paper, acted, head, wanted) | {"Operation": 1}, head, wanted


def _begun(session: Session, paper: Paper, draft: Draft) -> Row:
    """A blank record of the series, or one made out of the order note that the draft follows."""
    if not draft.follows or paper is BO:
        return _whole(session.read(f"{paper.ws}/getNewInstance", ndos=draft.series).first)
    parameters = [
        {"key": "origin", "value": "BO"},
        {"key": "originstamp", "value": paper_and_stamp(draft.follows)[1]},
        {"key": "docid", "value": draft.series},
    ]
    return _whole(session.read(f"{paper.ws}/getNewInstanceFromReference", parameters=parameters).first)


def _act(session: Session, paper: Paper, record: Row) -> Row:
    return _whole(session.read(f"{paper.ws}/actEntity", entity=record, code="0", newValue=[]).first)


def _whole(row: Row) -> Row:
    if not row:
        raise Refusal("")
    return row


def _save(session: Session, paper: Paper, record: Row) -> Row:
    """The record as it was saved. After an unclear answer it is looked for once, under its stamp."""
    stamp = text(record, paper.stamp)
    try:
        found = session.definite(
            lambda: session.write(f"{paper.ws}/Save", itemVO=record, runWarningRules="false")
        ).first
        if text(found, paper.stamp):
            return found
        why = UncertainError("outcome-unknown", how="no-stamp")
    except UncertainError as error:
        why = error
    except Refusal as error:
        return _in_spite_of(session, paper, stamp, error)
    if there := _there(session, paper, stamp):
        return there
    raise why


def _in_spite_of(session: Session, paper: Paper, stamp: str, error: Refusal) -> Row:
    """The record that stands there although saving it was refused. RefusedError when there is none."""
    try:
        there = session.run(lambda: by_stamp(session, paper, stamp)) if stamp else None
    except (AppError, Refusal) as unseen:
        raise UncertainError("outcome-unknown", how="refused-unseen") from unseen
    if there is None:
        raise RefusedError("provider-refused", answer=str(error)) from error
    return there


def _there(session: Session, paper: Paper, stamp: str) -> Row | None:
    """The record of that stamp when it can be seen; None says nothing."""
    try:
        return by_stamp(session, paper, stamp) if stamp else None
    except (AppError, Refusal):
        return None


def by_stamp(session: Session, paper: Paper, stamp: str) -> Row | None:
    """The record of that stamp, draft or not; None when the program shows none."""
    rows = session.read(_SEARCH, itemQuery=query(paper.entity, (paper.stamp, stamp), limit=2)).rows
    return next((row for row in rows if text(row, paper.stamp) == stamp), None)


def by_reference(session: Session, paper: Paper, reference: str) -> list[Row]:
    """The records that bear exactly this reference, drafts among them. Refusal when it cannot be looked up."""
    rows = session.read(_SEARCH, itemQuery=query(paper.entity, ("obs", reference))).rows
    if any(reference not in text(row, "obs") for row in rows):
        # the condition was not heeded: what is not among these rows may stand behind them
        raise Refusal("obs")
    return [row for row in rows if text(row, "obs") == reference]


def drafts_with(session: Session, paper: Paper, reference: str) -> list[Row]:
    """The drafts that bear exactly this reference."""
    try:
        rows = by_reference(session, paper, reference)
    except Refusal:
        asked = query(paper.entity, ("draftRecord", True), limit=500)
        rows = [row for row in session.read(_SEARCH, itemQuery=asked).rows if text(row, "obs") == reference]
    return [row for row in rows if is_draft(paper, row)]


def _original(session: Session, printed: str) -> Row:
    """The document that a credit note corrects, by its printed number. RefusedError `original-missing`."""
    last = printed.rpartition("/")[2].strip()
    if last.isdecimal():
        asked = query("Ft", ("fno", int(last)), ("draftRecord", False), limit=200)
        for row in session.read(_SEARCH, itemQuery=asked).rows:
            if issued_from(FT, row) and number_of(FT, row) == one_line(printed):
                return row
    raise SettingsError("original-missing", number=printed)


def _articles(session: Session, draft: Draft) -> set[str]:
    """The references of the draft's lines that are articles over there; none unless stock is to move.

    An article that a line names moves stock: nothing is known that keeps it from that.
    """
    codes = {code for line in draft.lines if (code := draft.code_of(line))} if draft.moves_stock else set()
    if draft.matched or not codes:
        return codes
    refs = sorted(code for code in codes if len(code) <= LONGEST_REF)
    return session.kept(f"articles {refs}", lambda: _known(session, refs)) if refs else set()


def _known(session: Session, refs: list[str]) -> set[str]:
    question = query("St", *(("ref", ref) for ref in refs), any_of=len(refs) > 1, limit=len(refs))
    rows = session.read(_SEARCH, itemQuery=question).rows
    # what is missing here costs no more than a line of text
    return {ref_of(row) for row in rows if not flag(row, "inactivo")} & set(refs)
