"""The tables of the stand-in: VAT rates by region, exemption codes, means of payment.

Read by the rules and by the list methods. Facts as of 2026-11-20; never shared with the application, so
that a wrong figure there is found here.
"""

from __future__ import annotations

from decimal import Decimal

# normal, intermediate, reduced
REGION_RATES: dict[str, dict[str, str]] = {
    "PT": {"23": "NOR", "13": "INT", "6": "RED", "0": "ISE"},
    "PT-MA": {"22": "NOR", "12": "INT", "4": "RED", "0": "ISE"},
    "PT-AC": {"16": "NOR", "9": "INT", "4": "RED", "0": "ISE"},
}

# one-stop-shop sales: the standard rate first, then the reduced ones of that country
OSS_RATES: dict[str, tuple[str, ...]] = {
    "AT": ("20", "10", "13", "19", "4.9"),
    "BE": ("21", "6", "12"),
    "BG": ("20", "9"),
    "CY": ("19", "5", "9", "3"),
    "CZ": ("21", "12"),
    "DE": ("19", "7"),
    "DK": ("25",),
    "EE": ("24", "9", "13"),
    "ES": ("21", "10", "4"),
    "FI": ("25.5", "10", "13.5"),
    "FR": ("20", "0.9", "1.05", "5.5", "8.5", "10", "13", "2.1"),
    "GR": ("24", "6", "13", "17", "4"),
    "HR": ("25", "5", "13"),
    "HU": ("27", "5", "18"),
    "IE": ("23", "9", "13.5"),
    "IT": ("22", "5", "10", "4"),
    "LT": ("21", "5", "12"),
    "LU": ("17", "8", "14", "3"),
    "LV": ("21", "5", "12"),
    "MT": ("18", "5", "7"),
    "NL": ("21", "9"),
    "PL": ("23", "5", "8"),
    "RO": ("21", "11"),
    "SE": ("25", "6", "12"),
    "SI": ("22", "5", "9.5"),
    "SK": ("23", "5", "19"),
    "XI": ("20", "5"),
}

EXEMPTIONS: dict[str, str] = {
    "M01": "Artigo 16.º, n.º 6 do CIVA",
    "M02": "Artigo 6.º do Decreto-Lei n.º 198/90, de 19 de junho",
    "M04": "Isento artigo 13.º do CIVA",
    "M05": "Isento artigo 14.º do CIVA",
    "M06": "Isento artigo 15.º do CIVA",
    "M07": "Isento artigo 9.º do CIVA",
    "M09": "IVA – não confere direito a dedução",
    "M10": "IVA – regime de isenção",
    "M11": "Regime particular do tabaco",
    "M12": "Regime da margem de lucro – Agências de viagens",
    "M13": "Regime da margem de lucro – Bens em segunda mão",
    "M14": "Regime da margem de lucro – Objetos de arte",
    "M15": "Regime da margem de lucro – Objetos de coleção e antiguidades",
    "M16": "Isento artigo 14.º do RITI",
    "M19": "Outras isenções",
    "M20": "IVA – regime forfetário",
    "M21": "IVA – não confere direito à dedução (ou expressão similar)",
    "M25": "Mercadorias à consignação",
    "M26": "Isenção de IVA com direito à dedução no cabaz alimentar",
    "M30": "IVA – autoliquidação",
    "M31": "IVA – autoliquidação",
    "M32": "IVA – autoliquidação",
    "M33": "IVA – autoliquidação",
    "M34": "IVA – autoliquidação",
    "M35": "IVA – autoliquidação",
    "M40": "IVA – autoliquidação",
    "M41": "IVA – autoliquidação",
    "M42": "IVA – autoliquidação",
    "M43": "IVA – autoliquidação",
    "M44": "IVA – Regras específicas – artigo 6.º",
    "M45": "IVA – regime transfronteiriço de isenção",
    "M46": "IVA – e-TaxFree",
    "M99": "Não sujeito ou não tributado",
}

PAYMENT_CODES = frozenset(
    ["CC", "CD", "CH", "CI", "CO", "CS", "DE", "LC", "MB", "NU", "OU", "PR", "TB", "TR"]
)


def is_known_rate(rate: Decimal, region: str) -> bool:
    """Whether the region's table has the rate (zero is in every table)."""
    if region in REGION_RATES:
        return any(rate == Decimal(value) for value in REGION_RATES[region])
    return rate == 0 or any(rate == Decimal(value) for value in OSS_RATES.get(region, ()))


def nif_is_valid(nif: str) -> bool:
    """Whether nine digits carry the right check digit."""
    if len(nif) != 9 or not nif.isascii() or not nif.isdigit() or nif[0] == "0":
        return False
    rest = sum(int(digit) * weight for digit, weight in zip(nif, range(9, 1, -1), strict=False)) % 11
    return int(nif[8]) == (0 if rest < 2 else 11 - rest)
