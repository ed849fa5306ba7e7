"""The number that is meant by the text in a buyer's tax id field (ID1, ID5).

Labels around a number and words for "none" are read; nothing else is guessed or dropped.
"""

from __future__ import annotations

import re
import unicodedata

from stdnum.pt import nif

from . import tax_tables

FINAL_CONSUMER = "999999990"
"""The SAF-T value for a buyer who gave no number; never printed (ID1)."""

_NUMBER = r"(?:N\W?O?|NR|NUM|NUMERO|NUMBER)\b\W*"
_LABEL = re.compile(
    rf"(?<![A-Z])(?:{_NUMBER}(?:(?:DE|DO|DA)\W+)?)?"
    r"(?:(?:IDENTIFICACAO\W+)?FISCAL|NIF|NIPC|CONTRIBUINTE|CIF|NIE|VAT|TVA|P\W*IVA|UST\W?ID\W?NR|TIN|TAX\W?ID|TAX)"
    rf"(?:\W*(?:ID|{_NUMBER}))?(?![A-Z])"
    r"|(?<![A-Z])(?:NUMERO|NUMBER|N\.+)(?=\W*(?:PT\W*)?[0-9])"
)
_NO_NUMBER = re.compile(
    r"0*|9{9}|999999990|X+|[NS]|N[AD]|NO|NAO|NONE|NULL|NIL|NADA|NENHUM|NINGUNO|SEM|SIN|SN|SEMN|SEMNUMERO|SINNUMERO"
    r"|NAOT(EM|ENHO)|NOTENGO|NAO(SE)?APLICA(VEL)?|NOAPLICA|NOTAPPLICABLE|WITHOUT|PARTICULAR|CF"
    r"|(CONSUMIDOR|CLIENTE)FINAL|FINALCONSUMER"
)


def normalise_tax_id(written: str) -> str:
    """Return the number in capitals, letters and digits alone; empty where the text says that there is none.

    `NIF: 123 456 789` is that number, `123456789PT` is PT123456789; full-width signs are the plain ones. Letters and
    digits of other scripts stay, so that the number is like no other.
    """
    decomposed = unicodedata.normalize("NFKD", re.sub("[º°]", ".", written)).upper()
    text = "".join(sign for sign in decomposed if not unicodedata.combining(sign))
    number = "".join(sign for sign in _LABEL.sub(" ", text) if sign.isalnum())
    number = re.sub(r"^([0-9]{9})PT$", r"PT\1", number)
    return "" if _NO_NUMBER.fullmatch(number.removeprefix("PT")) else number


def is_nif(number: str) -> bool:
    """Return whether this is a NIF: nine digits, a known prefix, the right check digit; not 999999990 (ID5)."""
    if not re.fullmatch(r"[0-9]{9}", number) or number == FINAL_CONSUMER or not nif.is_valid(number):
        return False
    return any(number.startswith(row["prefix"]) for row in tax_tables.table_rows("nif-prefixes"))
