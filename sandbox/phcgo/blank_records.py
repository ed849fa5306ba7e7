"""Blank records of every entity, with each field that public sources name."""

from __future__ import annotations

from datetime import date

from .wire import Row

EMPTY_DATE = "1900-01-01 00:00:00Z"

DISCOUNT_FIELDS = ("desconto", "desc2", "desc3", "desc4", "desc5", "desc6")
BUYER_FIELDS = (
    "nome",
    "nome2",
    "ncont",
    "morada",
    "local",
    "provincia",
    "codpost",
    "pais",
    "paisesstamp",
    "telefone",
    "email",
)
DELIVERY_FIELDS = ("moradato", "localto", "codpostto", "paisto", "paisesstampto")
# not public for this product; the names are those of the vendor's older one
LOADING_FIELDS = ("carga", "descarga", "cdata", "chora", "matricula", "codigoat")
STATE_FIELDS = ("anulado", "pago")
STAMP_FIELDS = {
    "Cl": "clstamp", "St": "ststamp", "Ft": "ftstamp", "Bo": "bostamp", "Td": "tdstamp", "Ts": "tsstamp",
    "Sa": "sastamp", "E1": "e1stamp", "Country": "paisesstamp", "Miseimp": "miseimpstamp", "Taxasiva": "taxasivastamp",
    "Sz": "szstamp", "Layout": "repstamp", "Sl": "slstamp",
}  # fmt: skip
LINE_FIELDS = {"Ft": "fis", "Bo": "bis"}


def format_day(when: date) -> str:
    """Return the day as the product writes it."""
    return f"{when.isoformat()} 00:00:00Z"


def parse_day(text: object) -> date | None:
    """Parse the day of such a text; return None for the empty date (`1900-01-01`) or any other text."""
    try:
        found = date.fromisoformat(str(text)[:10])
    except ValueError:
        return None
    return found if found.year > 1900 else None


def blank_customer() -> Row:
    return {
        "clstamp": "", "no": 0, "estab": 0, "nome": "", "nome2": "", "ncont": "", "morada": "", "local": "",
        "codpost": "", "provincia": "", "pais": "", "paisesstamp": "", "pncont": "", "telefone": "", "tlmvl": "",
        "email": "", "obs": "", "obsdoc": "", "refInt": "", "clivd": False, "inactivo": False, "desconto": 0, "fin": 0,
        "tpstamp": "", "tpdesc": "Pronto pagamento", "isperson": False, "vendedor": 0, "vendnm": "", "Operation": 0,
    }  # fmt: skip


def blank_article() -> Row:
    row: Row = {
        "ststamp": "", "ref": "", "design": "", "desctec": "", "codigo": "", "familia": "", "faminome": "", "usr1": "",
        "usr2": "", "epcusto": 0, "stock": 0, "stns": False, "category": 1, "unidade": "UN", "inactivo": False,
        "obs": "", "imagem": "", "tabiva": 2, "iva": 23, "codmotiseimp": "", "Operation": 0,
    }  # fmt: skip
    for number in range(1, 6):
        row |= {f"epv{number}": 0, f"iva{number}incl": False}
    return row


def blank_invoice() -> Row:
    row: Row = {
        "ftstamp": "",
        "ndoc": 0,
        "nmdoc": "",
        "tiposaft": "",
        "fno": 0,
        "ftano": 0,
        "no": 0,
        "estab": 0,
        "pncont": "",
        "fdata": EMPTY_DATE,
        "pdata": EMPTY_DATE,
        "vendedor": 0,
        "vendnm": "",
        "zona": "",
        "fin": 0,
        "efinv": 0,
        "ettiliq": 0,
        "ettiva": 0,
        "etotal": 0,
        "edescc": 0,
        "ecusto": 0,
        "draftRecord": False,
        "obs": "",
        "uniqueID": "",
        "impuniqueID": "",
        "assinatura": "",
        "atcud": "",
        "rectificationReason": "",
        "moeda": "EUR",
        "clstamp": "",
        "Operation": 0,
        "fis": [],
    }
    row |= dict.fromkeys((*BUYER_FIELDS, *DELIVERY_FIELDS, *LOADING_FIELDS), "") | dict.fromkeys(
        STATE_FIELDS, False
    )
    return row


def blank_invoice_line() -> Row:
    row: Row = {
        "fistamp": "", "ftstamp": "", "ref": "", "design": "", "qtt": 1, "unidade": "", "epv": 0, "etiliquido": 0,
        "ettiva": 0, "iva": 0, "tabiva": 0, "ivaincl": False, "armazem": 1, "stns": False, "codmotiseimp": "",
        "motiseimp": "", "miseimpstamp": "", "litem": "", "litem2": "", "lordem": 0, "cliref": "", "usr1": "",
        "usr2": "", "familia": "", "codigo": "", "bistamp": "", "oftstamp": "", "ofistamp": "", "ofnstamp": "",
        "oref": "", "maxQttRefund": 0, "originalMaxQttRefund": 0, "rdata": EMPTY_DATE, "lrecno": "", "firefs": [],
    }  # fmt: skip
    return row | dict.fromkeys(DISCOUNT_FIELDS, 0)


def blank_dossier() -> Row:
    row: Row = {
        "bostamp": "",
        "ndos": 0,
        "nmdos": "",
        "obrano": 0,
        "obranome": "",
        "dataobra": EMPTY_DATE,
        "datafinal": EMPTY_DATE,
        "no": 0,
        "estab": 0,
        "obs": "",
        "texto1": "",
        "texto2": "",
        "texto3": "",
        "tmodelo": "",
        "tmarca": "",
        "tserie": "",
        "nmdesc": "",
        "fin": 0,
        "efinv": 0,
        "ettiliq": 0,
        "ettiva": 0,
        "etotal": 0,
        "edescc": 0,
        "draftRecord": False,
        "fechada": False,
        "clstamp": "",
        "Operation": 0,
        "bis": [],
    }
    return row | dict.fromkeys((*BUYER_FIELDS, *DELIVERY_FIELDS, *LOADING_FIELDS), "")


def blank_dossier_line() -> Row:
    row: Row = {
        "bistamp": "", "bostamp": "", "ref": "", "design": "", "qtt": 1, "qtt2": 0, "qtporsatisfazer": 0, "edebito": 0,
        "ettdeb": 0, "iva": 0, "tabiva": 0, "ivaincl": False, "armazem": 1, "ar2mazem": 0, "rescli": False,
        "resfor": False, "fechabo": False, "unidade": "", "stns": False, "codmotiseimp": "", "litem": "", "litem2": "",
        "lordem": 0,
    }  # fmt: skip
    return row | dict.fromkeys(DISCOUNT_FIELDS, 0)


BLANK_RECORDS = {"Cl": blank_customer, "St": blank_article, "Ft": blank_invoice, "Bo": blank_dossier}
BLANK_LINES = {"Ft": blank_invoice_line, "Bo": blank_dossier_line}
