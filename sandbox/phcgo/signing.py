"""The moment in which a draft becomes a document: number, date, stock, ledger; and what undoes it by hand.

Called by `documents`, `reports` and the panel. A document is signed once, whoever asks.
"""

from __future__ import annotations

import copy
import hashlib
import re
from datetime import date
from decimal import Decimal

from . import goods, rules, shapes
from .base import Base
from .office import Office, Session
from .shapes import DELIVERY, DISCOUNTS, LOADING
from .sums import amount, wire
from .wire import INFORMATION, Call, Refusal, Row

REFERENCE = re.compile(r"\bRef\. (\S+)")
TOLD_TO_AUTHORITY = "messages.saft.export.dt.webservice.successful"


def sign_document(office: Office, session: Session, base: Base, call: Call) -> list[Row]:
    """The signed document; a second time a refusal, or the same one by the switch."""
    row = base.get("Ft", call.text("ftstamp"))
    if row is None:
        raise Refusal("messages.Data.NotFound", "O documento não existe.")
    if not row["draftRecord"]:
        if office.switches["sign-twice"] == "refused":
            raise Refusal("messages.Business.Document.AlreadySigned", "O documento já está assinado.")
        return [row]
    return [sign(office, base, row, "signDocument", call)]


def sign_dossier(office: Office, session: Session, base: Base, call: Call) -> list[Row]:
    """The dossier with its final number."""
    row = base.get("Bo", call.text("bostamp"))
    if row is None:
        raise Refusal("messages.Data.NotFound", "O dossier não existe.")
    if not row["draftRecord"]:
        raise Refusal("messages.Business.Document.AlreadySigned", "O dossier não é um rascunho.")
    row |= {"draftRecord": False, "obrano": base.count(f"Bo/{row['ndos']}/{office.clock.today().year}")}
    return [copy.deepcopy(base.keep("Bo", row))]


def sign(office: Office, base: Base, row: Row, by: str, call: Call) -> Row:
    """The document of that draft, in the table and in the ledger; Refusal when it cannot be signed."""
    if office.switches["date-on-sign"] == "today" and row["draftRecord"]:
        row["fdata"] = shapes.day(office.clock.today())
    rules.check_sign(office, base, row)
    series = base.find("Td", ndoc=row["ndoc"])
    when = shapes.day_of(row["fdata"])
    assert series and when
    _number(base, row, series, when)
    for line in row["fis"]:
        line["maxQttRefund"] = line["originalMaxQttRefund"] = line["qtt"]
    row |= {"draftRecord": False, "pago": row["tiposaft"] == "FR", "Operation": 0}
    _move(office, base, row, 1, goods.DOCUMENT)
    if office.switches["dossier-used-up"] == "sign":
        use_up(base, row, 1)
    if row["tiposaft"] == "NC":
        _credit(base, row, 1)
    kept = base.keep("Ft", row)
    office.ledger.append(_entry(office, base, kept, by))
    if row["tiposaft"] == "GT" and office.switches["harmless-messages"] == "told":
        call.warn(TOLD_TO_AUTHORITY, "Comunicado à Autoridade Tributária com sucesso.", INFORMATION)
    return copy.deepcopy(kept)


def _number(base: Base, row: Row, series: Row, when: date) -> None:
    """Nothing; the next number of series and year, with all that is made of it."""
    if series["serieImportacao"]:
        row |= {
            "fno": base.count(f"import/{row['ndoc']}"),
            "ftano": when.year,
            "uniqueID": row["impuniqueID"],
        }
        return
    number = base.count(f"Ft/{row['ndoc']}/{when.year}")
    printed = f"{row['tiposaft']} {when.year}{series['serie']}/{number}"
    digest = hashlib.sha1(f"{printed}/{row['fdata']}/{row['etotal']}".encode()).hexdigest()
    code = series["codigoValidacao"]
    row |= {"fno": number, "ftano": when.year, "uniqueID": printed, "assinatura": digest}
    row["atcud"] = f"{code}-{number}" if code else ""


def _move(office: Office, base: Base, row: Row, sign: int, who: str) -> None:
    """Nothing; the articles' stock moved as the kind of document moves it."""
    factor = rules.MOVES_STOCK.get(row["tiposaft"], 0) * sign
    for line in row["fis"]:
        if factor and line["ref"] and not line["stns"] and base.find("St", ref=line["ref"]):
            quantity = factor * amount(line["qtt"])
            goods.move(office, base, line["ref"], int(line["armazem"]), quantity, who, row["uniqueID"])


