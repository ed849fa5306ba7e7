"""Documents and dossiers: begin, fill in, add lines, save and delete.

The caller may change everything in a draft; of a signed document only the observations.
"""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

from . import rules, signature
from .blank_records import BLANK_RECORDS, EMPTY_DATE, format_day
from .database import Database
from .fill_record import calculate_amounts, fill_record, open_series
from .program_state import ProgramState, Session
from .record_types import BO, FT, RecordType
from .records import intended_operation
from .sums import json_number, parse_amount
from .wire import Call, Refusal, Row

RECORD_TYPES = {"FtWS": FT, "BoWS": BO}
COPIED_FIELDS = (
    "ref",
    "design",
    "unidade",
    "iva",
    "tabiva",
    "ivaincl",
    "armazem",
    "codmotiseimp",
    "desconto",
    "desc2",
)
"""The fields that a line copies from the line from which it was made."""


def new_document(program: ProgramState, session: Session, database: Database, call: Call) -> list[Row]:
    """Return a blank document of the series in `ndos`, dated today; saves nothing."""
    return [begin_document(program, session, database, RECORD_TYPES[call.ws], call.number("ndos"))]


def begin_document(
    program: ProgramState, session: Session, database: Database, record_type: RecordType, number: int
) -> Row:
    """Return the blank record and remember it in the session under its stamp."""
    if record_type is BO and not program.has_dossiers(database.installation):
        raise Refusal("messages.Licence.NoDossiers", "O plano contratado não inclui dossiers internos.")
    series = open_series(database, record_type, number)
    today = format_day(program.clock.today())
    row = BLANK_RECORDS[record_type.entity]() | {
        record_type.key: number,
        record_type.name: series[record_type.name],
        record_type.day: today,
        "Operation": 1,
    }
    if record_type is FT:
        row |= {"tiposaft": series["tiposaft"], "pdata": today, "ftano": program.clock.today().year}
    if program.switches["stamp-made"] == "getNewInstance":
        row[record_type.stamp] = database.new_stamp()
        session.unsaved[row[record_type.stamp]] = copy.deepcopy(row)
    return row


def act_on_document(program: ProgramState, session: Session, database: Database, call: Call) -> list[Row]:
    """Fill in the record as sent and return it; saves nothing."""
    record_type = RECORD_TYPES[call.ws]
    row = fill_record(program, database, record_type, call.row("entity"), call)
    if row[record_type.stamp]:
        session.unsaved[row[record_type.stamp]] = copy.deepcopy(row)
    return [row]


def add_lines(program: ProgramState, session: Session, database: Database, call: Call) -> list[Row]:
    """Return the record begun in this session with a line for each reference."""
    record_type = RECORD_TYPES[call.ws]
    row = _begun_record(
        session, database, record_type, call.text("IdFtStamp" if record_type is FT else "IdBoStamp")
    )
    refs = call.json("refsIds")
    if not isinstance(refs, list):
        raise Refusal("messages.Rest.InvalidParameter", "refsIds não é uma lista.")
    row[record_type.lines] += [{"ref": str(ref)} for ref in refs]
    return [_fill_again(program, session, database, record_type, row, call)]


def act_dossier(program: ProgramState, session: Session, database: Database, call: Call) -> list[Row]:
    """Return the begun dossier with its customer set (`codigo=no`, `newValue=[number, 0]`)."""
    row = _begun_record(session, database, BO, call.text("IdBoStamp"))
    value = call.json("newValue")
    row[call.text("codigo")] = value[0] if isinstance(value, list) and value else value
    return [_fill_again(program, session, database, BO, row, call)]


def act_line(program: ProgramState, session: Session, database: Database, call: Call) -> list[Row]:
    """Return the begun dossier with one field of one line changed."""
    row = _begun_record(session, database, BO, call.text("IdBoStamp"))
    wanted = call.text("IdBiStamp")
    lines = [line for line in row["bis"] if line["bistamp"] == wanted]
    if not lines or call.text("codigo") not in lines[0]:
        raise Refusal("messages.Data.NotFound", "A linha ou o campo não existe.")
    lines[0][call.text("codigo")] = call.json("newValue")
    return [_fill_again(program, session, database, BO, row, call)]


