"""A record of PHC GO made from a draft: begun, completed, corrected and saved, with the fewest calls that are safe.

Save is the only call that changes anything, apart from creating a customer. Whatever PHC GO filled in that differs from
the draft is corrected before Save, and what was saved is compared again.

Source: the cycle of public clients, read 2026-11-20 (docs/phcgo.md, "One document"). Unconfirmed: that a record whose
correction changed no amount may be saved without a second actEntity.
"""

from __future__ import annotations

import time

from shopapp.errors import AppError, RefusedError, SettingsError, TransientError, UncertainError
from shopapp.fiscal.document import Draft
from shopapp.providers.text import one_line

from .articles import MAX_REF_LENGTH, ref_of
from .customers import countries_for, customer_for
from .documents import (
    first_difference,
    header_fields,
    line_rows,
    link_dossier_lines,
    link_original_lines,
    merge_fields,
)
from .lists import rate_indexes
from .records import (
    BO,
    FT,
    RecordType,
    is_draft,
    issued_from,
    parse_provider_id,
    printed_number,
    record_total,
    record_type_for,
)
from .session import PhcGoSession
from .wire_format import Refusal, Row, flag_field, text_field

_MAX_PREPARE_SECONDS = 50.0
"""Seconds for all the calls before Save, so that Save begins while the document's lease is still valid."""
_HEADER_FIELDS_TO_VERIFY = ("fin", "efinv", "ncont", "obs")


def save_record(session: PhcGoSession, draft: Draft, reference: str) -> Row:
    """Save the draft as a record: as a draft where the series keeps drafts, otherwise as a document.

    Raises RefusedError, SettingsError or TransientError when nothing was saved, UncertainError when it may have been.
    RefusedError `draft-differs` means that a draft was saved whose content differs from ours; it must not be signed.
    """
    record_type, started_at = record_type_for(draft.kind), time.monotonic()
    if not draft.series.isdecimal():
        raise SettingsError("series-missing", kind=draft.kind)
    try:
        record, head, wanted = session.read_with_relogin(
            lambda: _complete_record(session, record_type, draft, reference)
        )
    except Refusal as error:
        code = "note-unusable" if draft.follows else "provider-refused"
        raise RefusedError(code, answer=str(error)) from error
    if time.monotonic() - started_at > _MAX_PREPARE_SECONDS:
        raise TransientError("too-late")
    saved = _send_save(session, record_type, record)
    differing = first_difference(record_type, saved, head, wanted, _HEADER_FIELDS_TO_VERIFY)
    if differing and is_draft(record_type, saved):
        raise RefusedError("draft-differs", field=differing)
    return saved


def _complete_record(
    session: PhcGoSession, record_type: RecordType, draft: Draft, reference: str
) -> tuple[Row, Row, list[Row]]:
    """Return (the record to save, our fields of it, our lines). Changes nothing but creates a missing customer."""
    countries = countries_for(session, draft)
    customer = customer_for(session, draft, countries)
    head = header_fields(record_type, draft, reference, customer, countries)
    wanted = line_rows(record_type, draft, _article_codes(session, draft), rate_indexes(session))
    begun = _new_record(session, record_type, draft)
    if draft.follows:
        wanted = link_dossier_lines(wanted, begun)
    elif draft.kind == "NC" and draft.references:
        wanted = link_original_lines(draft, wanted, _original_record(session, draft.references[0].number))
    acted = _act_entity(session, record_type, {**begun, **head, record_type.lines: wanted})
    if first_difference(record_type, acted, head, wanted):
        # PHC GO filled in a discount of the customer or a price of the article: correct it and recalculate
        acted = _act_entity(session, record_type, merge_fields(record_type, acted, head, wanted))
    theirs = record_total(acted)
    if theirs and theirs != draft.gross and not first_difference(record_type, acted, head, wanted):
        raise RefusedError("draft-total-differs", ours=str(draft.gross), theirs=str(theirs))
    return merge_fields(record_type, acted, head, wanted) | {"Operation": 1}, head, wanted


def _new_record(session: PhcGoSession, record_type: RecordType, draft: Draft) -> Row:
    """Ask for a blank record of the series, or for one made from the order note that the draft follows."""
    if not draft.follows or record_type is BO:
        return _require_row(
            session.read(f"{record_type.web_service}/getNewInstance", ndos=draft.series).first
        )
    parameters = [
        {"key": "origin", "value": "BO"},
        {"key": "originstamp", "value": parse_provider_id(draft.follows)[1]},
        {"key": "docid", "value": draft.series},
    ]
    return _require_row(
        session.read(f"{record_type.web_service}/getNewInstanceFromReference", parameters=parameters).first
    )