def use_up(base: Base, row: Row, sign: int) -> None:
    """Nothing; the dossier's lines are invoiced by so much more (or, with -1, less)."""
    for line in row["fis"]:
        found = rules.dossier_line(base, line["bistamp"])
        if found:
            source = copy.deepcopy(found[0])
            for one in source["bis"]:
                if one["bistamp"] == line["bistamp"]:
                    one["qtporsatisfazer"] = float(
                        amount(one["qtporsatisfazer"]) - sign * amount(line["qtt"])
                    )
                    one["fechabo"] = one["qtporsatisfazer"] <= 0
            source["fechada"] = all(one["fechabo"] for one in source["bis"])
            base.keep("Bo", source)


def _credit(base: Base, row: Row, sign: int) -> None:
    """Nothing; so much less can be credited of the original lines (or, with -1, more)."""
    for line in row["fis"]:
        source = base.get("Ft", line["oftstamp"])
        if source is None:
            continue
        for one in source["fis"]:
            if one["fistamp"] == line["ofistamp"]:
                one["maxQttRefund"] = wire(amount(one["maxQttRefund"]) - sign * amount(line["qtt"]))
        base.keep("Ft", source)


def annul(office: Office, base: Base, row: Row) -> None:
    """Nothing; the signed document is annulled, as a person does it in the program."""
    if row["draftRecord"] or row["anulado"]:
        raise Refusal(
            "messages.Business.Document.NotSigned", "Só um documento assinado se anula, e uma só vez."
        )
    if any(amount(line["maxQttRefund"]) != amount(line["qtt"]) for line in row["fis"]):
        raise Refusal("messages.Business.Document.Credited", "O documento tem notas de crédito.")
    row["anulado"] = True
    base.keep("Ft", row)
    _move(office, base, row, -1, goods.ANNULMENT)
    use_up(base, row, -1)
    if row["tiposaft"] == "NC":
        _credit(base, row, -1)


def _entry(office: Office, base: Base, row: Row, by: str) -> Row:
    """What the ledger says of the document."""
    named = REFERENCE.search(row["obs"])
    origins = {line["oftstamp"] for line in row["fis"] if line["oftstamp"]}
    sources = {
        found[0]["bostamp"] for line in row["fis"] if (found := rules.dossier_line(base, line["bistamp"]))
    }
    return {
        "kind": "document", "id": row["ftstamp"], "number": row["uniqueID"], "type": row["tiposaft"],
        "series": row["ndoc"], "year": row["ftano"], "fno": row["fno"], "installation": base.installation,
        "entity": base.code, "reference": named.group(1) if named else row["obs"].split("\n")[0], "obs": row["obs"],
        "date": str(shapes.day_of(row["fdata"])), "time": office.clock.now().isoformat(timespec="seconds"), "by": by,
        "total": str(cents_of(row["etotal"])),
        "totals": {name: str(cents_of(row[field])) for name, field in
                   (("net", "ettiliq"), ("vat", "ettiva"), ("gross", "etotal"), ("financial", "efinv"))},
        "lines": [_line(line) for line in row["fis"]],
        "customer": {"no": row["no"], "name": row["nome"], "nif": row["ncont"], "address": row["morada"],
                     "postal_code": row["codpost"], "city": row["local"], "country": _country(base, row),
                     "email": row["email"]},
        "transport": {name: row[name] for name in (*LOADING, *DELIVERY) if row[name]},
        "origins": sorted(origin["uniqueID"] for stamp in origins if (origin := base.get("Ft", stamp))),
        "reason": row["rectificationReason"], "dossiers": sorted(sources), "atcud": row["atcud"],
    }  # fmt: skip


def _country(base: Base, row: Row) -> str:
    """The code of the country that the document names."""
    found = base.find("Country", paisesstamp=row["paisesstamp"]) or base.find("Country", nome=row["pais"])
    return str(found["pncont"]) if found else ""


def _line(line: Row) -> Row:
    return {
        "ref": line["ref"], "description": line["design"], "qty": str(line["qtt"]), "price": str(line["epv"]),
        "vat_included": bool(line["ivaincl"]), "discounts": [str(line[name]) for name in DISCOUNTS if line[name]],
        "rate": f"{amount(line['iva']).normalize():f}", "exemption": line["codmotiseimp"], "warehouse": line["armazem"],
        "amount": str(cents_of(line["etiliquido"])), "vat": str(cents_of(line["ettiva"])), "service": line["stns"],
    }  # fmt: skip


def cents_of(value: object) -> Decimal:
    """The amount of the wire with two decimals."""
    return amount(value).quantize(Decimal("0.01"))
