"""Turn a draft into a document (number, date, stock, ledger), and annul documents.

A document is signed only once, whoever asks.
"""

from __future__ import annotations

import copy
import hashlib
import re
from datetime import date
from decimal import Decimal

from . import blank_records, inventory, rules
from .blank_records import DELIVERY_FIELDS, DISCOUNT_FIELDS, LOADING_FIELDS
from .database import Database
from .program_state import ProgramState, Session
from .sums import json_number, parse_amount
from .wire import INFORMATION, Call, Refusal, Row

REFERENCE_PATTERN = re.compile(r"\bRef\. (\S+)")
REPORTED_TO_AUTHORITY = "messages.saft.export.dt.webservice.successful"


def sign_document(program: ProgramState, session: Session, database: Database, call: Call) -> list[Row]:
    """Sign the document and return it; a second call is refused or, by its switch, returns the same document."""
    row = database.get("Ft", call.text("ftstamp"))
    if row is None:
        raise Refusal("messages.Data.NotFound", "O documento não existe.")
    if not row["draftRecord"]:
        if program.switches["sign-twice"] == "refused":
            raise Refusal("messages.Business.Document.AlreadySigned", "O documento já está assinado.")
        return [row]
    return [sign_draft(program, database, row, "signDocument", call)]


def sign_dossier(program: ProgramState, session: Session, database: Database, call: Call) -> list[Row]:
    """Give the dossier its final number and return it."""
    row = database.get("Bo", call.text("bostamp"))
    if row is None:
        raise Refusal("messages.Data.NotFound", "O dossier não existe.")
    if not row["draftRecord"]:
        raise Refusal("messages.Business.Document.AlreadySigned", "O dossier não é um rascunho.")
    row |= {
        "draftRecord": False,
        "obrano": database.next_number(f"Bo/{row['ndos']}/{program.clock.today().year}"),
    }
    return [copy.deepcopy(database.save("Bo", row))]


def sign_draft(program: ProgramState, database: Database, row: Row, by: str, call: Call) -> Row:
    """Sign the draft, write it to the ledger and return the document.

    Raises Refusal when it cannot be signed.
    """
    if program.switches["date-on-sign"] == "today" and row["draftRecord"]:
        row["fdata"] = blank_records.format_day(program.clock.today())
    rules.check_sign(program, database, row)
    series = database.find("Td", ndoc=row["ndoc"])
    when = blank_records.parse_day(row["fdata"])
    assert series and when
    _assign_number(database, row, series, when)
    for line in row["fis"]:
        line["maxQttRefund"] = line["originalMaxQttRefund"] = line["qtt"]
    row |= {"draftRecord": False, "pago": row["tiposaft"] == "FR", "Operation": 0}
    _move_stock(program, database, row, 1, inventory.DOCUMENT)
    if program.switches["dossier-used-up"] == "sign":
        invoice_dossier_lines(database, row, 1)
    if row["tiposaft"] == "NC":
        _reduce_creditable(database, row, 1)
    if row["tiposaft"] == "GT" and program.switches["transport-code"] == "told":
        row["atdoccodeid"] = f"8{hashlib.sha1(row['ftstamp'].encode()).digest()[0]:03}{row['fno']:07}"
    saved = database.save("Ft", row)
    program.ledger.append(_ledger_entry(program, database, saved, by))
    if row["tiposaft"] == "GT" and program.switches["harmless-messages"] == "told":
        call.warn(REPORTED_TO_AUTHORITY, "Comunicado à Autoridade Tributária com sucesso.", INFORMATION)
    return copy.deepcopy(saved)


def _assign_number(database: Database, row: Row, series: Row, when: date) -> None:
    """Set the next number of series and year and everything derived from it."""
    if series["serieImportacao"]:
        row |= {
            "fno": database.next_number(f"import/{row['ndoc']}"),
            "ftano": when.year,
            "uniqueID": row["impuniqueID"],
        }
        return
    number = database.next_number(f"Ft/{row['ndoc']}/{when.year}")
    printed = f"{row['tiposaft']} {when.year}{series['serie']}/{number}"
    digest = hashlib.sha1(f"{printed}/{row['fdata']}/{row['etotal']}".encode()).hexdigest()
    code = series["codigoValidacao"]
    row |= {"fno": number, "ftano": when.year, "uniqueID": printed, "assinatura": digest}
    row["atcud"] = f"{code}-{number}" if code else ""


def _move_stock(program: ProgramState, database: Database, row: Row, sign: int, who: str) -> None:
    """Move the stock of the document's articles as its type does."""
    factor = rules.STOCK_DIRECTION.get(row["tiposaft"], 0) * sign
    for line in row["fis"]:
        if factor and line["ref"] and not line["stns"] and database.find("St", ref=line["ref"]):
            quantity = factor * parse_amount(line["qtt"])
            inventory.move_stock(
                program, database, line["ref"], int(line["armazem"]), quantity, who, row["uniqueID"]
            )


