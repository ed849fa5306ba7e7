"""What actEntity does to a document or dossier: customer, lines, rates, discounts and totals.

Called by `documents` when a record is acted upon, saved or made from another.
"""

from __future__ import annotations

from dataclasses import dataclass

from . import records, sums
from .base import Base
from .office import Office
from .shapes import BLANK, BLANK_LINE, BUYER, DISCOUNTS
from .sums import amount, wire
from .wire import Call, Refusal, Row

NO_ARTICLE = "messages.Business.Stocks.InvalidRefAutoCreate"


@dataclass(frozen=True)
class Paper:
    """How the fields of one kind of record are called."""

    entity: str
    stamp: str
    lines: str
    line_stamp: str
    price: str
    worth: str
    number: str
    day: str
    series: str
    key: str
    name: str


FT = Paper("Ft", "ftstamp", "fis", "fistamp", "epv", "etiliquido", "fno", "fdata", "Td", "ndoc", "nmdoc")
BO = Paper(
    "Bo", "bostamp", "bis", "bistamp", "edebito", "ettdeb", "obrano", "dataobra", "Ts", "ndos", "nmdos"
)


def series_of(base: Base, paper: Paper, number: object) -> Row:
    """The open series of that number; Refusal when there is none."""
    row = base.find(paper.series, **{paper.key: number})
    if row is None:
        raise Refusal("messages.Business.Series.NotFound", f"A série {number} não existe.")
    if row["inactivo"]:
        raise Refusal("messages.Business.Series.Inactive", f"A série {row[paper.name]} está inativa.")
    return row


def completed(office: Office, base: Base, paper: Paper, sent: Row, call: Call) -> Row:
    """The record as sent, with all that the program fills in by itself."""
    row = records.known_fields(office, BLANK[paper.entity](), sent)
    series_of(base, paper, row[paper.key])
    customer = _customer(office, base, row)
    each_time = office.switches["act-customer"] == "each-time"
    if customer and (each_time or row["clstamp"] != customer["clstamp"]):
        row |= {
            name: customer[name]
            for name in (*BUYER, "pncont", "clstamp", "fin", "vendedor", "vendnm")
            if name in row
        }
    lines = row[paper.lines] or []
    row[paper.lines] = [
        _line(office, base, paper, row, line, (at + 1) * 10000, customer, call)
        for at, line in enumerate(lines)
    ]
    reckon(office, paper, row)
    return row


def _customer(office: Office, base: Base, row: Row) -> Row | None:
    if not row["no"]:
        return None
    customer = base.find("Cl", no=row["no"], estab=row["estab"])
    if customer is None or customer["inactivo"]:
        raise Refusal(
            "messages.Business.Customer.NotFound", f"O cliente {row['no']} não existe ou está inativo."
        )
    return customer


def _line(
    office: Office,
    base: Base,
    paper: Paper,
    head: Row,
    sent: Row,
    order: int,
    customer: Row | None,
    call: Call,
) -> Row:
    line = records.known_fields(office, BLANK_LINE[paper.entity](), sent)
    fresh = not line[paper.line_stamp]
    line |= {paper.stamp: head[paper.stamp], "lordem": order}
    if fresh:
        line[paper.line_stamp] = base.stamp()
        _from_article(office, base, paper, line, sent, call)
    if customer and (fresh or office.switches["act-customer"] == "each-time"):
        line["desconto"] = line["desconto"] or customer["desconto"]
    _rate(office, base, line, sent)
    _exemption(base, line)
    return line


def _from_article(office: Office, base: Base, paper: Paper, line: Row, sent: Row, call: Call) -> None:
    if not line["ref"]:
        if office.switches["line-without-ref"] == "refused":
            raise Refusal("messages.Business.Stocks.RefRequired", "A linha não tem referência.")
        return
    article = base.find("St", ref=line["ref"])
    if article is None or article["inactivo"]:
        policy = office.switches["unknown-article"]
        if policy == "refused" or (article and article["inactivo"]):
            raise Refusal("messages.Business.Stocks.RefNotFound", f"O artigo {line['ref']} não existe.")
        call.warn(NO_ARTICLE, f"A referência {line['ref']} não existe.")
        if policy == "warned":
            return
        article = records.made_by_line(office, base, line)
    for name in ("design", "unidade", "familia", "codigo", "codmotiseimp"):
        if name in line:
            line[name] = line[name] or article[name]
    line["stns"] = article["stns"]
    if paper.price not in sent:
        line |= {paper.price: article["epv1"], "ivaincl": article["iva1incl"]}
    if "iva" not in sent and not sent.get("tabiva"):
        line["tabiva"] = article["tabiva"]


def _rate(office: Office, base: Base, line: Row, sent: Row) -> None:
    """Rate and table index agree afterwards; the switch says which of two that differ counts."""
    index = int(amount(line["tabiva"]))
    if not index and "iva" not in sent:
        index = 2
    of_index = base.rate_of(index) if index else None
    if index and of_index is None:
        raise Refusal("messages.Business.Vat.InvalidTable", f"A tabela de IVA {index} não existe.")
    by_rate = "iva" in sent and office.switches["rate-from"] == "iva"
    if of_index is not None and not by_rate:
        line |= {"tabiva": index, "iva": wire(of_index)}
        return
    found = base.index_of(amount(line["iva"]))
    if found is None:
        raise Refusal("messages.Business.Vat.UnknownRate", f"Não há tabela de IVA com a taxa {line['iva']}.")
    line["tabiva"] = found


def _exemption(base: Base, line: Row) -> None:
    if amount(line["iva"]) or not line["codmotiseimp"]:
        return
    reason = base.find("Miseimp", codmotiseimp=line["codmotiseimp"])
    if reason is None:
        raise Refusal(
            "messages.Business.Vat.UnknownExemption", f"O motivo {line['codmotiseimp']} não existe."
        )
    if "motiseimp" in line:
        line |= {"motiseimp": reason["motiseimp"], "miseimpstamp": reason["miseimpstamp"]}


def reckon(office: Office, paper: Paper, row: Row) -> None:
    """Nothing; the record's amounts are those of its lines."""
    for line in row[paper.lines]:
        for name in (*DISCOUNTS, "iva"):
            if not 0 <= amount(line[name]) <= 100:
                raise Refusal("messages.Business.Lines.InvalidPercentage", f"{name}: {line[name]}")
    fin, efinv = amount(row["fin"]), amount(row["efinv"])
    found = sums.add_up(row[paper.lines], paper.price, office.switches["rounding"], fin, efinv)
    for line, (worth, vat) in zip(row[paper.lines], found.lines, strict=True):
        line[paper.worth] = wire(worth)
        if "ettiva" in line:
            line["ettiva"] = wire(vat)
    row |= {"ettiliq": wire(found.net), "ettiva": wire(found.vat), "etotal": wire(found.gross)}
    row |= {"edescc": wire(found.discounts), "efinv": wire(found.financial)}