def _act_entity(session: PhcGoSession, record_type: RecordType, record: Row) -> Row:
    return _require_row(
        session.read(f"{record_type.web_service}/actEntity", entity=record, code="0", newValue=[]).first
    )


def _require_row(row: Row) -> Row:
    if not row:
        raise Refusal("")
    return row


def _send_save(session: PhcGoSession, record_type: RecordType, record: Row) -> Row:
    """Save and return the saved record. After an unclear answer, look for it once by its stamp."""
    stamp = text_field(record, record_type.stamp)
    try:
        found = session.write_with_relogin(
            lambda: session.write(f"{record_type.web_service}/Save", itemVO=record, runWarningRules="false")
        ).first
        if text_field(found, record_type.stamp):
            return found
        why = UncertainError("outcome-unknown", how="no-stamp")
    except UncertainError as error:
        why = error
    except Refusal as error:
        return _saved_despite_refusal(session, record_type, stamp, error)
    if saved := _find_saved(session, record_type, stamp):
        return saved
    raise why


def _saved_despite_refusal(session: PhcGoSession, record_type: RecordType, stamp: str, error: Refusal) -> Row:
    """Return the record that exists although Save was refused. Raises RefusedError when there is none."""
    try:
        saved = (
            session.read_with_relogin(lambda: record_by_stamp(session, record_type, stamp)) if stamp else None
        )
    except (AppError, Refusal) as unseen:
        raise UncertainError("outcome-unknown", how="refused-unseen") from unseen
    if saved is None:
        raise RefusedError("provider-refused", answer=str(error)) from error
    return saved


def _find_saved(session: PhcGoSession, record_type: RecordType, stamp: str) -> Row | None:
    """Return the record with that stamp when it can be seen; None does not prove that there is none."""
    try:
        return record_by_stamp(session, record_type, stamp) if stamp else None
    except (AppError, Refusal):
        return None


def record_by_stamp(session: PhcGoSession, record_type: RecordType, stamp: str) -> Row | None:
    """Ask for the record with that stamp, draft or not; return None when PHC GO shows none."""
    rows = session.query(record_type.entity, (record_type.stamp, stamp), limit=2)
    return next((row for row in rows if text_field(row, record_type.stamp) == stamp), None)


def records_by_reference(session: PhcGoSession, record_type: RecordType, reference: str) -> list[Row]:
    """Ask for the records with exactly this reference, drafts included. Raises Refusal when the search is ignored."""
    rows = session.query(record_type.entity, ("obs", reference))
    if any(reference not in text_field(row, "obs") for row in rows):
        # the condition was ignored: a record that is not among these rows may still exist
        raise Refusal("obs")
    return [row for row in rows if text_field(row, "obs") == reference]


def drafts_by_reference(session: PhcGoSession, record_type: RecordType, reference: str) -> list[Row]:
    """Ask for the drafts with exactly this reference."""
    try:
        rows = records_by_reference(session, record_type, reference)
    except Refusal:
        all_drafts = session.query(record_type.entity, ("draftRecord", True), limit=500)
        rows = [row for row in all_drafts if text_field(row, "obs") == reference]
    return [row for row in rows if is_draft(record_type, row)]


def _original_record(session: PhcGoSession, printed: str) -> Row:
    """Ask for the document that a credit note corrects, by its printed number.

    Raises SettingsError `original-missing` when there is none.
    """
    last = printed.rpartition("/")[2].strip()
    if last.isdecimal():
        for row in session.query("Ft", ("fno", int(last)), ("draftRecord", False), limit=200):
            if issued_from(FT, row) and printed_number(FT, row) == one_line(printed):
                return row
    raise SettingsError("original-missing", number=printed)


def _article_codes(session: PhcGoSession, draft: Draft) -> set[str]:
    """Return the references of the draft's lines that are articles at PHC GO; none when it must not move stock.

    A line that names an article moves its stock; no way to prevent that is known.
    """
    codes = (
        {code for line in draft.lines if (code := draft.article_code_of(line))}
        if draft.moves_stock
        else set()
    )
    if draft.matched or not codes:
        return codes
    refs = sorted(code for code in codes if len(code) <= MAX_REF_LENGTH)
    return session.cached_list(f"articles {refs}", lambda: _existing_codes(session, refs)) if refs else set()


def _existing_codes(session: PhcGoSession, refs: list[str]) -> set[str]:
    conditions = [("ref", ref) for ref in refs]
    rows = session.query("St", *conditions, any_of=len(refs) > 1, limit=len(refs))
    # an article that this query misses merely becomes a line of free text
    return {ref_of(row) for row in rows if not flag_field(row, "inactivo")} & set(refs)
