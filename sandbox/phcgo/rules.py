"""The checks when a document is saved or signed; when each one takes place is not public, hence the switches."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal

from . import blank_records
from .database import Database
from .program_state import ProgramState
from .record_types import BO, RecordType
from .sums import parse_amount
from .wire import Call, Refusal, Row

SIMPLIFIED_LIMIT = Decimal(1000)
STOCK_DIRECTION = {"FT": -1, "FS": -1, "FR": -1, "GT": -1, "NC": 1}


def check_save(
    program: ProgramState,
    database: Database,
    record_type: RecordType,
    row: Row,
    known: Row | None,
    call: Call,
) -> None:
    """Check that the record can be saved as it is. Raises Refusal when not."""
    if not row["no"] or not row[record_type.lines]:
        raise Refusal("messages.Business.Document.Empty", "Falta o cliente ou não há linhas.")
    if known and known[record_type.key] != row[record_type.key]:
        raise Refusal("messages.Business.Document.SeriesFixed", "A série não muda depois de gravada.")
    if blank_records.parse_day(row[record_type.day]) is None:
        raise Refusal("messages.Business.Document.NoDate", "Falta a data.")
    _check_buyer(program, database, row)
    if record_type is BO:
        return
    series = database.find("Td", ndoc=row["ndoc"])
    assert series
    if series["serieImportacao"] and not row["impuniqueID"]:
        raise Refusal(
            "messages.Business.Document.ImportOnly", "A série é de importação: falta o número original."
        )
    if program.switches["zero-vat-check"] == "Save":
        _check_exemptions(row)
    if program.switches["stock-check"] == "Save":
        _check_stock(database, row)
    if program.switches["stock-check"] == "warned":
        try:
            _check_stock(database, row)
        except Refusal as short:
            call.warn(short.message.code, short.message.text)
    if row["tiposaft"] == "NC":
        _check_credit(program, database, row)


def check_sign(program: ProgramState, database: Database, row: Row) -> None:
    """Check that the document can be signed as it is. Raises Refusal when not."""
    series = database.find("Td", ndoc=row["ndoc"])
    assert series
    if series["inactivo"]:
        raise Refusal("messages.Business.Series.Inactive", "A série está inativa.")
    if not series["codigoValidacao"] and program.switches["no-validation-code"] == "refused":
        raise Refusal("messages.Business.Series.NoValidationCode", "A série não tem código de validação.")
    if program.switches["zero-vat-check"] == "sign":
        _check_exemptions(row)
    if program.switches["stock-check"] == "sign":
        _check_stock(database, row)
    when, today = blank_records.parse_day(row["fdata"]), program.clock.today()
    assert when
    if when > today:
        raise Refusal("messages.Business.Document.FutureDate", "A data é posterior a hoje.")
    last = last_signed_day(database, row["ndoc"])
    if last and when < last:
        raise Refusal(
            "messages.Business.Document.DateBeforeLast", f"Já há um documento assinado com data {last}."
        )
    if row["tiposaft"] == "FS" and parse_amount(row["etotal"]) > SIMPLIFIED_LIMIT:
        raise Refusal(
            "messages.Business.Document.SimplifiedLimit", "Uma fatura simplificada não passa de 1000 €."
        )
    loading = all(str(row[name]).strip() for name in ("carga", "cdata", "chora"))
    if row["tiposaft"] == "GT" and not loading and program.switches["transport-required"] == "yes":
        raise Refusal("messages.Business.Transport.Incomplete", "Falta o local, a data ou a hora de carga.")
    if row["tiposaft"] == "NC":
        _check_credit(program, database, row)
    _check_dossier(program, database, row)


def last_signed_day(database: Database, ndoc: int) -> date | None:
    """Return the date of the last signed document of the series."""
    days = [
        blank_records.parse_day(row["fdata"])
        for row in database.rows("Ft")
        if row["ndoc"] == ndoc and not row["draftRecord"]
    ]
    return max((found for found in days if found), default=None)


def _check_buyer(program: ProgramState, database: Database, row: Row) -> None:
    customer = database.find("Cl", no=row["no"], estab=row["estab"])
    if customer is None:
        raise Refusal("messages.Business.Customer.NotFound", "O cliente não existe.")
    policy = program.switches["buyer-on-document"]
    may_differ = policy == "free" or (policy == "generic-only" and customer["clivd"])
    if not may_differ and any(row[name] != customer[name] for name in ("nome", "ncont")):
        raise Refusal("messages.Business.Customer.Fixed", "O nome e o NIF são os da ficha do cliente.")


def _check_exemptions(row: Row) -> None:
    for line in row["fis"]:
        if not parse_amount(line["iva"]) and not line["codmotiseimp"]:
            raise Refusal(
                "messages.Business.Vat.ExemptionRequired", "Falta o motivo de isenção numa linha sem IVA."
            )


def _check_stock(database: Database, row: Row) -> None:
    if STOCK_DIRECTION.get(row["tiposaft"], 0) >= 0:
        return
    wanted: dict[tuple[str, int], Decimal] = defaultdict(Decimal)
    for line in row["fis"]:
        if line["ref"] and not line["stns"] and database.find("St", ref=line["ref"]):
            wanted[line["ref"], int(line["armazem"])] += parse_amount(line["qtt"])
    for (ref, place), quantity in wanted.items():
        if database.stock(ref, place) < quantity:
            raise Refusal(
                "messages.Business.Stocks.NotEnough", f"Não há stock que chegue de {ref} no armazém {place}."
            )


def _check_credit(program: ProgramState, database: Database, row: Row) -> None:
    """Check that the credit note has a reason and an origin and credits no more than is left. Raises Refusal."""
    where = program.switches["credit-reason"]
    if where == "rectificationReason" and not str(row["rectificationReason"]).strip():
        raise Refusal("messages.Business.Credit.ReasonRequired", "Falta o motivo da retificação.")
    if where == "obs" and not str(row["obs"]).strip():
        raise Refusal(
            "messages.Business.Credit.ReasonRequired", "Falta o motivo da retificação nas observações."
        )
    is_reduction_known = program.switches["credit-of-value"] == "reduction"
    wanted: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for line in row["fis"]:
        # A line without quantity is only text.
        if parse_amount(line["qtt"]):
            wanted[line["oftstamp"], line["ofistamp"]] += parse_amount(line["qtt"])
            is_reduction = is_reduction_known and not line["ref"] and not line["ofistamp"]
            _check_origin(database, line, is_reduction)
    for (stamp, line_stamp), quantity in wanted.items():
        source = database.get("Ft", stamp)
        assert source
        _check_credited_value(database, row, source)
        for original in source["fis"]:
            if original["fistamp"] == line_stamp and not 0 < quantity <= parse_amount(
                original["maxQttRefund"]
            ):
                raise Refusal(
                    "messages.Business.Credit.TooMuch", f"Só resta creditar {original['maxQttRefund']}."
                )


def _check_origin(database: Database, line: Row, is_reduction: bool) -> None:
    """Refuse a line that names no signed document, or (unless it reduces the price) none of its lines."""
    source = database.get("Ft", line["oftstamp"])
    is_named = source and any(one["fistamp"] == line["ofistamp"] for one in source["fis"])
    if not source or source["draftRecord"] or source["anulado"] or not (is_named or is_reduction):
        raise Refusal(
            "messages.Business.Credit.NoOrigin", "Uma linha não diz que linha de que documento credita."
        )


def _check_credited_value(database: Database, row: Row, source: Row) -> None:
    notes = [
        note
        for note in database.rows("Ft")
        if note["tiposaft"] == "NC" and not note["draftRecord"] and not note["anulado"]
        and note["ftstamp"] != row["ftstamp"] and note["fis"][0]["oftstamp"] == source["ftstamp"]
    ]  # fmt: skip
    credited = sum((abs(parse_amount(note["etotal"])) for note in [*notes, row]), Decimal(0))
    if credited > parse_amount(source["etotal"]):
        raise Refusal("messages.Business.Credit.TooMuch", "O documento não tem tanto valor por creditar.")


def _check_dossier(program: ProgramState, database: Database, row: Row) -> None:
    if program.switches["dossier-used-up"] != "sign":
        return
    for line in row["fis"]:
        source = find_dossier_line(database, line["bistamp"])
        if source and parse_amount(line["qtt"]) > parse_amount(source[1]["qtporsatisfazer"]):
            raise Refusal("messages.Business.Dossier.UsedUp", "O dossier já foi faturado.")


def find_dossier_line(database: Database, stamp: str) -> tuple[Row, Row] | None:
    """Return the dossier and its line with that stamp, or None."""
    if not stamp:
        return None
    for row in database.rows("Bo"):
        for line in row["bis"]:
            if line["bistamp"] == stamp:
                return row, line
    return None
