"""What is refused when a document is saved or signed.

Called by `documents` and `signing`. Where a check happens is not public: switches.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal

from . import shapes
from .base import Base
from .completing import BO, Paper
from .office import Office
from .sums import amount
from .wire import Call, Refusal, Row

SIMPLIFIED_AT_MOST = Decimal(1000)
MOVES_STOCK = {"FT": -1, "FS": -1, "FR": -1, "GT": -1, "NC": 1}


def check_save(office: Office, base: Base, paper: Paper, row: Row, known: Row | None, call: Call) -> None:
    """Nothing; Refusal when the record cannot be saved as it is."""
    if not row["no"] or not row[paper.lines]:
        raise Refusal("messages.Business.Document.Empty", "Falta o cliente ou não há linhas.")
    if known and known[paper.key] != row[paper.key]:
        raise Refusal("messages.Business.Document.SeriesFixed", "A série não muda depois de gravada.")
    if shapes.day_of(row[paper.day]) is None:
        raise Refusal("messages.Business.Document.NoDate", "Falta a data.")
    _check_buyer(office, base, row)
    if paper is BO:
        return
    series = base.find("Td", ndoc=row["ndoc"])
    assert series
    if series["serieImportacao"] and not row["impuniqueID"]:
        raise Refusal(
            "messages.Business.Document.ImportOnly", "A série é de importação: falta o número original."
        )
    if office.switches["zero-vat-check"] == "Save":
        _check_exemptions(row)
    if office.switches["stock-check"] == "Save":
        _check_stock(base, row)
    if office.switches["stock-check"] == "warned":
        try:
            _check_stock(base, row)
        except Refusal as short:
            call.warn(short.message.code, short.message.text)
    if row["tiposaft"] == "NC":
        _check_credit(office, base, row)


def check_sign(office: Office, base: Base, row: Row) -> None:
    """Nothing; Refusal when the document cannot be signed as it is."""
    series = base.find("Td", ndoc=row["ndoc"])
    assert series
    if series["inactivo"]:
        raise Refusal("messages.Business.Series.Inactive", "A série está inativa.")
    if not series["codigoValidacao"] and office.switches["no-validation-code"] == "refused":
        raise Refusal("messages.Business.Series.NoValidationCode", "A série não tem código de validação.")
    if office.switches["zero-vat-check"] == "sign":
        _check_exemptions(row)
    if office.switches["stock-check"] == "sign":
        _check_stock(base, row)
    when, today = shapes.day_of(row["fdata"]), office.clock.today()
    assert when
    if when > today:
        raise Refusal("messages.Business.Document.FutureDate", "A data é posterior a hoje.")
    last = last_signed_day(base, row["ndoc"])
    if last and when < last:
        raise Refusal(
            "messages.Business.Document.DateBeforeLast", f"Já há um documento assinado com data {last}."
        )
    if row["tiposaft"] == "FS" and amount(row["etotal"]) > SIMPLIFIED_AT_MOST:
        raise Refusal(
            "messages.Business.Document.SimplifiedLimit", "Uma fatura simplificada não passa de 1000 €."
        )
    loading = all(str(row[name]).strip() for name in ("carga", "cdata", "chora"))
    if row["tiposaft"] == "GT" and not loading and office.switches["transport-required"] == "yes":
        raise Refusal("messages.Business.Transport.Incomplete", "Falta o local, a data ou a hora de carga.")
    if row["tiposaft"] == "NC":
        _check_credit(office, base, row)
    _check_dossier(office, base, row)


def last_signed_day(base: Base, ndoc: int) -> date | None:
    """The date of the last signed document of the series."""
    days = [
        shapes.day_of(row["fdata"])
        for row in base.rows("Ft")
        if row["ndoc"] == ndoc and not row["draftRecord"]
    ]
    return max((found for found in days if found), default=None)


def _check_buyer(office: Office, base: Base, row: Row) -> None:
    customer = base.find("Cl", no=row["no"], estab=row["estab"])
    if customer is None:
        raise Refusal("messages.Business.Customer.NotFound", "O cliente não existe.")
    policy = office.switches["buyer-on-document"]
    may_differ = policy == "free" or (policy == "generic-only" and customer["clivd"])
    if not may_differ and any(row[name] != customer[name] for name in ("nome", "ncont")):
        raise Refusal("messages.Business.Customer.Fixed", "O nome e o NIF são os da ficha do cliente.")


def _check_exemptions(row: Row) -> None:
    for line in row["fis"]:
        if not amount(line["iva"]) and not line["codmotiseimp"]:
            raise Refusal(
                "messages.Business.Vat.ExemptionRequired", "Falta o motivo de isenção numa linha sem IVA."
            )


def _check_stock(base: Base, row: Row) -> None:
    if MOVES_STOCK.get(row["tiposaft"], 0) >= 0:
        return
    wanted: dict[tuple[str, int], Decimal] = defaultdict(Decimal)
    for line in row["fis"]:
        if line["ref"] and not line["stns"] and base.find("St", ref=line["ref"]):
            wanted[line["ref"], int(line["armazem"])] += amount(line["qtt"])
    for (ref, place), quantity in wanted.items():
        if base.stock(ref, place) < quantity:
            raise Refusal(
                "messages.Business.Stocks.NotEnough", f"Não há stock que chegue de {ref} no armazém {place}."
            )


def _check_credit(office: Office, base: Base, row: Row) -> None:
    """Nothing; Refusal when the note lacks reason or origin, or credits more than is left of it."""
    where = office.switches["credit-reason"]
    if where == "rectificationReason" and not str(row["rectificationReason"]).strip():
        raise Refusal("messages.Business.Credit.ReasonRequired", "Falta o motivo da retificação.")
    if where == "obs" and not str(row["obs"]).strip():
        raise Refusal(
            "messages.Business.Credit.ReasonRequired", "Falta o motivo da retificação nas observações."
        )
    wanted: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for line in row["fis"]:
        # a line without quantity is a sentence
        if amount(line["qtt"]):
            wanted[line["oftstamp"], line["ofistamp"]] += amount(line["qtt"])
    for (stamp, line_stamp), quantity in wanted.items():
        source = base.get("Ft", stamp)
        lines = [line for line in source["fis"] if line["fistamp"] == line_stamp] if source else []
        if not source or source["draftRecord"] or source["anulado"] or not lines:
            raise Refusal(
                "messages.Business.Credit.NoOrigin", "Uma linha não diz que linha de que documento credita."
            )
        if quantity <= 0 or quantity > amount(lines[0]["maxQttRefund"]):
            raise Refusal(
                "messages.Business.Credit.TooMuch", f"Só resta creditar {lines[0]['maxQttRefund']}."
            )


def _check_dossier(office: Office, base: Base, row: Row) -> None:
    if office.switches["dossier-used-up"] != "sign":
        return
    for line in row["fis"]:
        source = dossier_line(base, line["bistamp"])
        if source and amount(line["qtt"]) > amount(source[1]["qtporsatisfazer"]):
            raise Refusal("messages.Business.Dossier.UsedUp", "O dossier já foi faturado.")


def dossier_line(base: Base, stamp: str) -> tuple[Row, Row] | None:
    """(the dossier, its line) of that line's stamp."""
    if not stamp:
        return None
    for row in base.rows("Bo"):
        for line in row["bis"]:
            if line["bistamp"] == stamp:
                return row, line
    return None