def _begun_record(session: Session, database: Database, record_type: RecordType, stamp: str) -> Row:
    row = session.unsaved.get(stamp) or database.get(record_type.entity, stamp)
    if row is None:
        raise Refusal("messages.Data.NotFound", "O registo não existe.")
    return copy.deepcopy(row)


def _fill_again(
    program: ProgramState, session: Session, database: Database, record_type: RecordType, row: Row, call: Call
) -> Row:
    done = fill_record(program, database, record_type, row, call)
    session.unsaved[done[record_type.stamp]] = copy.deepcopy(done)
    return done


def save_document(program: ProgramState, session: Session, database: Database, call: Call) -> list[Row]:
    """Save the record and return it: a draft where the series allows drafts, else signed at once."""
    record_type = RECORD_TYPES[call.ws]
    sent = call.row("itemVO")
    known, operation = intended_operation(program, database, record_type.entity, sent)
    if operation == 3:
        return [_delete_record(program, database, record_type, known)]
    if known and record_type is BO and known["fechada"]:
        raise Refusal("messages.Business.Document.Locked", "O dossier já foi faturado.")
    if known and record_type is FT and not known["draftRecord"]:
        return [_update_observations(database, known, sent)]
    series = open_series(database, record_type, sent.get(record_type.key))
    merged = (known or {}) | sent
    if program.switches["save-completes"] == "completes":
        row = fill_record(program, database, record_type, merged, call)
    else:
        row = _require_filled(program, record_type, merged)
        calculate_amounts(program, record_type, row)
    if program.switches["obs-kept"] == "dropped":
        row["obs"] = ""
    row |= {"Operation": 0, "draftRecord": bool(series["permiteRascunho"])}
    rules.check_save(program, database, record_type, row, known, call)
    row[record_type.stamp] = row[record_type.stamp] or database.new_stamp()
    for line in row[record_type.lines]:
        line[record_type.stamp] = row[record_type.stamp]
    session.unsaved.pop(row[record_type.stamp], None)
    if record_type is FT and not row["draftRecord"]:
        return [signature.sign_draft(program, database, row, "Save", call)]
    return [copy.deepcopy(_store_record(program, database, record_type, row, known))]


def _require_filled(program: ProgramState, record_type: RecordType, sent: Row) -> Row:
    """Return the record as sent. Raises Refusal when actEntity has not filled in all of it."""
    row = BLANK_RECORDS[record_type.entity]() | sent
    lines = row[record_type.lines]
    seen = all(line.get(record_type.line_stamp) and line.get("tabiva") for line in lines)
    if not seen or (row["no"] and not row["clstamp"]):
        raise Refusal(
            "messages.Data.Incomplete", "O registo não está completo: falta atualizá-lo antes de gravar."
        )
    return row


def _store_record(
    program: ProgramState, database: Database, record_type: RecordType, row: Row, known: Row | None
) -> Row:
    if known:
        row[record_type.number] = known[record_type.number]
    elif row["draftRecord"]:
        row[record_type.number] = -database.next_number(f"draft/{record_type.entity}")
    else:
        row["obrano"] = database.next_number(f"Bo/{row['ndos']}/{program.clock.today().year}")
    if record_type is BO:
        invoiced = {
            line["bistamp"]: parse_amount(line["qtt"]) - parse_amount(line["qtporsatisfazer"])
            for line in (known or row)["bis"]
        }
        for line in row["bis"]:
            already = invoiced.get(line["bistamp"], Decimal(0)) if known else Decimal(0)
            line["qtporsatisfazer"] = json_number(parse_amount(line["qtt"]) - already)
    elif program.switches["dossier-used-up"] == "Save" and known is None:
        signature.invoice_dossier_lines(database, row, 1)
    return database.save(record_type.entity, row)


