"""Documents and dossiers: begun, completed, given lines, saved, deleted.

Called by the service. A draft is whatever its caller last saved; what is signed changes in its observations only.
"""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

from . import rules, signing
from .base import Base
from .completing import BO, FT, Paper, completed, reckon, series_of
from .office import Office, Session
from .records import intended
from .shapes import BLANK, NEVER, day
from .sums import amount, wire
from .wire import Call, Refusal, Row

PAPERS = {"FtWS": FT, "BoWS": BO}
COPIED = (
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
"""What a line takes over from the line that it comes from."""


def new(office: Office, session: Session, base: Base, call: Call) -> list[Row]:
    """A blank document of the series in `ndos`, dated today; it is saved nowhere."""
    return [begin(office, session, base, PAPERS[call.ws], call.number("ndos"))]


def begin(office: Office, session: Session, base: Base, paper: Paper, number: int) -> Row:
    """The blank record, known to the session under its stamp."""
    if paper is BO and not office.has_dossiers(base.installation):
        raise Refusal("messages.Licence.NoDossiers", "O plano contratado não inclui dossiers internos.")
    series = series_of(base, paper, number)
    today = day(office.clock.today())
    row = BLANK[paper.entity]() | {
        paper.key: number,
        paper.name: series[paper.name],
        paper.day: today,
        "Operation": 1,
    }
    if paper is FT:
        row |= {"tiposaft": series["tiposaft"], "pdata": today, "ftano": office.clock.today().year}
    if office.switches["stamp-made"] == "getNewInstance":
        row[paper.stamp] = base.stamp()
        session.begun[row[paper.stamp]] = copy.deepcopy(row)
    return row


def act(office: Office, session: Session, base: Base, call: Call) -> list[Row]:
    """The record as sent, completed; nothing is saved."""
    paper = PAPERS[call.ws]
    row = completed(office, base, paper, call.row("entity"), call)
    if row[paper.stamp]:
        session.begun[row[paper.stamp]] = copy.deepcopy(row)
    return [row]


def add_lines(office: Office, session: Session, base: Base, call: Call) -> list[Row]:
    """The record that was begun in this session, with a line for each reference."""
    paper = PAPERS[call.ws]
    row = _begun(session, base, paper, call.text("IdFtStamp" if paper is FT else "IdBoStamp"))
    refs = call.json("refsIds")
    if not isinstance(refs, list):
        raise Refusal("messages.Rest.InvalidParameter", "refsIds não é uma lista.")
    row[paper.lines] += [{"ref": str(ref)} for ref in refs]
    return [_again(office, session, base, paper, row, call)]


def act_dossier(office: Office, session: Session, base: Base, call: Call) -> list[Row]:
    """The begun dossier with its customer set (`codigo=no`, `newValue=[number, 0]`)."""
    row = _begun(session, base, BO, call.text("IdBoStamp"))
    value = call.json("newValue")
    row[call.text("codigo")] = value[0] if isinstance(value, list) and value else value
    return [_again(office, session, base, BO, row, call)]


def act_line(office: Office, session: Session, base: Base, call: Call) -> list[Row]:
    """The begun dossier with one field of one line changed."""
    row = _begun(session, base, BO, call.text("IdBoStamp"))
    wanted = call.text("IdBiStamp")
    lines = [line for line in row["bis"] if line["bistamp"] == wanted]
    if not lines or call.text("codigo") not in lines[0]:
        raise Refusal("messages.Data.NotFound", "A linha ou o campo não existe.")
    lines[0][call.text("codigo")] = call.json("newValue")
    return [_again(office, session, base, BO, row, call)]


def _begun(session: Session, base: Base, paper: Paper, stamp: str) -> Row:
    row = session.begun.get(stamp) or base.get(paper.entity, stamp)
    if row is None:
        raise Refusal("messages.Data.NotFound", "O registo não existe.")
    return copy.deepcopy(row)


def _again(office: Office, session: Session, base: Base, paper: Paper, row: Row, call: Call) -> Row:
    done = completed(office, base, paper, row, call)
    session.begun[done[paper.stamp]] = copy.deepcopy(done)
    return done


def save(office: Office, session: Session, base: Base, call: Call) -> list[Row]:
    """The record as saved: a draft where the series allows them, else signed at once."""
    paper = PAPERS[call.ws]
    sent = call.row("itemVO")
    known, operation = intended(office, base, paper.entity, sent)
    if operation == 3:
        return [_deleted(office, base, paper, known)]
    if known and paper is BO and known["fechada"]:
        raise Refusal("messages.Business.Document.Locked", "O dossier já foi faturado.")
    if known and paper is FT and not known["draftRecord"]:
        return [_observed(base, known, sent)]
    series = series_of(base, paper, sent.get(paper.key))
    whole = (known or {}) | sent
    if office.switches["save-completes"] == "completes":
        row = completed(office, base, paper, whole, call)
    else:
        row = _as_acted(office, paper, whole)
        reckon(office, paper, row)
    if office.switches["obs-kept"] == "dropped":
        row["obs"] = ""
    row |= {"Operation": 0, "draftRecord": bool(series["permiteRascunho"])}
    rules.check_save(office, base, paper, row, known, call)
    row[paper.stamp] = row[paper.stamp] or base.stamp()
    for line in row[paper.lines]:
        line[paper.stamp] = row[paper.stamp]
    session.begun.pop(row[paper.stamp], None)
    if paper is FT and not row["draftRecord"]:
        return [signing.sign(office, base, row, "Save", call)]
    return [copy.deepcopy(_stored(office, base, paper, row, known))]


def _as_acted(office: Office, paper: Paper, sent: Row) -> Row:
    """The record as sent; Refusal when actEntity has not seen all of it."""
    row = BLANK[paper.entity]() | sent
    lines = row[paper.lines]
    seen = all(line.get(paper.line_stamp) and line.get("tabiva") for line in lines)
    if not seen or (row["no"] and not row["clstamp"]):
        raise Refusal(
            "messages.Data.Incomplete", "O registo não está completo: falta atualizá-lo antes de gravar."
        )
    return row


def _stored(office: Office, base: Base, paper: Paper, row: Row, known: Row | None) -> Row:
    if known:
        row[paper.number] = known[paper.number]
    elif row["draftRecord"]:
        row[paper.number] = -base.count(f"draft/{paper.entity}")
    else:
        row["obrano"] = base.count(f"Bo/{row['ndos']}/{office.clock.today().year}")
    if paper is BO:
        used = {
            line["bistamp"]: amount(line["qtt"]) - amount(line["qtporsatisfazer"])
            for line in (known or row)["bis"]
        }
        for line in row["bis"]:
            already = used.get(line["bistamp"], Decimal(0)) if known else Decimal(0)
            line["qtporsatisfazer"] = wire(amount(line["qtt"]) - already)
    elif office.switches["dossier-used-up"] == "Save" and known is None:
        signing.use_up(base, row, 1)
    return base.keep(paper.entity, row)


def _deleted(office: Office, base: Base, paper: Paper, known: Row | None) -> Row:
    assert known
    used_up = paper is BO and any(line["qtporsatisfazer"] != line["qtt"] for line in known["bis"])
    if used_up or (paper is FT and not known["draftRecord"]):
        raise Refusal(
            "messages.Business.Document.Locked", "Um documento assinado ou faturado não pode ser apagado."
        )
    if office.switches["draft-delete"] == "refused":
        raise Refusal("messages.Security.NotAllowed", "O utilizador não pode apagar registos.")
    drop_draft(office, base, paper, known)
    return known


def drop_draft(office: Office, base: Base, paper: Paper, known: Row) -> None:
    """Nothing; the draft is gone."""
    if paper is FT and office.switches["dossier-used-up"] == "Save":
        signing.use_up(base, known, -1)
    base.drop(paper.entity, known[paper.stamp])


def _observed(base: Base, known: Row, sent: Row) -> Row:
    """The signed document with other observations; Refusal when anything else would change."""
    same = ("Operation", "obs", "fis", "maxQttRefund", "anulado", "pago")
    differ = [
        name for name, value in sent.items() if name not in same and name in known and value != known[name]
    ]
    lines = [{**line, "maxQttRefund": 0} for line in known["fis"]]
    if "fis" in sent and [{**line, "maxQttRefund": 0} for line in sent["fis"]] != lines:
        differ.append("fis")
    if differ:
        raise Refusal(
            "messages.Business.Document.Locked", "O documento está assinado: só as observações mudam."
        )
    return copy.deepcopy(base.keep("Ft", known | {"obs": sent.get("obs", known["obs"])}))


def from_reference(office: Office, session: Session, base: Base, call: Call) -> list[Row]:
    """A blank document with the lines of a dossier (origin BO) or of a document to be credited (origin FT)."""
    asked = {str(item.get("key")): str(item.get("value")) for item in call.json("parameters")}
    origin = asked.get("origin", "").upper()
    if not asked.get("docid", "").isdecimal():
        raise Refusal("messages.Rest.InvalidParameter", "Falta a série (docid).")
    if origin == "FT" and office.switches["credit-from-origin"] == "missing" or origin not in ("BO", "FT"):
        raise Refusal("messages.Rest.InvalidParameter", f"A origem {origin} não existe.")
    paper = BO if origin == "BO" else FT
    source = base.get(paper.entity, asked.get("originstamp", ""))
    if source is None:
        raise Refusal("messages.Data.NotFound", "O registo de origem não existe.")
    row = begin(office, session, base, FT, int(asked["docid"]))
    lines = _from_dossier(office, source) if origin == "BO" else _from_document(source)
    if not lines:
        raise Refusal(
            "messages.Business.Document.NothingLeft", "O registo de origem já foi todo faturado ou creditado."
        )
    row |= {"no": source["no"], "estab": source["estab"], "obs": source["obs"], "fis": lines}
    return [_again(office, session, base, FT, row, call)]


def _from_dossier(office: Office, source: Row) -> list[dict[str, Any]]:
    if source["draftRecord"] and office.switches["draft-dossier"] == "refused":
        raise Refusal("messages.Business.Dossier.IsDraft", "O dossier é um rascunho.")
    return [
        {name: line[name] for name in COPIED}
        | {"qtt": line["qtporsatisfazer"], "epv": line["edebito"], "bistamp": line["bistamp"], "rdata": NEVER}
        for line in source["bis"]
        if amount(line["qtporsatisfazer"]) > 0
    ]


def _from_document(source: Row) -> list[dict[str, Any]]:
    return [
        {name: line[name] for name in (*COPIED, "epv", "desc3", "desc4", "desc5", "desc6")}
        | {"qtt": line["maxQttRefund"], "oftstamp": source["ftstamp"], "ofistamp": line["fistamp"], "oref": line["ref"],
           "maxQttRefund": line["maxQttRefund"], "originalMaxQttRefund": line["qtt"]}
        for line in source["fis"]
        if not source["draftRecord"] and amount(line["maxQttRefund"]) > 0
    ]  # fmt: skip