def invoice_dossier_lines(database: Database, row: Row, sign: int) -> None:
    """Count the document's lines as invoiced on their dossiers, or (sign -1) no longer."""
    for line in row["fis"]:
        found = rules.find_dossier_line(database, line["bistamp"])
        if found:
            source = copy.deepcopy(found[0])
            for one in source["bis"]:
                if one["bistamp"] == line["bistamp"]:
                    one["qtporsatisfazer"] = float(
                        parse_amount(one["qtporsatisfazer"]) - sign * parse_amount(line["qtt"])
                    )
                    one["fechabo"] = one["qtporsatisfazer"] <= 0
            source["fechada"] = all(one["fechabo"] for one in source["bis"])
            database.save("Bo", source)


def _reduce_creditable(database: Database, row: Row, sign: int) -> None:
    """Reduce, or (sign -1) restore, what can be credited of the original lines."""
    for line in row["fis"]:
        source = database.get("Ft", line["oftstamp"])
        if source is None:
            continue
        for one in source["fis"]:
            if one["fistamp"] == line["ofistamp"]:
                one["maxQttRefund"] = json_number(
                    parse_amount(one["maxQttRefund"]) - sign * parse_amount(line["qtt"])
                )
        database.save("Ft", source)


def annul_document(program: ProgramState, database: Database, row: Row) -> None:
    """Annul a signed document, as a person does in PHC GO."""
    if row["draftRecord"] or row["anulado"]:
        raise Refusal(
            "messages.Business.Document.NotSigned", "Só um documento assinado se anula, e uma só vez."
        )
    if any(parse_amount(line["maxQttRefund"]) != parse_amount(line["qtt"]) for line in row["fis"]):
        raise Refusal("messages.Business.Document.Credited", "O documento tem notas de crédito.")
    row["anulado"] = True
    database.save("Ft", row)
    _move_stock(program, database, row, -1, inventory.ANNULMENT)
    invoice_dossier_lines(database, row, -1)
    if row["tiposaft"] == "NC":
        _reduce_creditable(database, row, -1)


def _ledger_entry(program: ProgramState, database: Database, row: Row, by: str) -> Row:
    named = REFERENCE_PATTERN.search(row["obs"])
    origins = {line["oftstamp"] for line in row["fis"] if line["oftstamp"]}
    sources = {
        found[0]["bostamp"]
        for line in row["fis"]
        if (found := rules.find_dossier_line(database, line["bistamp"]))
    }
    return {
        "kind": "document",
        "id": row["ftstamp"],
        "number": row["uniqueID"],
        "type": row["tiposaft"],
        "series": row["ndoc"],
        "year": row["ftano"],
        "fno": row["fno"],
        "installation": database.installation,
        "entity": database.code,
        "reference": named.group(1) if named else row["obs"].split("\n")[0],
        "obs": row["obs"],
        "date": str(blank_records.parse_day(row["fdata"])),
        "time": program.clock.now().isoformat(timespec="seconds"),
        "by": by,
        "total": str(two_decimals(row["etotal"])),
        "totals": {
            name: str(two_decimals(row[field]))
            for name, field in (
                ("net", "ettiliq"),
                ("vat", "ettiva"),
                ("gross", "etotal"),
                ("financial", "efinv"),
            )
        },
        "lines": [_ledger_line(line) for line in row["fis"]],
        "customer": {
            "no": row["no"],
            "name": row["nome"],
            "nif": row["ncont"],
            "address": row["morada"],
            "postal_code": row["codpost"],
            "city": row["local"],
            "country": _country_code(database, row),
            "email": row["email"],
        },
        "transport": {name: row[name] for name in (*LOADING_FIELDS, *DELIVERY_FIELDS) if row[name]},
        "origins": sorted(origin["uniqueID"] for stamp in origins if (origin := database.get("Ft", stamp))),
        "reason": row["rectificationReason"],
        "dossiers": sorted(sources),
        "atcud": row["atcud"],
        "at_code": row.get("atdoccodeid", ""),
    }


def _country_code(database: Database, row: Row) -> str:
    found = database.find("Country", paisesstamp=row["paisesstamp"]) or database.find(
        "Country", nome=row["pais"]
    )
    return str(found["pncont"]) if found else ""


def _ledger_line(line: Row) -> Row:
    return {
        "ref": line["ref"],
        "description": line["design"],
        "qty": str(line["qtt"]),
        "price": str(line["epv"]),
        "vat_included": bool(line["ivaincl"]),
        "discounts": [str(line[name]) for name in DISCOUNT_FIELDS if line[name]],
        "rate": f"{parse_amount(line['iva']).normalize():f}",
        "exemption": line["codmotiseimp"],
        "warehouse": line["armazem"],
        "amount": str(two_decimals(line["etiliquido"])),
        "vat": str(two_decimals(line["ettiva"])),
        "service": line["stns"],
    }


def two_decimals(value: object) -> Decimal:
    """Return the amount with two decimals."""
    return parse_amount(value).quantize(Decimal("0.01"))