def _delete_record(
    program: ProgramState, database: Database, record_type: RecordType, known: Row | None
) -> Row:
    assert known
    used_up = record_type is BO and any(line["qtporsatisfazer"] != line["qtt"] for line in known["bis"])
    if used_up or (record_type is FT and not known["draftRecord"]):
        raise Refusal(
            "messages.Business.Document.Locked", "Um documento assinado ou faturado não pode ser apagado."
        )
    if program.switches["draft-delete"] == "refused":
        raise Refusal("messages.Security.NotAllowed", "O utilizador não pode apagar registos.")
    drop_draft(program, database, record_type, known)
    return known


def drop_draft(program: ProgramState, database: Database, record_type: RecordType, known: Row) -> None:
    """Remove the draft."""
    if record_type is FT and program.switches["dossier-used-up"] == "Save":
        signature.invoice_dossier_lines(database, known, -1)
    database.drop(record_type.entity, known[record_type.stamp])


def _update_observations(database: Database, known: Row, sent: Row) -> Row:
    """Save other observations of a signed document. Raises Refusal when anything else would change."""
    same = ("Operation", "obs", "fis", "maxQttRefund", "anulado", "pago")
    differing = [
        name for name, value in sent.items() if name not in same and name in known and value != known[name]
    ]
    lines = [{**line, "maxQttRefund": 0} for line in known["fis"]]
    if "fis" in sent and [{**line, "maxQttRefund": 0} for line in sent["fis"]] != lines:
        differing.append("fis")
    if differing:
        raise Refusal(
            "messages.Business.Document.Locked", "O documento está assinado: só as observações mudam."
        )
    return copy.deepcopy(database.save("Ft", known | {"obs": sent.get("obs", known["obs"])}))


def new_from_reference(program: ProgramState, session: Session, database: Database, call: Call) -> list[Row]:
    """Return a blank document with the lines of a dossier (origin BO) or of a document to credit (origin FT)."""
    parameters = {str(item.get("key")): str(item.get("value")) for item in call.json("parameters")}
    origin = parameters.get("origin", "").upper()
    if not parameters.get("docid", "").isdecimal():
        raise Refusal("messages.Rest.InvalidParameter", "Falta a série (docid).")
    if origin == "FT" and program.switches["credit-from-origin"] == "missing" or origin not in ("BO", "FT"):
        raise Refusal("messages.Rest.InvalidParameter", f"A origem {origin} não existe.")
    record_type = BO if origin == "BO" else FT
    source = database.get(record_type.entity, parameters.get("originstamp", ""))
    if source is None:
        raise Refusal("messages.Data.NotFound", "O registo de origem não existe.")
    row = begin_document(program, session, database, FT, int(parameters["docid"]))
    lines = _lines_from_dossier(program, source) if origin == "BO" else _lines_from_document(source)
    if not lines:
        raise Refusal(
            "messages.Business.Document.NothingLeft", "O registo de origem já foi todo faturado ou creditado."
        )
    row |= {"no": source["no"], "estab": source["estab"], "obs": source["obs"], "fis": lines}
    return [_fill_again(program, session, database, FT, row, call)]


def _lines_from_dossier(program: ProgramState, source: Row) -> list[dict[str, Any]]:
    if source["draftRecord"] and program.switches["draft-dossier"] == "refused":
        raise Refusal("messages.Business.Dossier.IsDraft", "O dossier é um rascunho.")
    return [
        {name: line[name] for name in COPIED_FIELDS}
        | {
            "qtt": line["qtporsatisfazer"],
            "epv": line["edebito"],
            "bistamp": line["bistamp"],
            "rdata": EMPTY_DATE,
        }
        for line in source["bis"]
        if parse_amount(line["qtporsatisfazer"]) > 0
    ]


def _lines_from_document(source: Row) -> list[dict[str, Any]]:
    return [
        {name: line[name] for name in (*COPIED_FIELDS, "epv", "desc3", "desc4", "desc5", "desc6")}
        | {"qtt": line["maxQttRefund"], "oftstamp": source["ftstamp"], "ofistamp": line["fistamp"], "oref": line["ref"],
           "maxQttRefund": line["maxQttRefund"], "originalMaxQttRefund": line["qtt"]}
        for line in source["fis"]
        if not source["draftRecord"] and parse_amount(line["maxQttRefund"]) > 0
    ]  # fmt: skip
