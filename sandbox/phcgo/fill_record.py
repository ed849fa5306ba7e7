"""The fields that actEntity fills in on a document or dossier: customer, lines, rates, discounts and totals."""

from __future__ import annotations

from . import records, sums
from .blank_records import BLANK_LINES, BLANK_RECORDS, BUYER_FIELDS, DISCOUNT_FIELDS
from .database import Database
from .program_state import ProgramState
from .record_types import RecordType
from .sums import json_number, parse_amount
from .wire import Call, Refusal, Row

ARTICLE_NOT_FOUND = "messages.Business.Stocks.InvalidRefAutoCreate"


def open_series(database: Database, record_type: RecordType, number: object) -> Row:
    """Return the series. Raises Refusal when it does not exist or is inactive."""
    row = database.find(record_type.series, **{record_type.key: number})
    if row is None:
        raise Refusal("messages.Business.Series.NotFound", f"A série {number} não existe.")
    if row["inactivo"]:
        raise Refusal("messages.Business.Series.Inactive", f"A série {row[record_type.name]} está inativa.")
    return row


def fill_record(
    program: ProgramState, database: Database, record_type: RecordType, sent: Row, call: Call
) -> Row:
    """Fill in the record as sent, as PHC GO does, and return it."""
    row = records.known_fields(program, BLANK_RECORDS[record_type.entity](), sent)
    open_series(database, record_type, row[record_type.key])
    customer = _record_customer(program, database, row)
    each_time = program.switches["act-customer"] == "each-time"
    if customer and (each_time or row["clstamp"] != customer["clstamp"]):
        row |= {
            name: customer[name]
            for name in (*BUYER_FIELDS, "pncont", "clstamp", "fin", "vendedor", "vendnm")
            if name in row
        }
    lines = row[record_type.lines] or []
    row[record_type.lines] = [
        _fill_line(program, database, record_type, row, line, (at + 1) * 10000, customer, call)
        for at, line in enumerate(lines)
    ]
    calculate_amounts(program, record_type, row)
    return row


def _record_customer(program: ProgramState, database: Database, row: Row) -> Row | None:
    if not row["no"]:
        return None
    customer = database.find("Cl", no=row["no"], estab=row["estab"])
    if customer is None or customer["inactivo"]:
        raise Refusal(
            "messages.Business.Customer.NotFound", f"O cliente {row['no']} não existe ou está inativo."
        )
    return customer


def _fill_line(
    program: ProgramState,
    database: Database,
    record_type: RecordType,
    head: Row,
    sent: Row,
    order: int,
    customer: Row | None,
    call: Call,
) -> Row:
    line = records.known_fields(program, BLANK_LINES[record_type.entity](), sent)
    is_new = not line[record_type.line_stamp]
    line |= {record_type.stamp: head[record_type.stamp], "lordem": order}
    if is_new:
        line[record_type.line_stamp] = database.new_stamp()
        _fill_from_article(program, database, record_type, line, sent, call)
    if customer and (is_new or program.switches["act-customer"] == "each-time"):
        line["desconto"] = line["desconto"] or customer["desconto"]
    _fill_rate(program, database, line, sent)
    _fill_exemption(database, line)
    return line


def _fill_from_article(
    program: ProgramState, database: Database, record_type: RecordType, line: Row, sent: Row, call: Call
) -> None:
    if not line["ref"]:
        if program.switches["line-without-ref"] == "refused":
            raise Refusal("messages.Business.Stocks.RefRequired", "A linha não tem referência.")
        return
    article = database.find("St", ref=line["ref"])
    if article is None or article["inactivo"]:
        policy = program.switches["unknown-article"]
        if policy == "refused" or (article and article["inactivo"]):
            raise Refusal("messages.Business.Stocks.RefNotFound", f"O artigo {line['ref']} não existe.")
        call.warn(ARTICLE_NOT_FOUND, f"A referência {line['ref']} não existe.")
        if policy == "warned":
            return
        article = records.create_article_from_line(program, database, line)
    for name in ("design", "unidade", "familia", "codigo", "codmotiseimp"):
        if name in line:
            line[name] = line[name] or article[name]
    line["stns"] = article["stns"]
    if record_type.price not in sent:
        line |= {record_type.price: article["epv1"], "ivaincl": article["iva1incl"]}
    if "iva" not in sent and not sent.get("tabiva"):
        line["tabiva"] = article["tabiva"]


def _fill_rate(program: ProgramState, database: Database, line: Row, sent: Row) -> None:
    """Make rate and table index agree; the switch says which one applies when they differ."""
    index = int(parse_amount(line["tabiva"]))
    if not index and "iva" not in sent:
        index = 2
    of_index = database.rate_of(index) if index else None
    if index and of_index is None:
        raise Refusal("messages.Business.Vat.InvalidTable", f"A tabela de IVA {index} não existe.")
    by_rate = "iva" in sent and program.switches["rate-from"] == "iva"
    if of_index is not None and not by_rate:
        line |= {"tabiva": index, "iva": json_number(of_index)}
        return
    found = database.index_of(parse_amount(line["iva"]))
    if found is None:
        raise Refusal("messages.Business.Vat.UnknownRate", f"Não há tabela de IVA com a taxa {line['iva']}.")
    line["tabiva"] = found


def _fill_exemption(database: Database, line: Row) -> None:
    if parse_amount(line["iva"]) or not line["codmotiseimp"]:
        return
    reason = database.find("Miseimp", codmotiseimp=line["codmotiseimp"])
    if reason is None:
        raise Refusal(
            "messages.Business.Vat.UnknownExemption", f"O motivo {line['codmotiseimp']} não existe."
        )
    if "motiseimp" in line:
        line |= {"motiseimp": reason["motiseimp"], "miseimpstamp": reason["miseimpstamp"]}


def calculate_amounts(program: ProgramState, record_type: RecordType, row: Row) -> None:
    """Set the record's amounts from its lines."""
    for line in row[record_type.lines]:
        for name in (*DISCOUNT_FIELDS, "iva"):
            if not 0 <= parse_amount(line[name]) <= 100:
                raise Refusal("messages.Business.Lines.InvalidPercentage", f"{name}: {line[name]}")
    fin, efinv = parse_amount(row["fin"]), parse_amount(row["efinv"])
    found = sums.add_up_lines(
        row[record_type.lines], record_type.price, program.switches["rounding"], fin, efinv
    )
    for line, (worth, vat) in zip(row[record_type.lines], found.lines, strict=True):
        line[record_type.worth] = json_number(worth)
        if "ettiva" in line:
            line["ettiva"] = json_number(vat)
    row |= {
        "ettiliq": json_number(found.net),
        "ettiva": json_number(found.vat),
        "etotal": json_number(found.gross),
    }
    row |= {"edescc": json_number(found.discounts), "efinv": json_number(found.financial)}
